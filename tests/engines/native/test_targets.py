"""Code for other processors: the conformance set, functions, and steps of training.

`WHYGRAD_EVERY=1` trains every network in every type; else a few stand for them.
"""

from __future__ import annotations

import os
from functools import cache

import numpy as np
import pytest
from tests.engines.cases import CASES, Case
from tests.engines.native.exact import WIDER, exact, ulps
from tests.engines.native.steps import compare_steps
from tests.systems.catalogue import KNOWN

import whygrad as wg
from whygrad.engines.native import NativeEngine, build, jit
from whygrad.engines.native.functions import NAMES
from whygrad.engines.reference import ReferenceEngine
from whygrad.engines.request import Request
from whygrad.language.parsing import parse

EVERY = bool(os.environ.get("WHYGRAD_EVERY"))
FEW = ["classification", "convolution_padded", "pooling_max", "embedding", "transformer", "gru"]


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


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", sorted(NAMES - {"pow"}))
def test_functions(target: jit.Target, dtype: str, name: str) -> None:
    if dtype == "float64" and not WIDER:
        pytest.skip("no numbers with more digits to compare with")
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(size=2000) * scale for scale in (1e-6, 0.1, 1, 10, 100)])
    x = np.concatenate([x, [0, -0.0, np.inf, -np.inf, np.nan]]).astype(dtype)
    system = parse(f"given x[i]\na[i] = {name}(x[i])")
    program = NativeEngine(1, target).compile(system, {"i": len(x)}, ["a"], dtype)
    with np.errstate(all="ignore"):
        assert ulps(program.run({"x": x})["a"], exact(name, x)).max() <= 2


@pytest.mark.parametrize("dtype", ["float32", "float64"] if EVERY else ["float32"])
@pytest.mark.parametrize("name", KNOWN if EVERY else FEW)
@pytest.mark.parametrize("threads", [1, 2])
def test_steps_of_training(target: jit.Target, threads: int, dtype: str, name: str) -> None:
    compare_steps(NativeEngine(threads, target), KNOWN[name], wg.Adam(0.01), dtype)


def test_each_processor_has_its_own_place_in_the_cache() -> None:
    case = CASES["dense"]
    request = Request(case.system, case.all_sizes, results(case), "float64", True)
    targets = {jit.host(), jit.AVX2, jit.X86, jit.ARM}
    keys = {build._key(request, False, target, frozenset()) for target in targets}
    assert len(keys) == len(targets)
