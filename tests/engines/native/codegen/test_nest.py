"""Nests: every point of every index is run once, whatever the tile and the number of threads."""

from __future__ import annotations

import numpy as np
import pytest
from tests.engines.native.codegen.running import Compiled, lowered, nests, plan_of, runnable

from whygrad.engines.native.jit import Target
from whygrad.engines.native.plan import Nest

TARGETS = pytest.mark.parametrize("target", runnable(), ids=lambda t: f"{t.vector_bits} bits")

UPDATES = """
    given x[n,i]
    batch n
    param w[i,j] ~ he, v[j,i] ~ zeros
    state h[n,j] ~ zeros, g[j,n] ~ zeros
    J = sum[n,j](h[n,j])
    h[n,j] <- h[n,j] + sum[i](x[n,i] * w[i,j])
    g[j,n] <- 2 * g[j,n] + sum[i](x[n,i] * v[j,i])
    w[i,j] <- w[i,j] + sum[n](x[n,i] * h[n,j])
    v[j,i] <- v[j,i] + w[i,j]
    minimize J
    """


@TARGETS
@pytest.mark.parametrize(("i", "j"), [(1, 3), (7, 20), (16, 33), (13, 9)])
def test_what_is_updated_in_place_is_updated_once(target: Target, i: int, j: int) -> None:
    """A tile that overlaps another one may not run over what it has changed already."""
    compiled = lowered(UPDATES, True, target, "float64", i=i, j=j)
    rng = np.random.default_rng(i)
    for n in range(1, 41):
        shapes = {"x": (n, i), "w": (i, j), "v": (j, i), "h": (n, j), "g": (j, n)}
        a = {name: rng.integers(-3, 4, shape).astype(float) for name, shape in shapes.items()}
        memory = {"x·all": a["x"], "rows·n": np.arange(n)}
        found = compiled.run({**a, **memory}, {"n": n, "n·all": n}, threads=1 + n % 2)
        x, w, v, h, g = a.values()
        np.testing.assert_array_equal(found["h"], h + x @ w)
        np.testing.assert_array_equal(found["g"], 2 * g + v @ x.T)
        np.testing.assert_array_equal(found["w"], w + x.T @ h)
        np.testing.assert_array_equal(found["v"], v + w.T)
        assert found["J"] == h.sum()


def test_what_is_needed_behind_a_sum_is_loaded_behind_it() -> None:
    """Loaded before, it would take up registers in the loop of the sum."""
    text = """
        given x[n,i], w[i,j], a[n,j]
        s[n,j] = sum[i](x[n,i] * w[i,j])
        y[n,j] = a[n,j] - s[n,j]
        """
    plan, system = nests(text, together=True, n=64, i=64, j=64)
    compiled = Compiled(plan_of(plan.parts, system, plan.sizes, ["y"]), system)
    _, _, behind = compiled.code.text.partition("fmuladd")
    assert behind.count("= fsub") >= 8
    for part in behind.split("= fsub")[:-1]:
        assert part.rpartition("fmuladd")[2].count("= load <") >= 1


@pytest.mark.parametrize("rows", range(1, 26))
def test_tiles_of_a_known_size_come_out_at_every_size(rows: int) -> None:
    """In steps that read what the nest has computed before, in one thread and in three."""
    text = """
        given x[r,i], w[i,j]
        z[r,j] = sum[i](x[r,i] * w[i,j])
        a[r,j] = max(0, z[r,j]) - z[r,j] % 3
        s[r,j] = sum[i](x[r,i] * (w[i,j] - a[r,j]))
        """
    plan, system = nests(text, together=True, r=rows, i=5, j=19)
    plan = plan_of(plan.parts, system, plan.sizes, ["s"])
    compiled = Compiled(plan, system, "float64", runnable()[rows % len(runnable())])
    rng = np.random.default_rng(rows)
    x, w = rng.integers(-3, 4, (rows, 5)), rng.integers(-3, 4, (5, 19))
    z = x @ w
    a = np.maximum(z, 0) - z % 3
    for threads in (1, 2, 3):
        found = compiled.run({"x": x, "w": w}, threads=threads)
        np.testing.assert_array_equal(found["s"], z - x.sum(1)[:, None] * a)


def test_more_threads_than_points() -> None:
    plan, system = nests("given x[i,l,m]\ny[i] = sum[l,m](x[i,l,m])", i=3, l=100, m=400)
    compiled = Compiled(plan, system)
    x = np.random.default_rng(0).integers(-3, 4, (3, 100, 400)).astype(float)
    for threads in (1, 2, 5):
        np.testing.assert_array_equal(compiled.run({"x": x}, threads=threads)["y"], x.sum((1, 2)))


def test_a_nest_without_indices_runs_once() -> None:
    plan, system = nests("given x\ny = x + 1\nz = 2 * y", together=True)
    assert plan.parts == (Nest((), plan.parts[0].steps),)
    found = Compiled(plan, system).run({"x": 3.0}, threads=2)
    assert (found["y"], found["z"]) == (4, 8)
