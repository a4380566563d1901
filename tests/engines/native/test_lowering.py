"""Plans, run by plain loops, give what the reference engine gives, with as little work."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping

import numpy as np
import pytest
from tests.engines.cases import CASES, Case
from tests.engines.native.interpreter import Interpreter
from tests.oracle.random_systems import random_case
from tests.systems.catalogue import KNOWN, Known

import whygrad as wg
from whygrad.calculus import derive
from whygrad.engines.base import draw_noise
from whygrad.engines.native.lowering import lower
from whygrad.engines.native.names import original, rows, whole
from whygrad.engines.reference import ReferenceEngine
from whygrad.language.parsing import parse
from whygrad.language.sizes import infer_sizes
from whygrad.language.system import System
from whygrad.training.step import step_system

DRAWS = int(os.environ.get("WHYGRAD_DRAWS", "50"))

WORK = 6
"""A plan may take so many times the multiplications of the reference engine."""

FEW = 300
"""Below so many multiplications it is of no interest."""

LARGEST = 1e6
"""Of a value in a random system; beyond it there is nothing but rounding to compare."""


def everything(system: System) -> list[str]:
    equations = [t.name for t in system.of_kind("equation")]
    return [*equations, *(f"{u.name} <-" for u in system.updates)]


def declared(
    system: System, sizes: Mapping[str, int], arrays: Mapping[str, object], step: int = 0
) -> dict[str, object]:
    """The arrays, and settings and noise besides."""
    found = dict(arrays)
    for name, (kind, d) in system.declarations.items():
        if kind == "setting":
            found.setdefault(name, d.value)
        elif kind == "noise":
            shape = [sizes[i] for i in d.indices]
            found[name] = draw_noise(name, d.draw, shape, 0, step, np.dtype("float64"))
    return found


def compare(
    system: System,
    sizes: Mapping[str, int],
    arrays: Mapping[str, object],
    largest: float | None = None,
) -> None:
    names = everything(system)
    sizes = infer_sizes(system, sizes)
    reference = ReferenceEngine().compile(system, sizes, names)
    expected = reference.run(arrays)
    plan = lower(system, sizes, names, training=True, in_place=False)
    known = {i: size for i, size in plan.sizes.items() if size is not None}
    loops = Interpreter(plan, known, declared(system, sizes, arrays))
    found = loops.run()
    for name in names:
        assert found[name].shape == expected[name].shape
        if largest is None or np.all(np.abs(expected[name]) < largest):
            assert found[name] == pytest.approx(expected[name], rel=1e-9, abs=1e-9, nan_ok=True), (
                f"{name}\n{system}\n{plan}"
            )
    assert loops.multiplications <= WORK * max(reference.multiplications, FEW), plan


@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.name)
def test_every_rule_of_the_notation(case: Case) -> None:
    compare(case.system, case.all_sizes, case.arrays)


@pytest.mark.parametrize("known", KNOWN.values(), ids=lambda known: known.name)
def test_every_network_and_its_derivatives(known: Known) -> None:
    compare(derive(known.system).simplified_system, known.sizes, known.arrays())


@pytest.mark.parametrize("derived", [False, True])
def test_random_systems(derived: bool) -> None:
    for seed in range(DRAWS):
        case = random_case(random.Random(seed))
        system = parse(case.text)
        if derived:
            system = derive(system).simplified_system
        compare(system, case.sizes, case.arrays, LARGEST)


# Steps of training, in place


@pytest.mark.parametrize("known", KNOWN.values(), ids=lambda known: known.name)
def test_a_step_in_place_is_a_step_of_the_reference_engine(known: Known) -> None:
    optimizer = wg.SGD(0.1, momentum=0.9) if len(known.name) % 2 else wg.Adam(0.01)
    step = step_system(wg.Network(known.text), optimizer, None, 1, 1)
    step_in_place(step, known.sizes, known.arrays())


def step_in_place(
    system: System, sizes: Mapping[str, int], arrays: Mapping[str, np.ndarray]
) -> None:
    """Two steps on all samples but the first, in another order, while their number is open."""
    batch, samples = system.batch, sizes.get(system.batch or "", 1)
    lasting = [t for t in system.tensors.values() if t.kind in ("param", "state")]
    missing = 0 if any(batch in t.indices for t in lasting) else 1
    order = np.arange(samples)[::-1][: max(samples - missing, 1)]
    axes = {i for kind, d in system.declarations.values() for i in (*d.indices, d.within) if i}
    fixed = infer_sizes(system, {i: sizes[i] for i in axes if i != batch})
    wanted = (str(system.cost), *(f"{u.name} <-" for u in system.updates))
    before = {t.name: np.full([sizes[i] for i in t.indices], 0.5) for t in lasting}
    before |= {n: np.array(a) for n, a in arrays.items()}

    plan = lower(system, fixed, wanted, training=True, in_place=True)
    numbers = {i: size for i, size in plan.sizes.items() if size is not None}
    known = infer_sizes(system, {**fixed, **({batch: len(order)} if batch else {})})
    for i in plan.sizes.keys() - numbers:
        numbers[i] = samples if i == whole(batch or "") else known[original(i)]
    given = {t.name for t in system.of_kind("given") if batch in t.indices}
    inputs: dict[str, object] = {whole(n) if n in given else n: a for n, a in before.items()}
    if batch is not None:
        inputs[rows(batch)] = order
    costs = []
    for step in range(2):
        found = Interpreter(plan, numbers, declared(system, numbers, inputs, step), step).run()
        costs.append(float(found[wanted[0]]))
        inputs |= {u.name: found[f"{u.name} <-"] for u in system.updates}

    program = ReferenceEngine().compile(system, fixed, wanted)
    after = {n: a.copy() for n, a in before.items()}
    told = [program.epoch(after, order, len(order), 0, step) for step in range(2)]
    expected = [each[wanted[0]].item() for each in told]
    assert costs == pytest.approx(expected, rel=1e-9)
    for update in system.updates:
        name = update.name
        assert inputs[name] == pytest.approx(after[name], rel=1e-8, abs=1e-10), f"{name}\n{plan}"
