"""What a condition excludes is not read."""

from __future__ import annotations

import random
from itertools import product
from textwrap import dedent

import numpy as np
import pytest
from tests.engines.native.interpreter import Interpreter
from tests.engines.native.lowering.plans import plan
from tests.engines.native.test_lowering import DRAWS
from tests.oracle.random_guards import random_guards

from whygrad.engines.native.lowering import lower
from whygrad.engines.reference import ReferenceEngine
from whygrad.language.parsing import parse
from whygrad.language.sizes import infer_sizes


def values(text: str, arrays: dict[str, object], **sizes: int) -> dict[str, np.ndarray]:
    """Every equation of a text, by its plan."""
    system = parse(dedent(text))
    wanted = [t.name for t in system.of_kind("equation")]
    found = lower(system, sizes, wanted, True, False)
    numbers = {i: size for i, size in found.sizes.items() if size is not None}
    return Interpreter(found, numbers, arrays).run()


def test_where_no_condition_holds_an_infinite_factor_counts_for_nothing() -> None:
    text = "given x[n], s\nsize m = size(n)\na[m] = sum[n | n > m](s * x[n])"
    found = values(text, {"x": np.array([1.0, 2.0]), "s": np.array(np.inf)}, n=2)
    assert found["a"].tolist() == [np.inf, 0]


def test_what_a_condition_excludes_is_not_read() -> None:
    """Also not where the same costly value stands in several equations."""
    text = """
        given x[i], k[n]
        a[n] = where(k[n] < 2, x[k[n]], -1)
        b[n] = [k[n] < 2] * exp(x[k[n]])
        c[n] = where(k[n] < 2, exp(x[k[n]]), 0)
        d[n] = [k[n] < 2] * [x[k[n]] > 5]
        e = sum[n | k[n] < 2 and x[k[n]] > 5](1)
        f[n] = where(k[n] >= 2 or max[j](x[k[n]] - j) > 5, 1, 0)
        h[i] = sum[n | k[n] == i](x[i])
        l[n] = [k[n] < 2] * logsumexp[j](x[k[n]] * j)
        m[n,j] = where(k[n] < 2, sin(x[k[n]]) * j, 0)
        """
    arrays = {"x": np.array([5.0, 6.0]), "k": np.array([1, 0, 7])}
    found = values(text, arrays, i=2, n=3, j=3)
    assert found["a"].tolist() == [6, 5, -1]
    assert found["b"] == pytest.approx([np.exp(6), np.exp(5), 0])
    assert found["c"] == pytest.approx([np.exp(6), np.exp(5), 0])
    assert found["d"].tolist() == [1, 0, 0]
    assert found["e"] == 1
    assert found["f"].tolist() == [1, 0, 1]
    assert found["h"].tolist() == [5, 6]
    assert found["m"][:, 1] == pytest.approx([np.sin(6), np.sin(5), 0])
    terms = np.exp(np.outer([6, 5], [0, 1, 2])).sum(1)
    assert found["l"] == pytest.approx([*np.log(terms), 0])


def test_a_softmax_of_lookups_under_a_condition() -> None:
    text = """
        given x[i], k[n]
        a[n,j] = where(k[n] < 2, softmax[j](x[k[n]] * j), -1)
        b[n,j] = [k[n] < 2] * [j > 0] * softmax[j](x[k[n]] * j)
        """
    arrays = {"x": np.array([0.5, 0.0]), "k": np.array([1, 0, 7])}
    found = values(text, arrays, i=2, n=3, j=3)
    rows = np.exp(np.outer([0.0, 0.5], [0, 1, 2]))
    rows /= rows.sum(1, keepdims=True)
    assert found["a"] == pytest.approx(np.vstack([rows, [-1, -1, -1]]))
    assert found["b"] == pytest.approx(np.vstack([rows * [0, 1, 1], [0, 0, 0]]))


@pytest.mark.parametrize(
    "right",
    [
        "[c[k] > 0] * sum[m](tanh(sum[p](g[m] * v[z[p]])))",
        "where(c[k] > 0, logsumexp[m](max[p](g[m] * v[z[p]])), -5)",
        "where(c[k] > 0, argmax[m](sum[p](g[m] * v[z[p]])), -5)",
        "[c[k] > 0] * sum[m | g[m] > 1](exp(max[p | v[z[p]] > 0.3](g[m] * v[z[p]])))",
        "[c[k] > 0] * sum[m](m * tanh(sum[p](g[m] * v[z[p]])))",
        "[c[k] > 0] * softmax[k](sum[p](g[k] * v[z[p]]))",
        "[c[k] < 0] * sum[m](g[m] * [c[m] > 0] * tanh(sum[l](tanh(sum[p](g[l] * v[z[p]])))))",
    ],
)
def test_a_condition_on_an_index_says_nothing_of_one_that_a_sum_runs_over(right: str) -> None:
    """Where m and l run along the axis of k, their names may become k."""
    text = f"given g[k], v[k], c[k], z[p] in k\nsize m = size(k), l = size(k)\na[k] = {right}"
    arrays = {
        "g": np.array([1.0, 2, 4]),
        "v": np.array([1, 0.5, 0.25]),
        "z": np.array([0, 1, 2, 1]),
    }
    sizes = {"k": 3, "m": 3, "l": 3, "p": 4}
    program = ReferenceEngine().compile(parse(text), sizes, ["a"])
    for c in product([1.0, -1.0], repeat=3):
        given = {**arrays, "c": np.array(c)}
        found = values(text, given, **sizes)
        assert found["a"] == pytest.approx(program.run(given)["a"]), c


@pytest.mark.parametrize("seed", range(DRAWS))
def test_conditions_around_random_reductions_of_lookups(seed: int) -> None:
    text, draw = random_guards(random.Random(seed)), np.random.default_rng(seed)
    arrays = {
        "c": draw.choice([-1.0, 1.0], 3),
        **{name: draw.normal(size=3) for name in "gv"},
        "w": draw.normal(size=(3, 4)),
        "z": draw.integers(0, 3, 4),
        "y": draw.integers(0, 3, 3),
        "q": draw.integers(0, 4, 3),
    }
    sizes = infer_sizes(parse(text))
    with np.errstate(all="ignore"):
        expected = ReferenceEngine().compile(parse(text), sizes, ["a"]).run(arrays)["a"]
        found = values(text, arrays, **sizes)["a"]
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True), text


def test_a_start_may_be_a_scatter() -> None:
    text = """
        given x[n], y[n] in k
        h[t,k] = h[t-1,k] * 2
        h[-1,k] = sum[n | y[n] == k](x[n])
        """
    arrays = {"x": np.array([1.0, 2.0, 3.0]), "y": np.array([1, 0, 1])}
    found = values(text, arrays, n=3, k=2, t=2)
    assert found["h"].tolist() == [[2, 4], [4, 8], [8, 16]]


def test_nothing_is_scattered_along_the_index_of_a_loop() -> None:
    text = "given x[n]\nh[t] = 1 + sum[n | n + 1 == t](x[n] * h[pad(t-1)])"
    found = values(text, {"x": np.array([2.0, 3.0])}, n=2, t=3)
    assert found["h"].tolist() == [1, 3, 10]
    assert "h·sum[t] = sum[n | n + 1 == t](x[n] * h[pad(t-1)])" in plan(text, n=2, t=3)
