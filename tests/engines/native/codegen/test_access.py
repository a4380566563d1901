"""Reading and writing: every kind of subscript at all sizes, and nothing outside is touched.

Every run has guards of random bytes around each array, and fails if one has changed.
"""

from __future__ import annotations

import faulthandler
import os
from collections.abc import Callable

import numpy as np
import pytest
from tests.engines.native.codegen.running import Array, Compiled, Fence, lowered, nests, runnable

from whygrad.engines.native.jit import Target

TARGETS = pytest.mark.parametrize("target", runnable(), ids=lambda t: f"{t.vector_bits} bits")

READING = """
    given x[n], w[k], m[n,k], c[n] in k, e[n]
    along[n] = x[n] + 1
    turned[n] = x[size(n) - 1 - n]
    shifted[n] = x[pad(n - 2)] + x[pad(n + 3)]
    strided[n] = x[pad(2*n - 3)]
    looked[n] = w[c[n]] - w[pad(e[n] - 1)]
    wrapped[n] = x[(3*n + 1) % size(n)] + w[n // 2 % size(k)]
    corner[n] = m[0,0] + x[0]
    row[n,k] = m[n,k] * x[n] - w[k]
    skewed[n,k] = m[n, pad(k - n)] + m[pad(n + k - 4), k]
    picked[n,k] = m[n, c[n]] * w[k] + m[pad(e[n]), size(k) - 1 - k]
    by[k,n] = m[n,k] + 2 * x[n]
    """


def _read(a: Array, *places: Array) -> Array:
    """Elements at places, 0 where a place is outside."""
    inside = np.all([(p >= 0) & (p < s) for p, s in zip(places, a.shape, strict=True)], axis=0)
    return np.where(inside, a[tuple(np.where(inside, p, 0) for p in places)], 0)


def reading(x: Array, w: Array, m: Array, c: Array, e: Array) -> dict[str, Array]:
    n, (row, column) = np.arange(len(x)), np.indices(m.shape)
    return {
        "along": x + 1,
        "turned": x[::-1],
        "shifted": _read(x, n - 2) + _read(x, n + 3),
        "strided": _read(x, 2 * n - 3),
        "looked": w[c] - _read(w, e - 1),
        "wrapped": x[(3 * n + 1) % len(x)] + w[n // 2 % len(w)],
        "corner": np.full(len(x), m[0, 0] + x[0]),
        "row": m * x[:, None] - w,
        "skewed": _read(m, row, column - row) + _read(m, row + column - 4, column),
        "picked": m[n, c][:, None] * w + _read(m, e[row], len(w) - 1 - column),
        "by": m.T + 2 * x,
    }


@TARGETS
@pytest.mark.parametrize("k", [1, 3, 16, 21])
def test_reading_in_every_way_at_all_sizes(target: Target, k: int) -> None:
    dtype = "float64" if k % 2 else "float32"
    plan, system = nests(READING, n=None, k=k)
    compiled = Compiled(plan, system, dtype, target)
    rng = np.random.default_rng(k)
    for n in range(1, 41):
        arrays = {
            "x": rng.integers(-9, 9, n).astype(dtype),
            "w": rng.integers(-9, 9, k).astype(dtype),
            "m": rng.integers(-9, 9, (n, k)).astype(dtype),
            "c": rng.integers(0, k, n),
            "e": rng.integers(-2, max(n, k) + 3, n),
        }
        threads = 1 + n % 2
        found = compiled.run(arrays, {"n": n}, threads, shared=n % 3 == 0)
        assert compiled.flags == (False, False)
        for name, expected in reading(**arrays).items():
            np.testing.assert_array_equal(found[name], expected, f"{name}, n = {n}")


@pytest.mark.parametrize("n", range(1, 41))
def test_sizes_known_beforehand(n: int) -> None:
    """Two sizes that are constants in the code: remainders of lanes, of rows, of both."""
    k, target = (7 * n) % 41, runnable()[n % len(runnable())]
    text = """
        given x[n,k], y[k]
        z[k,n] = sum[l](x[n,l] * x[n,k]) + y[k]
        size l = size(k)
        u[n] = y[0] * n
        """
    compiled = lowered(text, False, target, "float32", n=n, k=k)
    rng = np.random.default_rng(n)
    x, y = rng.integers(-3, 4, (n, k)).astype(float), rng.integers(-3, 4, k).astype(float)
    found = compiled.run({"x": x, "y": y}, threads=1 + n % 2, shared=n % 3 == 0)
    np.testing.assert_array_equal(found["z"], (x.sum(1)[:, None] * x + y).T)
    np.testing.assert_array_equal(found["u"], y[0] * np.arange(n))


TRAINING = """
    given x[n,i], y[n,k]
    batch n
    param w[i,k] ~ he, b[k] ~ zeros, s ~ ones
    z[n,k] = sum[i](x[n,i] * w[i,k]) + s * b[k]
    J = mean[n](sum[k]((z[n,k] - y[n,k])**2))
    dz[n,k] = 2 * (z[n,k] - y[n,k]) / size(n)
    w[i,k] <- w[i,k] - sum[n](x[n,i] * dz[n,k])
    b[k] <- b[k] - sum[n](dz[n,k]) * s
    s <- s - sum[n,k](dz[n,k] * b[k])
    minimize J
    """


def trained(a: dict[str, Array], rows: Array) -> dict[str, Array]:
    x, y, w, b, s = a["x"][rows], a["y"][rows], a["w"], a["b"], a["s"]
    z = x @ w + s * b
    dz = 2 * (z - y) / len(rows)
    return {
        "J": np.mean(np.sum((z - y) ** 2, 1)),
        "w": w - x.T @ dz,
        "b": b - dz.sum(0) * s,
        "s": s - (dz * b).sum(),
    }


def training_arrays(everything: int, i: int, k: int) -> dict[str, Array]:
    rng = np.random.default_rng(i)
    shapes = {"x": (everything, i), "y": (everything, k), "w": (i, k), "b": (k,), "s": ()}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


@TARGETS
@pytest.mark.parametrize("i", [1, 2, 9, 18, 33])
def test_a_step_in_place_changes_what_is_updated_and_nothing_else(target: Target, i: int) -> None:
    k = 35 - i
    compiled = lowered(TRAINING, True, target, "float64", i=i, k=k)
    arrays = training_arrays(50, i, k)
    for n in [*range(1, 18), 33, 40]:
        rows = np.random.default_rng(n).permutation(50)[:n]
        memory = {"x·all": arrays["x"], "y·all": arrays["y"], "rows·n": rows}
        found = compiled.run({**arrays, **memory}, {"n": n, "n·all": 50}, 1 + n % 2, n % 3 == 0)
        assert compiled.flags == (False, False)
        for name, expected in trained(arrays, rows).items():
            np.testing.assert_allclose(found[name], expected, rtol=1e-10, atol=1e-10)
        np.testing.assert_array_equal(found["x·all"], arrays["x"])


COPYING = """
    given d[n,k]
    size m = size(n)
    z[n,m] = sum[k](d[n,k] * d[m,k])
    """


def ends_well(work: Callable[[], object]) -> bool:
    """Whether a function returns, when it runs in a process of its own."""
    child = os.fork()
    if child == 0:
        faulthandler.disable()
        work()
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


SPARSE = "given x[i], a[n]\ny[n] = a[n] * x[pad(20*n - 5)]"


@TARGETS
@pytest.mark.parametrize("fence", ["before", "behind"])
def test_nothing_is_read_beside_the_callers_arrays(target: Target, fence: Fence) -> None:
    """They begin, or end, where a page does, and the page next to it may not be read."""
    plan, system = nests(SPARSE, n=None, i=64)
    sparse = Compiled(plan, system, "float32", target)
    plan, system = nests("given x[n,i], y[k]\nz[n] = sum[k](x[n,2*k] * y[k])", n=None, i=9, k=5)
    strided = Compiled(plan, system, "float32", target)
    plan, system = nests(READING, n=None, k=21)
    once = Compiled(plan, system, "float32", target)
    plan, system = nests(COPYING, n=None, m=None, k=21)
    copy = Compiled(plan, system, "float32", target)
    step = lowered(TRAINING, True, target, "float32", i=9, k=26)

    def work() -> None:
        rng = np.random.default_rng(1)
        for n in range(1, 41):
            arrays = {"x": np.ones(n), "w": np.ones(21), "m": np.ones((n, 21))}
            numbers = {"c": rng.integers(0, 21, n), "e": rng.integers(-2, 30, n)}
            once.run({**arrays, **numbers}, {"n": n}, fence=fence)
            sparse.run({"x": np.ones(64), "a": np.ones(n)}, {"n": n}, fence=fence)
            strided.run({"x": np.ones((n, 9)), "y": np.ones(5)}, {"n": n}, fence=fence)
            copy.run({"d": np.ones((n, 21))}, {"n": n, "m": n}, fence=fence)
            arrays = training_arrays(n, 9, 26)
            memory = {"x·all": arrays["x"], "y·all": arrays["y"], "rows·n": np.arange(n)}
            step.run({**arrays, **memory}, {"n": n, "n·all": n}, fence=fence)

    assert ends_well(work)


def test_memory_of_no_meaning_is_taken_once() -> None:
    """Taken in each turn of a loop, it would fill the stack."""
    text = "given x[j,n], w[j]\ns[j] = sum[n](sin(x[j,n] + w[pad(j+1)]))"
    plan, system = nests(text, j=30_000, n=None)
    compiled = Compiled(plan, system)
    arrays = {"x": np.ones((30_000, 9)), "w": np.ones(30_000)}
    assert ends_well(lambda: compiled.run(arrays, {"n": 9}))


def test_the_fence_holds() -> None:
    """A subscript that the code takes to be in its range, and is not, ends the process."""
    plan, system = nests("given x[n]\ny[n] = x[n + 100]", n=None)
    compiled = Compiled(plan, system)
    assert not ends_well(lambda: compiled.run({"x": np.ones(9)}, {"n": 9}, fence="behind"))
    plan, system = nests("given x[n]\ny[n] = x[n - 100]", n=None)
    compiled = Compiled(plan, system)
    assert not ends_well(lambda: compiled.run({"x": np.ones(9)}, {"n": 9}, fence="before"))


# Subscripts from data that leave their range


LOOKUPS = {
    "a lookup": "y[n] = w[c[n]]",
    "in a row": "y[n] = m[n, c[n]]",
    "twice": "y[n] = w[c[c[n] % 2]] + w[c[n]]",
    "computed": "y[n] = w[2 * c[n] - c[n]]",
    "in a reduction": "y[k] = sum[n](w[c[n]] * w[k])",
    "in a maximum": "y = max[n](w[c[n]])",
    "under a condition that holds": "y[n] = where(c[n] != 3, w[c[n]], 0)",
    "in a condition": "y = sum[n | w[c[n]] > 0](m[n,0])",
}


@pytest.mark.parametrize("equation", LOOKUPS.values(), ids=LOOKUPS)
def test_a_place_outside_sets_the_flag(equation: str) -> None:
    """At every place of every size, above and below the range; and not if all are inside."""
    text = f"given w[k], m[n,k], c[n]\n{equation}"
    plan, system = nests(text, n=None, k=5)
    compiled = Compiled(plan, system, "float32")
    rng = np.random.default_rng(0)
    for n in (1, 2, 15, 16, 17, 31, 33, 40):
        arrays = {"w": np.arange(5.0), "m": np.ones((n, 5)), "c": rng.integers(0, 5, n)}
        compiled.run(arrays, {"n": n})
        assert compiled.flags == (False, False)
        for at in {0, n // 2, n - 1}:
            for wrong in (5, -1, 2**40, -(2**62)):
                c = arrays["c"].copy()
                c[at] = wrong
                compiled.run({**arrays, "c": c}, {"n": n})
                assert compiled.flags == (True, False), (n, at, wrong)


def test_lanes_beyond_the_range_set_no_flag() -> None:
    """What they read counts as 0 or is of no meaning; either would be outside here."""
    text = """
        given w[k], c[n]
        y[n] = w[c[n] - 1]
        t[n] = 2 * c[n]
        z[n] = w[t[n] // 2 - 1]
        s = sum[n](w[c[n] - 1])
        """
    plan, system = nests(text, n=None, k=5)
    compiled = Compiled(plan, system)
    for n in range(1, 40):
        c = 1 + np.arange(n) % 5
        found = compiled.run({"w": np.arange(5.0), "c": c}, {"n": n})
        assert compiled.flags == (False, False)
        np.testing.assert_array_equal(found["y"], c - 1.0)
        np.testing.assert_array_equal(found["z"], c - 1.0)
        assert found["s"] == (c - 1).sum()


EXCUSED = {
    "pad": "y[n] = w[pad(c[n])]",
    "a bracket": "y[n] = [c[n] < size(k) and 0 <= c[n]] * w[c[n]]",
    "where": "y[n] = where(c[n] < 0 or c[n] >= size(k), 0, w[c[n]])",
    "a condition": "y = sum[n | 0 <= c[n] and c[n] < size(k)](w[c[n]])",
    "a condition of a maximum": "y = max[n | 0 <= c[n] and c[n] < size(k)](w[c[n]])",
}


@pytest.mark.parametrize("equation", EXCUSED.values(), ids=EXCUSED)
def test_what_is_excused_is_not_read_and_sets_no_flag(equation: str) -> None:
    plan, system = nests(f"given w[k], c[n]\n{equation}", n=None, k=5)
    compiled = Compiled(plan, system)
    for n in range(1, 40):
        c = np.arange(n) * 997 % 23 - 9
        c[:: n // 2 + 1] = 2**50
        found = compiled.run({"w": np.arange(1.0, 6), "c": c}, {"n": n})["y"]
        assert compiled.flags == (False, False)
        read = _read(np.arange(1.0, 6), c)
        expected = read if found.shape else read.sum()
        if "max" in equation:
            expected = read.max() or -np.inf
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("value", [0.5, 3.0, -1.0, np.nan, np.inf, -np.inf, 1e300])
def test_a_computed_subscript_has_to_be_whole_and_inside(value: float) -> None:
    plan, system = nests("given x[n], w[k]\nf[n] = 2 * x[n]\ny[n] = w[f[n]]", n=None, k=3)
    compiled = Compiled(plan, system)
    for n in (1, 7, 8, 17):
        arrays = {"x": np.arange(n) % 3 / 2, "w": np.array([1.0, 10, 100])}
        found = compiled.run(arrays, {"n": n})
        assert compiled.flags == (False, False)
        np.testing.assert_array_equal(found["y"], 10.0 ** (np.arange(n) % 3))
        x = arrays["x"].copy()
        x[-1] = value / 2
        compiled.run({**arrays, "x": x}, {"n": n})
        assert compiled.flags == (True, False)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_an_update_that_is_not_finite_sets_the_other_flag(bad: float) -> None:
    compiled = lowered(TRAINING, True, i=3, k=19)
    for n in (1, 5, 8, 9):
        arrays = training_arrays(n, 3, 19)
        arrays["y"][n - 1, 18] = bad
        memory = {"x·all": arrays["x"], "y·all": arrays["y"], "rows·n": np.arange(n)}
        compiled.run({**arrays, **memory}, {"n": n, "n·all": n})
        assert compiled.flags == (False, True)


def test_a_recurrence_keeps_its_starts() -> None:
    """They lie before and behind the axis, where lanes outside the range must not write."""
    text = """
        given x[n,t]
        s[n,t] = s[n, t-1] + x[n,t]
        s[n,-1] = 10 + n
        r[n,t] = r[n, t+1] - x[n,t]
        r[n,size(t)] = n
        """
    for t in (1, 2, 7, 8, 9, 17):
        compiled = lowered(text, n=5, t=t)
        x = np.random.default_rng(t).integers(-9, 9, (5, t)).astype(float)
        found = compiled.run({"x": x})
        starts = 10.0 + np.arange(5)[:, None]
        np.testing.assert_array_equal(found["s"], np.hstack([starts, starts + np.cumsum(x, 1)]))
        ends = np.arange(5.0)[:, None]
        back = ends - np.cumsum(x[:, ::-1], 1)[:, ::-1]
        np.testing.assert_array_equal(found["r"], np.hstack([back, ends]))


def test_starts_stay_where_lanes_run_along_them() -> None:
    """Here nothing recurs, so the axis that has the starts is the one of the lanes."""
    text = """
        given x[t]
        s[t] = 2 * x[t]
        s[size(t)] = 3
        s[-1] = 5
        y[t] = s[t+1] - s[t-1]
        """
    for t in range(1, 40):
        compiled = lowered(text, t=t)
        x = np.random.default_rng(t).integers(-9, 9, t).astype(float)
        found = compiled.run({"x": x})
        s = np.array([5, *(2 * x), 3])
        np.testing.assert_array_equal(found["s"], s)
        np.testing.assert_array_equal(found["y"], s[2:] - s[:-2])


@TARGETS
@pytest.mark.parametrize("j", [1, 7, 16, 29])
@pytest.mark.parametrize("i", [1, 5, 13])
def test_an_update_that_is_not_finite_is_found_at_any_place(target: Target, i: int, j: int) -> None:
    """Also where rows are padded, with what is no number in the padding."""
    text = """
        given x[n,i], y[n,j]
        batch n
        param w[i,j] ~ zeros
        z[n,j] = y[n,j] / y[n,j]
        J = sum[n,j](z[n,j])
        w[i,j] <- w[i,j] - sum[n](x[n,i] * z[n,j])
        minimize J
        """
    compiled = lowered(text, True, target, "float32", i=i, j=j)
    arrays = {"x·all": np.ones((2, i)), "y·all": np.ones((2, j)), "rows·n": np.arange(2)}
    w = np.zeros((i, j))
    for place in (None, *np.ndindex(i, j)):
        w[:] = 0
        if place is not None:
            w[place] = np.inf
        compiled.run({**arrays, "w": w, "J": np.zeros(())}, {"n": 2, "n·all": 2})
        assert compiled.flags == (False, place is not None), place


@TARGETS
def test_places_that_the_nest_itself_computes(target: Target) -> None:
    """At one remove and at two."""
    text = """
        given x[k], far[k], p[n]
        a[n] = (p[n] + 1) % size(k)
        b[n] = x[a[n]]
        c[n] = x[far[a[n]]]
        d[n] = b[n] + c[n] + x[p[n]]
        """
    plan, system = nests(text, together=True, n=32, k=5)
    compiled = Compiled(plan, system, "float32", target)
    x, far, p = np.arange(5.0) ** 2, np.array([3, 4, 0, 1, 2]), np.arange(32) * 7 % 5
    found = compiled.run({"x": x, "far": far, "p": p})
    a = (p + 1) % 5
    assert found["d"].tolist() == (x[a] + x[far[a]] + x[p]).tolist()
    assert compiled.flags == (False, False)
