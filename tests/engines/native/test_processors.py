"""Code for other processors: run where this one can, and otherwise read."""

import re

import numpy as np
import pytest
from tests.engines.cases import CASES, Case
from tests.oracle.loops import Loops

from whygrad.engines.native import NativeEngine, build, jit
from whygrad.engines.request import Request
from whygrad.network.layers import Dense
from whygrad.network.network import BaseNetwork
from whygrad.network.optimizers import Adam
from whygrad.network.sequential import sequential_text
from whygrad.training.step import step_system

PLAINER = {"any x86": jit.X86, "AVX2": jit.AVX2}


def runs_here(target: jit.Target) -> bool:
    features = [f.removeprefix("+") for f in target.features.split(",") if f]
    return jit.host().is_x86 and all(jit.host().has(f) for f in features)


@pytest.mark.parametrize("target", PLAINER.values(), ids=PLAINER)
@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.name)
def test_plainer_processors_compute_the_same(target: jit.Target, case: Case) -> None:
    if not runs_here(target):
        pytest.skip("this processor cannot run it")
    wanted = [*case.system.definitions, *(f"{u.name} <-" for u in case.system.updates)]
    program = NativeEngine(1, target).compile(case.system, case.all_sizes, wanted, "float32")
    found = program.run(case.arrays)
    loops = Loops(case.system, case.all_sizes, case.arrays)
    for name in wanted:
        with np.errstate(all="ignore"):
            update = name.endswith(" <-")
            expected = loops.update(name[:-3]) if update else loops.tensor(name)
        assert found[name] == pytest.approx(expected, rel=1e-5, abs=1e-5, nan_ok=True), name


@pytest.fixture(scope="module")
def step() -> Request:
    """A training step of a network of some size, by Adam."""
    text = sequential_text([Dense(32, "tanh"), Dense(20, "relu"), Dense(10)], "cross_entropy")
    system = step_system(BaseNetwork(text), Adam(0.01), None, 1, 1)
    return Request(system, {"i": 13, "k": 10}, ["J"], "float32", True).step()


def assembly(step: Request, target: jit.Target) -> str:
    text, _ = build.module(step, build.planned(step, True), True, target)
    return jit.assembly(text, target)


def test_arm_multiplies_and_adds_in_vectors_of_its_own(step: Request) -> None:
    code = assembly(step, jit.ARM)
    assert len(re.findall(r"\bfmla\s+v\d+\.4s", code)) > 20
    assert not re.search(r"\bbl\s+(fma|exp|tanh|log|sqrt)f?\b", code)


@pytest.mark.parametrize(
    ("target", "expected", "excluded"),
    [
        (jit.X86, r"\bmulps\b", r"\bv\w+ps\b|%ymm|%zmm"),
        (jit.AVX2, r"\bvfmadd\w+ps\b.*%ymm", r"%zmm"),
    ],
    ids=PLAINER,
)
def test_x86_uses_what_it_has_and_nothing_more(
    step: Request, target: jit.Target, expected: str, excluded: str
) -> None:
    code = assembly(step, target)
    assert len(re.findall(expected, code)) > 20
    assert not re.search(excluded, code)
    assert not re.search(r"\bcall\w*\s+(fma|exp|tanh|log|sqrt)f?\b", code)


def test_each_processor_has_its_own_place_in_the_cache(step: Request) -> None:
    keys = {build._key(step, True, target) for target in (jit.host(), *PLAINER.values())}
    assert len(keys) == len({jit.host(), *PLAINER.values()})
