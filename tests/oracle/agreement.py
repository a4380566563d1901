"""Whether a system's derivation agrees with JAX: every value and every derivative of it.

A derivative may differ from the oracle's by 1e-10 of the sum of the absolute
values of its terms. That sum is taken all the way from the cost, by evaluating
the chain form with every term in it made positive; so where large terms cancel
the bound is wide, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from tests.oracle.jax_twin import Twin

from whygrad.calculus import derive
from whygrad.engines.reference import ReferenceEngine
from whygrad.language import expression as ex
from whygrad.language.parsing import parse
from whygrad.language.sizes import infer_sizes
from whygrad.language.system import Equation, System

ROUNDING = 1e-14
TOLERANCE = 1e-10

Arrays = Mapping[str, np.ndarray]


def evaluate(
    system: System,
    sizes: Mapping[str, int],
    arrays: Arrays,
    wanted: Sequence[str],
    dtype: str = "float64",
    training: bool = True,
) -> dict[str, np.ndarray]:
    """The wanted tensors by the reference engine; `sizes` need not have the copies of indices."""
    known = infer_sizes(system, known=sizes)
    program = ReferenceEngine().compile(system, known, wanted, dtype, training)
    return program.run(arrays, seed=0, step=0)


@dataclass(frozen=True)
class Disagreement:
    """Where a value is not what the oracle says, and by how much more than it may be."""

    where: str
    name: str
    got: np.ndarray
    expected: np.ndarray

    def __str__(self) -> str:
        values = f"  got      {self.got.tolist()}\n  expected {self.expected.tolist()}"
        return f"{self.where}: {self.name}\n{values}"


def disagreements(
    system: System,
    sizes: Mapping[str, int],
    arrays: Arrays,
    wrt: Sequence[str],
    training: bool = True,
) -> Iterator[Disagreement]:
    """Compare all tensors and the derivatives by `wrt`, in the chain form and simplified."""
    noise = [t.name for t in system.of_kind("noise")]
    inner = list(system.definitions)
    forward = evaluate(system, sizes, arrays, [*inner, *noise], training=training)
    arrays = {**arrays, **{name: forward[name] for name in noise}}
    twin = Twin(system, sizes, training=training)
    with np.errstate(all="ignore"):
        values = twin.values(arrays)
    # a sum that cancels to 0 keeps the rounding of its terms
    floor = ROUNDING * max([1.0, *(float(np.max(np.abs(v), initial=0)) for v in values.values())])
    for name, expected in values.items():
        bound = TOLERANCE * (np.abs(expected) + np.max(np.abs(expected), initial=0)) + floor
        yield from _compare("forward", name, forward[name], expected, bound)

    expected_gradients = twin.gradients(arrays, wrt, fast=True)
    derivation = derive(system, wrt=wrt)
    names = [f"δ{name}" for name in wrt]
    inputs = {name: a for name, a in arrays.items() if name not in noise}
    scale = evaluate(magnitudes(derivation.system), sizes, inputs, names, training=training)
    for form, derived in (
        ("chain form", derivation.system),
        ("simplified", derivation.simplified_system),
    ):
        read_back = parse(str(derived))
        assert read_back == derived, f"the {form} does not survive printing:\n{derived}"
        got = evaluate(read_back, sizes, inputs, [*names, system.cost], training=training)
        for name in wrt:
            bound = TOLERANCE * scale[f"δ{name}"]
            yield from _compare(form, f"δ{name}", got[f"δ{name}"], expected_gradients[name], bound)
        cost = forward[system.cost]
        yield from _compare(form, system.cost, got[system.cost], cost, TOLERANCE * (1 + abs(cost)))


def _compare(
    where: str, name: str, got: np.ndarray, expected: np.ndarray, bound: np.ndarray
) -> Iterator[Disagreement]:
    if got.shape != expected.shape or not np.all(np.abs(got - expected) <= bound):
        yield Disagreement(where, name, got, expected)


def magnitudes(derived: System) -> System:
    """The same derivation with every term positive: how much there was to cancel."""
    return System(
        tuple(
            Equation(s.name, s.subscripts, magnitude(s.value))
            if isinstance(s, Equation) and s.name.startswith("δ")
            else s
            for s in derived.statements
        )
    )


def magnitude(e: ex.Expression) -> ex.Expression:
    """The expression with its terms and factors replaced by their absolute values."""
    match e:
        case ex.Number(value=value):
            return ex.number(abs(value))
        case ex.Reference(tensor=tensor) if tensor.startswith("δ"):
            return e
        case ex.Index() | ex.Size() | ex.Bracket():
            return e
        case ex.Add(terms=parts):
            return ex.add(*map(magnitude, parts))
        case ex.Multiply(factors=parts):
            return ex.multiply(*map(magnitude, parts))
        case ex.Reduce(operation="sum" | "mean"):
            return ex.Reduce(e.operation, e.indices, e.condition, magnitude(e.body))
        case ex.Where(condition=condition, yes=yes, no=no):
            return ex.Where(condition, magnitude(yes), magnitude(no))
    return ex.Call("abs", (e,))
