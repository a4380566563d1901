"""Nests: every point of every index is run once, whatever the tile and the number of threads."""

from __future__ import annotations

import numpy as np
import pytest
from tests.engines.native.codegen.running import (
    AVX512,
    Compiled,
    lowered,
    nests,
    plan_of,
    runnable,
)

from whygrad.engines.native.codegen import module
from whygrad.engines.native.codegen.nest import NestWriter
from whygrad.engines.native.codegen.schedule import Tiled
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


@TARGETS
@pytest.mark.parametrize(("i", "j"), [(17, 200), (9, 72), (5, 40), (40, 17), (16, 64)])
def test_threads_share_rows_or_columns_and_none_is_done_twice(
    target: Target, i: int, j: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = """
        given x[n,i], d[n,j]
        batch n
        param w[i,j] ~ he
        J = sum[i,j](w[i,j])
        w[i,j] <- w[i,j] + sum[n](x[n,i] * d[n,j])
        minimize J
        """
    monkeypatch.setattr(module, "SMALL", 1)
    compiled = lowered(text, True, target, "float32", i=i, j=j)
    rng = np.random.default_rng(i)
    x, d, w = (rng.integers(-3, 4, s).astype(float) for s in [(21, i), (21, j), (i, j)])
    for threads in range(1, 10):
        memory = {"x·all": x, "d·all": d, "rows·n": np.arange(21), "w": w}
        found = compiled.run(memory, {"n": 21, "n·all": 21}, threads)
        np.testing.assert_array_equal(found["w"], w + x.T @ d)


def test_threads_share_what_comes_out_more_even() -> None:
    """Of 17 rows in tiles of 8, one of two threads would have 16; of 200 columns it has 128."""
    text = "given a[n,i], d[n,j]\nw[i,j] = sum[n](a[n,i] * d[n,j])"
    for i, j, columns in ((17, 200, 7), (16, 200, 0), (17, 32, 0), (40, 64, 2)):
        compiled = Compiled(*nests(text, n=64, i=i, j=j), "float32", AVX512)
        m, (part,) = compiled.module, compiled.module.schedule.parts
        assert isinstance(part, Tiled)
        shared = (m.element, m.lanes, m.memory, m.constants, lambda *_: True, frozenset[str]())
        assert NestWriter(part, *shared, single=False).grid.columns == columns
        assert NestWriter(part, *shared, single=True).grid.columns == 0


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
