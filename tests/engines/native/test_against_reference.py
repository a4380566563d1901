"""Machine code against the reference engine: networks, random systems, steps of training."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping

import numpy as np
import pytest
from tests.engines.native.steps import compare_steps
from tests.engines.native.test_lowering import LARGEST, everything
from tests.oracle.random_systems import random_case
from tests.systems.catalogue import KNOWN, Known

import whygrad as wg
from whygrad.calculus import derive
from whygrad.engines.native import NativeEngine
from whygrad.engines.reference import ReferenceEngine
from whygrad.language.parsing import parse
from whygrad.language.sizes import infer_sizes
from whygrad.language.system import System

DRAWS = int(os.environ.get("WHYGRAD_DRAWS", "12"))


@pytest.fixture(autouse=True)
def no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tested is the code as it is made now."""
    monkeypatch.setenv("WHYGRAD_CACHE", "0")


def compare(
    system: System,
    sizes: Mapping[str, int],
    arrays: Mapping[str, object],
    largest: float = np.inf,
    threads: int = 1,
) -> None:
    names = everything(system)
    sizes = infer_sizes(system, sizes)
    expected = ReferenceEngine().compile(system, sizes, names).run(arrays)
    found = NativeEngine(threads).compile(system, sizes, names).run(arrays)
    for name in names:
        assert found[name].shape == expected[name].shape
        if np.all(np.abs(expected[name]) < largest) or largest == np.inf:
            assert found[name] == pytest.approx(expected[name], rel=1e-9, abs=1e-9, nan_ok=True), (
                f"{name}\n{system}"
            )


@pytest.mark.parametrize("known", KNOWN.values(), ids=lambda known: known.name)
def test_every_network_and_its_derivatives(known: Known) -> None:
    compare(derive(known.system).simplified_system, known.sizes, known.arrays())


@pytest.mark.parametrize("seed", range(DRAWS))
def test_random_systems(seed: int) -> None:
    case = random_case(random.Random(seed))
    system = parse(case.text)
    if seed % 2:
        system = derive(system).simplified_system
    compare(system, case.sizes, case.arrays, LARGEST, threads=1 + seed % 3 // 2)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("known", KNOWN.values(), ids=lambda known: known.name)
def test_training_steps(known: Known, dtype: str) -> None:
    optimizer = wg.SGD(0.1, momentum=0.9) if len(known.name) % 2 else wg.Adam(0.01)
    compare_steps(NativeEngine(1), known, optimizer, dtype)
