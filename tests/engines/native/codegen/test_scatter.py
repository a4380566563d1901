"""Scatters: what falls together is added, what falls outside is left out, the rest is zero."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from tests.engines.native.codegen.running import Array, Compiled, plan_of, runnable

from whygrad.engines.native.jit import Target
from whygrad.engines.native.plan import Loop, Part, Scatter
from whygrad.language.expression import Expression
from whygrad.language.parsing import parse, parse_expression

DECLARED = """
    given c[n], d[n,t], x[n,e], u[n,t,e]
    size v = 5
    """
INDICES = "ntev"


def e(text: str) -> Expression:
    return parse_expression(text, INDICES, "cdxu")


def scatter(
    axes: str, indices: str, places: list[str], value: str, where: str | None = None
) -> Scatter:
    condition = None if where is None else e(where)
    return Scatter("s", tuple(axes), tuple(indices), tuple(map(e, places)), e(value), condition)


def compiled(part: Part, axes: str, target: Target | None = None, **sizes: int | None) -> Compiled:
    system = parse(DECLARED + f"s[{','.join(axes)}] = 0")
    plan = plan_of([part], system, {"v": 5, "t": 3, "e": 1, "n": 4} | sizes)
    return Compiled(plan, system, "float64", target)


def arrays(n: int, e: int, t: int = 3, v: int = 5) -> Mapping[str, Array]:
    rng = np.random.default_rng(n)
    return {
        "c": rng.integers(0, v, n),
        "d": rng.integers(-2, v + 2, (n, t)),
        "x": rng.integers(-9, 9, (n, e)).astype(float),
        "u": rng.integers(-9, 9, (n, t, e)).astype(float),
    }


TARGETS = pytest.mark.parametrize("target", runnable(), ids=lambda t: f"{t.vector_bits} bits")


@TARGETS
@pytest.mark.parametrize("size", [1, 2, 7, 8, 9, 16, 33])
def test_rows_are_added_where_numbers_say(target: Target, size: int) -> None:
    part = scatter("ve", "ne", ["c[n]", "e"], "x[n,e] * 2")
    code = compiled(part, "ve", target, e=size, n=None)
    for n in (1, 2, 9, 40):
        a = arrays(n, size)
        expected = np.zeros((5, size))
        np.add.at(expected, a["c"], 2 * a["x"])
        found = code.run(a, {"n": n}, threads=1 + n % 2, shared=n == 9)
        np.testing.assert_array_equal(found["s"], expected)


@TARGETS
def test_places_outside_are_left_out(target: Target) -> None:
    part = scatter("ve", "nte", ["d[n,t]", "e"], "u[n,t,e]")
    for size in (1, 5, 17):
        code = compiled(part, "ve", target, e=size, n=None)
        a = arrays(20, size)
        expected = np.zeros((9, size))
        np.add.at(expected, a["d"] + 2, a["u"])
        found = code.run(a, {"n": 20})
        np.testing.assert_array_equal(found["s"], expected[2:7])
        assert code.flags == (False, False)


def test_only_where_the_condition_holds() -> None:
    part = scatter("v", "nt", ["d[n,t]"], "x[n,0] + t", "x[n,0] > 0 and t != 1")
    code = compiled(part, "v", n=None)
    a = arrays(30, 1)
    expected = np.zeros(9)
    for n in range(30):
        for t in (0, 2):
            if a["x"][n, 0] > 0:
                expected[a["d"][n, t] + 2] += a["x"][n, 0] + t
    np.testing.assert_array_equal(code.run(a, {"n": 30})["s"], expected[2:7])


def test_what_a_condition_excludes_does_not_count_even_as_nan() -> None:
    part = scatter("v", "n", ["c[n]"], "1 / x[n,0]", "x[n,0] > 0")
    a = {**arrays(12, 1), "x": np.where(np.arange(12) % 2, np.nan, 0.5)[:, None]}
    a["x"][4] = 0
    expected = np.bincount(a["c"][[0, 2, 6, 8, 10]], minlength=5) * 2.0
    np.testing.assert_array_equal(compiled(part, "v", n=12).run(a)["s"], expected)


def test_both_places_from_numbers() -> None:
    part = scatter("vf", "n", ["c[n]", "2*n - 3"], "x[n,0]")
    for n in (1, 4, 9):
        a = arrays(n, 1)
        system = parse(DECLARED + "s[v,f] = 0")
        code = Compiled(plan_of([part], system, {"v": 5, "f": 6, "n": n, "e": 1, "t": 3}), system)
        expected = np.zeros((5, 6))
        for k in range(n):
            if 0 <= 2 * k - 3 < 6:
                expected[a["c"][k], 2 * k - 3] += a["x"][k, 0]
        np.testing.assert_array_equal(code.run(a)["s"], expected)


def test_a_scalar_is_a_sum() -> None:
    part = Scatter("s", (), ("n",), (), e("x[n,0]"), e("c[n] == 1"))
    a = arrays(20, 1)
    system = parse(DECLARED + "s = 0")
    plan = plan_of([part], system, {"v": 5, "t": 3, "e": 1, "n": 20})
    found = Compiled(plan, system).run(a)["s"]
    assert found == a["x"][a["c"] == 1, 0].sum()


@TARGETS
@pytest.mark.parametrize("direction", [1, -1])
def test_in_a_loop_only_the_present_index_is_cleared(target: Target, direction: int) -> None:
    """What earlier turns have added stays; the memory is not zero when the loop begins."""
    part = Loop("t", direction, (scatter("tv", "n", ["t", "d[n,t]"], "u[n,t,0]"),))
    code = compiled(part, "tv", target, n=None)
    for n in (1, 8, 25):
        a = arrays(n, 1)
        expected = np.zeros((3, 9))
        for t in range(3):
            np.add.at(expected[t], a["d"][:, t] + 2, a["u"][:, t, 0])
        found = code.run(a, {"n": n}, shared=n == 8)
        np.testing.assert_array_equal(found["s"], expected[:, 2:7])


def test_its_own_padding_is_cleared_with_it() -> None:
    """A scatter clears all of its buffer, and no byte behind it."""
    for v in (1, 3, 8, 13):
        system = parse("given c[n], x[n]\ns[v] = 0\nsize v = 2")
        part = Scatter("s", ("v",), ("n",), (e("c[n]"),), parse_expression("x[n]", "n"))
        code = Compiled(plan_of([part], system, {"n": None, "v": v}), system)
        c = np.arange(11) % v
        found = code.run({"c": c, "x": np.ones(11)}, {"n": 11})
        np.testing.assert_array_equal(found["s"], np.bincount(c, minlength=v))
