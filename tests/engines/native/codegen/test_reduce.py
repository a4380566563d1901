"""Reductions in every direction, with NaN, infinities and ties, at all sizes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from tests.engines.native.codegen.running import Array, Compiled, nests, runnable

from whygrad.engines.native.codegen.schedule import Tiled
from whygrad.engines.native.jit import Target

TEXT = """
    given x[n,k], y[k]
    total = sum[n,k](x[n,k])
    rows[n] = sum[k](x[n,k])
    columns[k] = sum[n](x[n,k])
    product[n] = sum[k](x[n,k] * y[k])
    below = sum[n,k | n > k](x[n,k])
    positive[n] = sum[k | x[n,k] > 0](x[n,k])
    highest = max[n,k](x[n,k])
    high[n] = max[k](x[n,k])
    across[k] = max[n](x[n,k])
    odd[n] = max[k | k % 2 == 1](x[n,k])
    place = argmax[n,k](x[n,k])
    turned = argmax[k,n](x[n,k])
    which[n] = argmax[k](x[n,k])
    along[k] = argmax[n](x[n,k])
    even[n] = argmax[k | k % 2 == 0](x[n,k])
    """


def _masked(x: Array, holds: Array, nothing: float) -> Array:
    return np.where(holds, x, nothing)


def _grid(x: Array) -> tuple[Array, Array]:
    n, k = np.indices(x.shape)
    return n, k


EXPECTED: dict[str, Callable[[Array, Array], object]] = {
    "total": lambda x, y: x.sum(),
    "rows": lambda x, y: x.sum(1),
    "columns": lambda x, y: x.sum(0),
    "product": lambda x, y: (x * y).sum(1),
    "below": lambda x, y: _masked(x, _grid(x)[0] > _grid(x)[1], 0).sum(),
    "positive": lambda x, y: _masked(x, x > 0, 0).sum(1),
    "highest": lambda x, y: x.max(),
    "high": lambda x, y: x.max(1),
    "across": lambda x, y: x.max(0),
    "odd": lambda x, y: _masked(x, _grid(x)[1] % 2 == 1, -np.inf).max(1),
    "place": lambda x, y: x.argmax(),
    "turned": lambda x, y: x.T.argmax(),
    "which": lambda x, y: x.argmax(1),
    "along": lambda x, y: x.argmax(0),
    "even": lambda x, y: 2 * x[:, ::2].argmax(1),
}


@pytest.mark.parametrize("target", runnable(), ids=lambda t: f"{t.vector_bits} bits")
@pytest.mark.parametrize("k", [1, 5, 16, 37])
def test_reductions_at_all_sizes(target: Target, k: int) -> None:
    """Whole numbers, of which many are equal; then with infinities and NaN among them."""
    dtype = "float32" if k % 2 else "float64"
    plan, system = nests(TEXT, n=None, k=k)
    compiled = Compiled(plan, system, dtype, target)
    rng = np.random.default_rng(k)
    for n in [*range(1, 20), 32, 33, 40]:
        x, y = rng.integers(-3, 4, (n, k)).astype(dtype), rng.integers(-3, 4, k).astype(dtype)
        for special in ([], [np.inf], [-np.inf, -np.inf], [np.nan, np.nan, np.inf]):
            for value in special:
                x[rng.integers(n), rng.integers(k)] = value
            found = compiled.run({"x": x, "y": y}, {"n": n})
            for name, expected in EXPECTED.items():
                with np.errstate(invalid="ignore"):
                    np.testing.assert_array_equal(found[name], expected(x, y), f"{name}, n = {n}")


def test_the_lanes_run_along_reductions_too() -> None:
    """That is: the test above has them in its reach."""
    plan, system = nests(TEXT, n=None, k=37)
    schedule = Compiled(plan, system).module.schedule
    lanes = {p.nest.steps[0].name: p.lane for p in schedule.parts if isinstance(p, Tiled)}
    assert lanes["total"] in ("n", "k")
    assert lanes["highest"] in ("n", "k")
    assert lanes["columns"] == "k"


def test_three_indices_at_once() -> None:
    text = """
        given x[i,j,k]
        s = sum[i,j,k](x[i,j,k])
        m = max[k,i,j](x[i,j,k])
        p = argmax[j,k,i](x[i,j,k])
        t[j] = sum[i,k](x[i,j,k])
        q[j] = argmax[k,i](x[i,j,k])
        """
    plan, system = nests(text, i=3, j=5, k=19)
    x = np.random.default_rng(0).integers(-9, 9, (3, 5, 19)).astype(float)
    found = Compiled(plan, system).run({"x": x})
    assert (found["s"], found["m"]) == (x.sum(), x.max())
    assert found["p"] == x.transpose(1, 2, 0).argmax()
    np.testing.assert_array_equal(found["t"], x.sum((0, 2)))
    np.testing.assert_array_equal(found["q"], x.transpose(1, 2, 0).reshape(5, -1).argmax(1))


def test_of_nothing() -> None:
    """The sum is 0, the maximum -infinity, the place of it 0."""
    text = """
        given x[n]
        s = sum[n | x[n] > 99](x[n])
        m = max[n | x[n] > 99](x[n])
        p = argmax[n | x[n] > 99](x[n])
        """
    plan, system = nests(text, n=20)
    found = Compiled(plan, system).run({"x": np.arange(20.0)})
    assert (found["s"], found["m"], found["p"]) == (0, -np.inf, 0)


def test_what_a_condition_excludes_does_not_count_even_as_nan() -> None:
    text = """
        given x[n]
        s = sum[n | n % 3 == 0](1 / x[n])
        m = max[n | n % 3 == 0](x[n])
        p = argmax[n | n % 3 == 0](x[n])
        """
    plan, system = nests(text, n=None)
    compiled = Compiled(plan, system)
    for n in range(1, 40):
        x = np.where(np.arange(n) % 3 == 0, -1.0 - np.arange(n), np.nan)
        found = compiled.run({"x": x}, {"n": n})
        assert found["s"] == pytest.approx((1 / x[::3]).sum(), rel=1e-12)
        assert (found["m"], found["p"]) == (-1, 0)
