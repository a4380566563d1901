"""Rows of a batch that are turned around for a sum over the samples: when, and that it is right."""

from __future__ import annotations

import numpy as np
import pytest
from tests.engines.native.codegen.running import lowered, runnable
from tests.engines.native.steps import compare_steps
from tests.systems.catalogue import KNOWN, Known

import whygrad as wg
from whygrad.engines.native import NativeEngine
from whygrad.engines.native.codegen import module
from whygrad.engines.native.jit import Target
from whygrad.engines.native.lowering import direct, lower, turned
from whygrad.language.parsing import parse

STEP = """
    given x[n,i]
    batch n
    param w[i,j] ~ zeros, v[i,j] ~ zeros
    z[n,j] = sum[i](x[n,i] * w[i,j])
    J = sum[n,j](z[n,j])
    w[i,j] <- w[i,j] - sum[n](x[n,i] * z[n,j])
    v[i,j] <- v[i,j] - sum[n](x[n,i] * z[n,j]**2)
    minimize J
    """


@pytest.mark.parametrize(
    ("i", "j", "copied"), [(512, 64, True), (512, 63, False), (127, 1000, False)]
)
def test_rows_are_turned_around_if_they_are_long_and_read_often(
    i: int, j: int, copied: bool
) -> None:
    wanted = ["J", "w <-", "v <-"]
    plan = str(lower(parse(STEP), {"i": i, "j": j}, wanted, training=True, in_place=True))
    assert plan.count("x·turned[i,n] = x·all[rows·n[n], i]") == copied
    assert plan.count("x·turned") == 3 * copied
    assert ("sum[i](x·all[rows·n[n], i] * w[i,j])" in plan) == (i >= 128)


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of any length, for any number of sums, in several threads."""
    monkeypatch.setenv("WHYGRAD_CACHE", "0")
    monkeypatch.setattr(direct, "LONG", 1)
    monkeypatch.setattr(turned, "LARGE", 1)
    monkeypatch.setattr(module, "SMALL", 1)


@pytest.mark.parametrize("target", runnable(), ids=lambda t: f"{t.vector_bits} bits")
@pytest.mark.parametrize("i", [3, 8, 21])
def test_the_copy_is_right_at_all_sizes(target: Target, i: int, always: None) -> None:
    compiled = lowered(STEP, True, target, "float32", i=i, j=11)
    assert "x·turned" in str(compiled.plan)
    rng = np.random.default_rng(i)
    x = rng.integers(-3, 4, (60, i)).astype(float)
    w = rng.integers(-2, 3, (i, 11)).astype(float)
    for n in range(1, 41):
        rows = rng.permutation(60)[:n]
        memory = {"x·all": x, "rows·n": rows, "w": w, "v": w}
        found = compiled.run(memory, {"n": n, "n·all": 60}, 1 + n % 2, shared=n % 3 == 0)
        z = x[rows] @ w
        np.testing.assert_array_equal(found["w"], w - x[rows].T @ z)
        np.testing.assert_array_equal(found["v"], w - x[rows].T @ z**2)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("known", KNOWN.values(), ids=lambda known: known.name)
def test_numbers_are_those_of_the_reference(known: Known, threads: int, always: None) -> None:
    compare_steps(NativeEngine(threads), known, wg.SGD(0.1), "float64")
