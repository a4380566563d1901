"""Zeros of the data are left out, and nothing but the time it takes shows that."""

from __future__ import annotations

import numpy as np
import pytest
from tests.engines.native.codegen.running import Fence, lowered, runnable
from tests.engines.native.codegen.test_strip import STEP

from whygrad.engines.native.codegen import factor, module, sparse, strip
from whygrad.engines.native.codegen.schedule import Scheduler
from whygrad.engines.native.codegen.transposed import TRANSPOSED
from whygrad.engines.native.jit import Target
from whygrad.engines.native.lowering import direct

X = frozenset({"x"})


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """For rows and weights of any size, few of them at a time, in several threads."""
    monkeypatch.setattr(direct, "LONG", 1)
    monkeypatch.setattr(factor, "LARGE", 1)
    monkeypatch.setattr(strip, "WIDE", 20)
    monkeypatch.setattr(sparse, "TILES", 2)
    monkeypatch.setattr(module, "SMALL", 1)


def gaps(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Small whole numbers, with zeros in between, in whole columns, and in whole rows."""
    x = rng.integers(-3, 4, shape).astype(float)
    x[rng.random(shape) < 0.5] = 0
    x[:, rng.random(shape[1]) < 0.3] = 0
    x[rng.random(shape[0]) < 0.3] = -0.0
    return x


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("target", runnable(), ids=lambda t: f"{t.vector_bits} bits")
@pytest.mark.parametrize("i", [3, 8, 21, 70])
@pytest.mark.parametrize("zeros", [X, frozenset()], ids=["without zeros", "dense"])
def test_sums_are_right_at_all_sizes(
    target: Target, i: int, zeros: frozenset[str], dtype: str, always: None
) -> None:
    compiled = lowered(STEP, True, target, dtype, zeros, i=i, j=27)
    memory = compiled.module.memory
    assert (f"{strip.STRIPS}n" in memory, f"{sparse.LISTS}i" in memory) == (True, bool(zeros))
    rng = np.random.default_rng(i)
    x, w = gaps(rng, 60, i), rng.integers(-2, 3, (i, 27)).astype(float)
    for n in range(1, 41):
        rows = rng.permutation(60)[:n]
        memory = {"x·all": x, "rows·n": rows, "w": w, "v": w}
        found = compiled.run(memory, {"n": n, "n·all": 60}, 1 + n % 3, shared=n % 2 == 0)
        z = x[rows] @ w
        np.testing.assert_array_equal(found["w"], w - x[rows].T @ z)
        np.testing.assert_array_equal(found["v"], w - x[rows].T @ z**2)
        assert compiled.flags == (False, False)


@pytest.mark.parametrize("target", runnable(), ids=lambda t: f"{t.vector_bits} bits")
def test_the_weights_may_lie_along_the_data(
    target: Target, always: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are transposed in panels, of which lists tell the rows that are read."""
    usual = Scheduler._candidates
    monkeypatch.setattr(
        Scheduler,
        "_candidates",
        lambda self, nest: ["j"] if nest.steps[0].name == "z" else usual(self, nest),
    )
    text = """
        given x[n,i]
        batch n
        param w[j,i] ~ zeros
        z[n,j] = sum[i](x[n,i] * w[j,i])
        J = sum[n,j](z[n,j])
        w[j,i] <- w[j,i] - sum[n](x[n,i] * z[n,j])
        minimize J
        """
    compiled = lowered(text, True, target, "float32", X, i=70, j=40)
    memory = compiled.module.memory
    assert f"{sparse.LISTS}i" in memory and f"{TRANSPOSED}i" in memory
    rng = np.random.default_rng(0)
    x, w = gaps(rng, 60, 70), rng.integers(-2, 3, (40, 70)).astype(float)
    for n in range(1, 41):
        rows = rng.permutation(60)[:n]
        given = {"x·all": x, "rows·n": rows, "w": w}
        found = compiled.run(given, {"n": n, "n·all": 60}, 1 + n % 3, shared=n % 2 == 0)
        np.testing.assert_array_equal(found["w"], w - (x[rows] @ w.T).T @ x[rows])


def test_turns_are_left_out(always: None) -> None:
    """Where only zeros stand in the data, not even what they are multiplied by is read."""
    compiled = lowered(STEP, True, None, "float32", X, i=8, j=32)
    x, w = np.zeros((6, 8)), np.ones((8, 32))
    x[:, 5] = 1
    w[:5] = w[6:] = np.nan
    memory = {"x·all": x, "rows·n": np.arange(6), "w": w, "v": np.ones((8, 32))}
    found = compiled.run(memory, {"n": 6, "n·all": 6})
    assert np.all(found["v"][5] == 1 - 6) and np.all(found["v"][:5] == 1)


def test_the_next_rows_are_asked_for() -> None:
    """By each thread, while it computes; rows of dense data come while there is more to do."""
    texts = [
        lowered(STEP, True, None, "float32", s, i=300, j=128).code.text for s in (X, frozenset())
    ]
    assert ["llvm.prefetch" in text for text in texts] == [True, False]


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
@pytest.mark.parametrize("at", [0, 5])
@pytest.mark.parametrize("j", [32, 27])
def test_zero_times_what_is_not_finite_is_not_zero(
    wrong: float, at: int, j: int, always: None
) -> None:
    """A derivative of a sample without data may be infinite: then all weights would be NaN."""
    text = STEP.replace("J = ", "a[n,j] = q[n] * j\n    J = ").replace("* z[n,j]**2", "* a[n,j]")
    text = text.replace("given x[n,i]", "given x[n,i], q[n]")
    compiled = lowered(text, True, None, "float32", X, i=8, j=j)
    x, q = np.ones((6, 8)), np.ones(6)
    x[at], q[at] = 0, wrong
    memory = {"x·all": x, "q·all": q, "rows·n": np.arange(6)} | dict.fromkeys("wv", np.ones((8, j)))
    found = compiled.run(memory, {"n": 6, "n·all": 6})
    assert np.all(np.isnan(found["v"]))
    assert compiled.flags == (False, True)


MORE = {
    "beside it another number of each row": "sum[n](x[n,i] * max(z[n,j], o[n,i]))",
    "under a condition": "sum[n | q[n] < 3](x[n,i] * a[q[n],j])",
    "under a condition as a factor": "sum[n](x[n,i] * a[q[n],j] * [q[n] < 3])",
    "squared": "sum[n](x[n,i] * x[n,i] * z[n,j])",
}


@pytest.mark.parametrize("update", MORE.values(), ids=MORE)
def test_other_sums(update: str, always: None) -> None:
    text = STEP.replace("sum[n](x[n,i] * z[n,j]**2)", update)
    text = text.replace("given x[n,i]", "given x[n,i], o[n,i], q[n], a[k,j]")
    compiled = lowered(text, True, None, "float64", X, i=8, j=32, k=3)
    rng = np.random.default_rng(0)
    x, o, a = gaps(rng, 30, 8), rng.integers(1, 3, (30, 8)), rng.integers(1, 9, (3, 32))
    w, q = rng.integers(-2, 3, (8, 32)).astype(float), rng.integers(0, 7, 30)
    memory = {"x·all": x, "o·all": o, "q·all": q, "a": a, "rows·n": np.arange(30), "w": w, "v": w}
    found = compiled.run(memory, {"n": 30, "n·all": 30}, 2)
    z, looked = x @ w, np.where(q[:, None] < 3, a[q % 3], 0)
    larger = np.maximum(z[:, None], o[:, :, None])
    sums = np.einsum("ni,nij->ij", x, larger), x.T @ looked, x.T @ looked, x.T**2 @ z
    wanted = dict(zip(MORE.values(), sums, strict=True))
    np.testing.assert_array_equal(found["v"], w - wanted[update])
    assert compiled.flags == (False, False)


def test_zero_times_a_computed_weight_that_is_not_finite(always: None) -> None:
    text = STEP.replace("z[n,j] =", "u[i,j] = exp(w[i,j])\n    z[n,j] =").replace("* w[", "* u[")
    compiled = lowered(text, True, None, "float64", X, i=8, j=32)
    x, w = np.ones((6, 8)), np.zeros((8, 32))
    x[:, 3], w[3] = 0, 1000
    memory = {"x·all": x, "rows·n": np.arange(6), "w": w, "v": w}
    found = compiled.run(memory, {"n": 6, "n·all": 6})
    assert np.isnan(found["J"]) and compiled.flags == (False, True)


@pytest.mark.parametrize("target", runnable(), ids=lambda t: f"{t.vector_bits} bits")
def test_beside_sums_of_the_same_shape_without_zeros(target: Target, always: None) -> None:
    """One function must not stand for both."""
    text = STEP.replace("J = sum[n,j](z[n,j])", "r[n,j] = sum[i](q[n,i] * v[i,j])\n    J = 0")
    text = text.replace("z[n,j]**2", "r[n,j]").replace("given x[n,i]", "given x[n,i], q[n,i]")
    text = text.replace("sum[n](x[n,i] * r", "sum[n](q[n,i] * r")
    rng = np.random.default_rng(0)
    for i in (3, 12, 200):
        compiled = lowered(text, True, target, "float64", X, i=i, j=32)
        x, q = gaps(rng, 30, i), gaps(rng, 30, i)
        w, v = rng.integers(-2, 3, (2, i, 32)).astype(float)
        memory = {"x·all": x, "q·all": q, "rows·n": np.arange(30), "w": w, "v": v}
        found = compiled.run(memory, {"n": 30, "n·all": 30}, 2)
        np.testing.assert_array_equal(found["w"], w - x.T @ (x @ w))
        np.testing.assert_array_equal(found["v"], v - q.T @ (q @ v))


@pytest.mark.parametrize("side", ["before", "behind"])
def test_nothing_is_read_beside_the_data(side: Fence, always: None) -> None:
    """Nor beside the numbers of the rows, unless there is a next batch."""
    compiled = lowered(STEP, True, None, "float32", X, i=21, j=27)
    memory = {"x·all": np.ones((40, 21)), "rows·n": np.arange(40)[::-1]}
    memory |= dict.fromkeys(("w", "v"), np.ones((21, 27)))
    found = compiled.run(memory, {"n": 40, "n·all": 40}, 2, fence=side, left=0)
    assert np.all(found["w"] == 1 - 40 * 21)
