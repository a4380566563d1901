"""Code for plainer processors, run on this one: the conformance set and steps of training.

`WHYGRAD_EVERY=1` trains every network in every type; else a few stand for them.
"""

from __future__ import annotations

import os
from functools import cache

import numpy as np
import pytest
from tests.engines.cases import CASES, Case
from tests.engines.native.steps import compare_steps
from tests.systems.catalogue import KNOWN

import whygrad as wg
from whygrad.engines.native import NativeEngine, build, jit
from whygrad.engines.reference import ReferenceEngine
from whygrad.engines.request import Request

EVERY = bool(os.environ.get("WHYGRAD_EVERY"))
FEW = ["classification", "convolution_padded", "pooling_max", "embedding", "transformer", "gru"]

PLAINER = {"AVX2": jit.AVX2, "x86-64": jit.X86}


@pytest.fixture(params=PLAINER.values(), ids=PLAINER)
def target(request: pytest.FixtureRequest) -> jit.Target:
    features = [f.removeprefix("+") for f in request.param.features.split(",") if f]
    if not jit.host().is_x86 or not all(map(jit.host().has, features)):
        pytest.skip("this processor cannot run it")
    return request.param


def results(case: Case) -> list[str]:
    return [*case.system.definitions, *(f"{u.name} <-" for u in case.system.updates)]


@cache
def expected(name: str) -> dict[str, np.ndarray]:
    """What the reference engine computes."""
    case = CASES[name]
    program = ReferenceEngine().compile(case.system, case.all_sizes, results(case))
    return program.run(case.arrays)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.name)
def test_the_conformance_set(target: jit.Target, dtype: str, case: Case) -> None:
    engine = NativeEngine(1, target)
    program = engine.compile(case.system, case.all_sizes, results(case), dtype)
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    for name, found in program.run(case.arrays).items():
        assert found.dtype == dtype
        np.testing.assert_allclose(
            found, expected(case.name)[name], rtol=tolerance, atol=tolerance, err_msg=name
        )


@pytest.mark.parametrize("dtype", ["float32", "float64"] if EVERY else ["float32"])
@pytest.mark.parametrize("name", KNOWN if EVERY else FEW)
def test_steps_of_training(target: jit.Target, dtype: str, name: str) -> None:
    compare_steps(NativeEngine(1, target), KNOWN[name], wg.Adam(0.01), dtype)


def test_each_processor_has_its_own_place_in_the_cache() -> None:
    case = CASES["dense"]
    request = Request(case.system, case.all_sizes, results(case), "float64", True)
    targets = {jit.host(), *PLAINER.values()}
    assert len({build._key(request, False, target) for target in targets}) == len(targets)
