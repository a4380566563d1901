"""One trial of a random system, and the report over many."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from tests.oracle.agreement import disagreements, evaluate
from tests.oracle.jax_twin import Twin
from tests.oracle.random_systems import FEATURES, Case

from whygrad.language.parsing import parse
from whygrad.language.system import System

LARGEST = 1e5  # of a value; beyond it the cost is nothing but rounding
NEAREST = 1e-9  # to a kink; nearer than that rounding decides on which side it is


@dataclass(frozen=True)
class Outcome:
    """What a trial found: faults, or a reason why nothing could be compared."""

    case: Case
    faults: tuple[str, ...] = ()
    skipped: str = ""
    features: frozenset[str] = field(default=frozenset())

    def __str__(self) -> str:
        return "\n".join([str(self.case), *self.faults])


def trial(case: Case) -> Outcome:
    """Compare the derivatives by data, parameters and inner tensors with those of the oracle."""
    try:
        system = parse(case.text)
        arrays = {**case.arrays, **_noise(system, case)}
        twin = Twin(system, case.sizes)
        reason, tie = _unfit(twin, arrays, "exact" in case.features)
        if reason:
            return Outcome(case, skipped=reason)
        inner = [n for n in system.definitions if n != system.cost and not n.startswith("c")]
        wrt = [*case.differentiable, *inner[:4]]
        faults = tuple(map(str, disagreements(system, case.sizes, case.arrays, wrt)))
    except Exception:
        return Outcome(case, (traceback.format_exc(limit=-6),))
    return Outcome(case, faults, features=case.features | ({"tie"} if tie else frozenset()))


def _noise(system: System, case: Case) -> Mapping[str, np.ndarray]:
    return evaluate(system, case.sizes, case.arrays, case.noise) if case.noise else {}


def _unfit(twin: Twin, arrays: Mapping[str, np.ndarray], exact: bool) -> tuple[str, bool]:
    """Why the values are of no use, if they aren't, and whether there is a tie.

    A tie of rounded numbers is none for an evaluation that rounds otherwise.
    """
    try:
        with np.errstate(all="ignore"):
            values = twin.values(arrays)
    except RecursionError:
        return "too deep for the oracle", False
    if not all(np.all(np.isfinite(v)) and np.all(np.abs(v) < LARGEST) for v in values.values()):
        return "large values", False
    kinks = twin.kinks(arrays)
    rounded = kinks.nearest < NEAREST or (kinks.ties > 0 and not exact)
    return ("a tie of rounded numbers" if rounded else ""), kinks.ties > 0


def report(drawn: Mapping[str, int]) -> str:
    """How often each feature was drawn, the rarest last."""
    counts = sorted(((drawn.get(f, 0), f) for f in {*FEATURES, *drawn}), reverse=True)
    lines = [f"  {count:7}  {feature}" for count, feature in counts]
    return "\n".join(["how many systems had", *lines])
