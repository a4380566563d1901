"""Machine code against the reference engine: networks, random systems, steps of training."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping

import numpy as np
import pytest
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
from whygrad.training.step import step_system

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
    """Two batches, the second one smaller, from arrays of which some rows are in neither."""
    optimizer = wg.SGD(0.1, momentum=0.9) if len(known.name) % 2 else wg.Adam(0.01)
    system = step_system(wg.Network(known.text), optimizer, None, 1, 1)
    batch, samples = system.batch, known.sizes.get(system.batch or "", 1)
    arrays = {n: np.array(a) for n, a in known.arrays().items()}
    lasting = [t for t in system.tensors.values() if t.kind in ("param", "state")]
    for t in lasting:
        arrays.setdefault(t.name, np.full([known.sizes[i] for i in t.indices], 0.5))
    if any(batch in t.indices for t in lasting):
        pytest.skip("something is kept for each sample, so batches cannot be cut")
    arrays = {n: a.astype(dtype) if a.dtype.kind == "f" else a for n, a in arrays.items()}
    axes = {i for _, d in system.declarations.values() for i in (*d.indices, d.within) if i}
    fixed = infer_sizes(system, {i: known.sizes[i] for i in axes if i != batch})
    wanted = (str(system.cost), *(f"{u.name} <-" for u in system.updates))
    order = np.arange(samples)[::-1][: max(1, samples - 1)]
    size = max(1, len(order) // 2 + 1)
    results = []
    for engine, kind in ((NativeEngine(1), dtype), (ReferenceEngine(), "float64")):
        values = {n: a.astype(kind) if a.dtype.kind == "f" else a.copy() for n, a in arrays.items()}
        costs = engine.compile(system, fixed, wanted, kind).epoch(values, order, size, 3)
        results.append({"costs": costs, **{u.name: values[u.name] for u in system.updates}})
    tolerance = 1e-9 if dtype == "float64" else 2e-3
    for name, expected in results[1].items():
        assert results[0][name] == pytest.approx(expected, rel=tolerance, abs=tolerance), name
