"""Steps of training, in machine code and by the reference engine."""

from __future__ import annotations

import numpy as np
import pytest
from tests.systems.catalogue import Known

import whygrad as wg
from whygrad.engines.native import NativeEngine
from whygrad.engines.reference import ReferenceEngine
from whygrad.language.sizes import infer_sizes
from whygrad.network.optimizers import Optimizer
from whygrad.training.step import step_system

DENSE = """
    given x[n,i], y[n] in k
    batch n
    param w1[i,h] ~ he, b1[h] ~ zeros, w2[h,k] ~ he, b2[k] ~ zeros
    z1[n,h] = sum[i](x[n,i] * w1[i,h]) + b1[h]
    a1[n,h] = tanh(z1[n,h])
    z2[n,k] = sum[h](a1[n,h] * w2[h,k]) + b2[k]
    J = mean[n](logsumexp[k](z2[n,k]) - z2[n,y[n]])
    minimize J
    """


def taken(
    engine: NativeEngine | ReferenceEngine, known: Known, optimizer: Optimizer, dtype: str
) -> dict[str, np.ndarray]:
    """All that is updated, and the costs, after two batches, the second one smaller.

    They are taken from arrays of which some rows are in neither.
    """
    system = step_system(wg.Network(known.text), optimizer, None, 1, 1)
    batch, samples = system.batch, known.sizes.get(system.batch or "", 1)
    values = {n: np.array(a) for n, a in known.arrays().items()}
    lasting = [t for t in system.tensors.values() if t.kind in ("param", "state")]
    for t in lasting:
        values.setdefault(t.name, np.full([known.sizes[i] for i in t.indices], 0.5))
    if any(batch in t.indices for t in lasting):
        pytest.skip("something is kept for each sample, so batches cannot be cut")
    values = {n: a.astype(dtype) if a.dtype.kind == "f" else a for n, a in values.items()}
    axes = {i for _, d in system.declarations.values() for i in (*d.indices, d.within) if i}
    fixed = infer_sizes(system, {i: known.sizes[i] for i in axes if i != batch})
    wanted = (str(system.cost), *(f"{u.name} <-" for u in system.updates))
    order = np.arange(samples)[::-1][: max(1, samples - 1)]
    size = max(1, len(order) // 2 + 1)
    told = engine.compile(system, fixed, wanted, dtype).epoch(values, order, size, 3)
    return {**told, **{u.name: values[u.name] for u in system.updates}}


def compare_steps(engine: NativeEngine, known: Known, optimizer: Optimizer, dtype: str) -> None:
    """An engine's steps beside the same ones of the reference engine, in double precision."""
    found = taken(engine, known, optimizer, dtype)
    tolerance = 1e-9 if dtype == "float64" else 2e-3
    for name, expected in taken(ReferenceEngine(), known, optimizer, "float64").items():
        assert found[name] == pytest.approx(expected, rel=tolerance, abs=tolerance), name
