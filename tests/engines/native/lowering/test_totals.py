"""Which sums are taken in the loop of the nest that computes what they sum."""

from __future__ import annotations

import numpy as np
import pytest
from tests.engines.native.codegen.running import lowered, runnable
from tests.engines.native.lowering.plans import lines, plan

from whygrad.engines.native import NativeEngine
from whygrad.engines.native.jit import Target
from whygrad.engines.reference import ReferenceEngine
from whygrad.language.parsing import parse

TARGETS = pytest.mark.parametrize("target", runnable(), ids=lambda t: f"{t.vector_bits} bits")


def test_sums_over_all_points_of_a_nest_are_taken_in_its_loop() -> None:
    text = """
        given x[n]
        a[n] = exp(x[n])
        b[n] = a[n] * x[n]
        s = sum[n](a[n] * b[n])
        m = max[n](b[n])
        t = s + m
        """
    assert plan(text, n=2) == lines(
        """
        once
          for n
            a[n] = exp(x[n])
            b[n] = a[n] * x[n]
          s = sum[n](a[n] * b[n])
          m = max[n](b[n])
          t = s + m
        """
    )


@pytest.mark.parametrize(
    "total",
    [
        "s = sum[n](a[size(n) - 1 - n])",  # another point
        "s = sum[n,k](a[n] ** w[k])",  # more than the points
        "s = argmax[n](a[n])",
        "s = sum[n](x[n])",  # nothing of the nest
        "s = sum[n](a[n]) + a[0]",  # a number of it
    ],
)
def test_other_sums_have_a_loop_of_their_own(total: str) -> None:
    found = plan(f"given x[n], w[k]\na[n] = exp(x[n])\n{total}", n=2, k=3)
    assert found.startswith("for n\n  a[n] = exp(x[n])\n")


def test_a_nest_over_several_indices_has_a_loop_of_its_own() -> None:
    found = plan("given x[n,k]\na[n,k] = exp(x[n,k])\ns = sum[n,k](a[n,k])", n=2, k=3)
    assert found.startswith("for n, k\n  a[n,k] = exp(x[n,k])\n")


def test_a_sum_that_needs_another_one_has_a_loop_of_its_own() -> None:
    text = """
        given x[n]
        a[n] = exp(x[n])
        s = sum[n](a[n])
        v = sum[n]((a[n] - s)**2)
        """
    assert "for n\n  a[n]" in plan(text, n=2)


EARLY = "J = w**2\nb <- b / 2\nw <- sum[n](z[n] * x[n])"
AHEAD = "J = sum[n](x[n]) + w**2\nv <- w * 2\nw <- sum[n](x[n]**2)"


@pytest.mark.parametrize("updates", [EARLY, AHEAD])
def test_what_is_updated_between_sums_is_read_as_it_was(updates: str) -> None:
    text = f"""
given x[n]
batch n
param w ~ ones, b ~ ones, v ~ ones
z[n] = tanh(x[n] + b)
{updates}
minimize J
"""
    compiled = lowered(text, True)
    for n in range(1, 41):
        x = np.random.default_rng(n).normal(size=n)
        memory = {"x·all": x, "rows·n": np.arange(n), "w": 3.0, "b": 0.5, "v": 1.0}
        found = compiled.run(memory, {"n": n, "n·all": n})
        expected = (np.tanh(x + 0.5) * x).sum() if updates == EARLY else (x**2).sum()
        np.testing.assert_allclose(found["w"], expected, rtol=1e-12)
        if updates == AHEAD:
            assert found["v"] == 6.0


@pytest.mark.parametrize(
    "text",
    [
        "e[n] = x[n]**2\nJ = sum[n](e[n] * e[size(n) - 1 - n])",
        "e[n] = x[n]**2\ng[k] = tanh(v[k] * w)\nJ = sum[k](g[k])\nw <- sum[n](e[n])",
    ],
)
def test_numbers_are_those_of_the_reference_where_nests_may_not_be_joined(text: str) -> None:
    system = parse(
        f"given x[n], v[k]\nbatch n\nparam w ~ ones\n{text}\nminimize J"
        + ("" if "<-" in text else "\nw <- w + J")
    )
    found = []
    for engine in (NativeEngine(1), ReferenceEngine()):
        arrays = {"x": np.arange(1.0, 12), "v": np.arange(3.0), "w": np.array(1.5)}
        told = engine.compile(system, {"k": 3}, ["J"]).epoch(arrays, np.arange(11), 11)
        found.append((told["J"].item(), arrays["w"].item()))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-12)


def test_a_nest_with_sums_of_its_own_is_left_as_it_is() -> None:
    text = """
        given x[n,k]
        a[n] = sum[k](x[n,k])
        s = sum[n](a[n]**2)
        """
    assert plan(text, n=2, k=3).startswith("for n\n  a[n] = sum[k](x[n,k])\n")


STEP = """
    given x[n], y[n]
    batch n
    param w ~ ones, b ~ zeros
    z[n] = tanh(w * x[n] + b)
    e[n] = z[n] - y[n]
    J = sum[n](e[n]**2)
    largest = max[n](e[n])
    right = sum[n | e[n] < 1/2](1)
    again[n] = 2 * e[n]
    w <- w - sum[n](e[n] * x[n])
    b <- b - sum[n](e[n])
    minimize J
    """


@TARGETS
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_sample_is_counted_once_at_all_sizes(target: Target, dtype: str) -> None:
    """Vectors four at a time, one by one, and what is left; what others read is in memory."""
    compiled = lowered(STEP, True, target, dtype)
    assert str(compiled.plan).count("for n\n") == 1
    rng = np.random.default_rng(0)
    for n in range(1, 75):
        x, y = rng.normal(size=n), rng.normal(size=n)
        memory = {"x·all": x, "y·all": y, "rows·n": np.arange(n), "w": 1.5, "b": 0.25}
        found = compiled.run(memory, {"n": n, "n·all": n})
        e = np.tanh(1.5 * x + 0.25) - y
        expected = {
            "J": (e**2).sum(),
            "largest": e.max(),
            "right": (e < 0.5).sum(),
            "again": 2 * e,
            "w": 1.5 - (e * x).sum(),
            "b": 0.25 - e.sum(),
        }
        for name, value in expected.items():
            close = 2e-5 if dtype == "float32" else 1e-12
            np.testing.assert_allclose(
                found[name], value, close, close * 10, err_msg=f"{name}, {n}"
            )


def test_what_is_not_finite_in_the_loop_sets_the_flag() -> None:
    text = """
        given x[i]
        param w[i] ~ zeros
        e[i] = 2 * w[i]
        J = sum[i](e[i]**2)
        s = sum[i](e[i])
        w[i] <- exp(x[i])
        minimize J
        """
    compiled = lowered(text, True, None, "float32", i=21)
    for at in range(21):
        x = np.zeros(21)
        compiled.run({"x": x, "w": np.zeros(21)})
        assert compiled.flags == (False, False)
        x[at] = 100
        compiled.run({"x": x, "w": np.zeros(21)})
        assert compiled.flags == (False, True)


@TARGETS
def test_so_does_what_is_kept_for_each_of_any_number_of_samples(target: Target) -> None:
    text = """
        given x[n]
        batch n
        param w ~ ones
        state s[n] ~ zeros
        e[n] = exp(x[n])
        J = sum[n](x[n])
        t = sum[n](e[n] * x[n])
        s[n] <- e[n]
        w <- w + t
        minimize J
        """
    compiled = lowered(text, True, target, "float32")
    assert str(compiled.plan).count("for n\n") == 1
    for n in (1, 3, 8, 16, 33, 45):
        memory = {"rows·n": np.arange(n), "w": 1.0, "s": np.zeros(n)}
        for at in range(n):
            x = np.zeros(n)
            compiled.run({**memory, "x·all": x}, {"n": n, "n·all": n})
            assert compiled.flags == (False, False)
            x[at] = 100
            compiled.run({**memory, "x·all": x}, {"n": n, "n·all": n})
            assert compiled.flags == (False, True)
