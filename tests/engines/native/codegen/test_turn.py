"""Squares turned around in registers: whole ones and every part of one."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import numpy as np
import pytest
from tests.engines.native.codegen.running import Compiled, nests, runnable

from whygrad.engines.native.codegen.schedule import Tiled
from whygrad.engines.native.codegen.turn import Turn
from whygrad.engines.native.jit import Library, Target, host, machine_code
from whygrad.language.expression import references

SQUARES = pytest.mark.parametrize(
    ("element", "lanes"), [("float", 4), ("float", 8), ("float", 16), ("double", 2), ("double", 8)]
)


def turning(turn: Turn) -> Callable[..., None]:
    """The function of some addresses and numbers."""
    parameters = ", ".join(f"{kind} %{name}" for name, kind in turn.parameters.items())
    text = f"""{turn.text}
        define void @enter({parameters}) {{
          call void {turn.name}({parameters})
          ret void
        }}
        attributes #0 = {{ nounwind }}"""
    library = Library(machine_code(text, host()), ["enter"])
    kinds = {"ptr": ctypes.c_void_p, "i64": ctypes.c_int64}
    enter = ctypes.CFUNCTYPE(None, *(kinds[kind] for kind in turn.parameters.values()))
    function = enter(library.address("enter"))
    return lambda *arguments: function(*arguments) if library else None


def square(element: str, lanes: int) -> tuple[np.ndarray, np.ndarray]:
    """More numbers than there are in a square, and room for more."""
    dtype = {"float": np.float32, "double": np.float64}[element]
    source = np.arange(1, (lanes + 1) * (lanes + 3) + 1, dtype=dtype).reshape(-1, lanes + 3)
    return source, np.full((lanes + 2, lanes + 5), -1, dtype)


@SQUARES
def test_a_whole_square(element: str, lanes: int) -> None:
    source, target = square(element, lanes)
    addresses = source.ctypes.data, target.ctypes.data
    turning(Turn(element, lanes, whole=True))(*addresses, lanes + 3, lanes + 5)
    np.testing.assert_array_equal(target[:lanes, :lanes], source[:lanes, :lanes].T)
    assert np.all(target[lanes:] == -1)
    assert np.all(target[:, lanes:] == -1)


@SQUARES
def test_every_part_of_a_square(element: str, lanes: int) -> None:
    """Of `count` vectors of `length` numbers, stored as `length` whole vectors."""
    turn = turning(Turn(element, lanes, whole=False))
    for count in range(1, lanes + 1):
        for length in range(1, lanes + 1):
            source, target = square(element, lanes)
            addresses = source.ctypes.data, target.ctypes.data
            turn(*addresses, lanes + 3, lanes + 5, length, count)
            np.testing.assert_array_equal(target[:length, :count], source[:count, :length].T)
            assert np.all(target[length:] == -1)
            assert np.all(target[:length, lanes:] == -1)


COPYING = """
    given d[n,k], w[i,k]
    size m = size(n), h = size(i)
    y[i,h] = sum[k](w[i,k] * w[h,k])
    x[i,h] = max[k](w[i,k] + w[h,k])
    z[n,m] = sum[k](d[n,k] * d[m,k])
    """


@pytest.mark.parametrize("target", runnable(), ids=lambda t: f"{t.vector_bits} bits")
@pytest.mark.parametrize("k", [3, 15, 16, 23, 40])
def test_copies_at_all_sizes(target: Target, k: int) -> None:
    """One size at run time, in one thread and in two, and in shared memory.

    What is as large as the plan says is transposed block by block, what is not, at once.
    """
    plan, system = nests(COPYING, n=None, m=None, i=24, h=24, k=k)
    compiled = Compiled(plan, system, "float32", target)
    parts = compiled.module.schedule.parts
    copied = [
        references(p.nest.steps[0].value) for p in parts if isinstance(p, Tiled) and p.exchange
    ]
    assert {r.tensor for found in copied for r in found} == {"d"}
    assert {p.transposed.tensor for p in parts if isinstance(p, Tiled) and p.transposed} == {"w"}
    rng = np.random.default_rng(k)
    w = rng.integers(-3, 4, (24, k)).astype(float)
    for n in range(1, 41):
        d = rng.integers(-3, 4, (n, k)).astype(float)
        found = compiled.run({"d": d, "w": w}, {"n": n, "m": n}, 1 + n % 2, shared=n % 3 == 0)
        np.testing.assert_array_equal(found["y"], w @ w.T)
        np.testing.assert_array_equal(found["x"], np.max(w[:, None] + w, axis=2))
        np.testing.assert_array_equal(found["z"], d @ d.T)


def test_axes_exchanged_among_three() -> None:
    text = """
        given x[a,b,c], w[c,k]
        y[k,b,a] = sum[c](x[a,b,c] * w[c,k])
        z[b,k] = sum[a,c](x[a,b,c] * w[c,k])
        """
    for a, b, c in ((3, 17, 5), (17, 3, 20), (20, 9, 33)):
        plan, system = nests(text, a=a, b=b, c=c, k=30)
        rng = np.random.default_rng(a)
        x = rng.integers(-3, 4, (a, b, c)).astype(float)
        w = rng.integers(-3, 4, (c, 30)).astype(float)
        found = Compiled(plan, system).run({"x": x, "w": w}, threads=2)
        np.testing.assert_array_equal(found["y"], (x @ w).transpose(2, 1, 0))
        np.testing.assert_array_equal(found["z"], np.einsum("abc,ck->bk", x, w))


def test_class_numbers_are_not_taken_for_floats() -> None:
    """Numbers of 64 bits stand beside floats of 32: a copy of them would need its own turn."""
    text = "given c[n,t] in v, u[t,e]\ny[n,e] = sum[t](c[n,t] * u[t,e])"
    rng = np.random.default_rng(0)
    c, u = rng.integers(0, 9, (40, 20)), rng.integers(-3, 4, (20, 3)).astype(float)
    for dtype in ("float32", "float64"):
        plan, system = nests(text, n=None, t=20, e=3, v=9)
        found = Compiled(plan, system, dtype).run({"c": c, "u": u}, {"n": 40})
        np.testing.assert_array_equal(found["y"], c @ u)
