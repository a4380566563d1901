"""Plans, run by plain loops, give what the reference engine gives."""

from __future__ import annotations

import pytest
from tests.engines.cases import CASES, Case
from tests.engines.native.interpreter import Interpreter

from whygrad.engines.native.lowering import lower
from whygrad.engines.reference import ReferenceEngine


def wanted(case: Case) -> list[str]:
    equations = [t.name for t in case.system.of_kind("equation")]
    return [*equations, *(f"{u.name} <-" for u in case.system.updates)]


@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.name)
def test_a_plan_gives_what_the_reference_engine_gives(case: Case) -> None:
    names = wanted(case)
    expected = ReferenceEngine().compile(case.system, case.all_sizes, names).run(case.arrays)
    plan = lower(case.system, case.all_sizes, names, training=True, in_place=False)
    settings = {n: d.value for n, (k, d) in case.system.declarations.items() if k == "setting"}
    found = Interpreter(plan, case.all_sizes, {**settings, **case.arrays}).run()
    for name in names:
        assert found[name].shape == expected[name].shape
        assert found[name] == pytest.approx(expected[name], rel=1e-12, abs=1e-12, nan_ok=True), name
