"""What the writer of functions writes where, and that it runs."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import numpy as np
import pytest

from whygrad.engines.native.codegen.value import Value, real_text
from whygrad.engines.native.codegen.writer import Writer
from whygrad.engines.native.jit import Library, host, machine_code


def argument(w: Writer, name: str) -> Value:
    return Value(name, "i64", 1, w.root)


def run(w: Writer, result: Value, x: int = 0, y: int = 0) -> int:
    """The function of two numbers that gives the result."""
    body = "\n".join(w.text())
    text = f"define i64 @f(i64 %x, i64 %y) {{\nentry:\n{body}\n  ret {result}\n}}\n"
    library = Library(machine_code(text, host()), ["f"])
    f = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)(library.address("f"))
    return f(x, y)


def place(w: Writer, text: str) -> int:
    """In which line a text is."""
    (line,) = (k for k, line in enumerate(w.text()) if text in line)
    return line


def test_a_value_stands_in_the_outermost_scope_of_its_operands() -> None:
    """So what does not change in a loop is before it, and what needs its counter is inside."""
    w = Writer()
    x, y = argument(w, "%x"), argument(w, "%y")
    outer = w.begin(w.integer(0), x, 1)
    inner = w.begin(w.integer(0), y, 1)
    fixed = w.multiply(x, y)
    middle = w.add(fixed, outer.counter)
    deep = w.add(middle, inner.counter)
    w.end(inner)
    w.end(outer)
    assert place(w, f"{fixed.text} =") < place(w, f"loop{outer.number}:")
    assert place(w, f"{middle.text} =") > place(w, f"loop{outer.number}:")
    assert place(w, f"{middle.text} =") < place(w, f"loop{inner.number}:")
    assert place(w, f"{deep.text} =") > place(w, f"loop{inner.number}:")
    assert [v.scope.depth for v in (fixed, middle, deep)] == [0, 1, 2]


def test_behind_loops_is_straight_on_from_where_they_began() -> None:
    w = Writer()
    start = w.scope
    assert not w.is_behind(start)
    first = w.begin(w.integer(0), argument(w, "%x"), 1)
    assert not w.is_behind(start)
    w.end(first)
    assert w.is_behind(start)
    outer = w.begin(w.integer(0), argument(w, "%y"), 1)
    inside = w.scope
    inner = w.begin(w.integer(0), argument(w, "%x"), 1)
    assert not w.is_behind(start) and not w.is_behind(inside)
    w.end(inner)
    assert w.is_behind(inside) and not w.is_behind(start)
    w.end(outer)
    assert w.is_behind(start) and w.is_behind(first.outer) and not w.is_behind(inside)


def test_what_must_stay_stays() -> None:
    """A load of what the loop stores may not be moved out of it, nor may a command."""
    w = Writer()
    x = argument(w, "%x")
    loop = w.begin(w.integer(0), x, 1)
    here = w.emit("add i64 %x, 1", "i64", 1, [x], here=True)
    w.command("call void @f()")
    w.end(loop)
    assert here.scope is not w.root
    assert place(w, f"{here.text} =") < place(w, "call void @f()")
    assert place(w, f"{here.text} =") > place(w, f"loop{loop.number}:")


def test_what_is_neither_a_load_nor_a_call_is_written_once_in_a_scope() -> None:
    """Not so what is read, which may have changed, and what is to stand where it is written."""
    w = Writer()
    x = argument(w, "%x")
    one = w.add(x, w.integer(1))
    loop = w.begin(w.integer(0), x, 1)
    assert w.add(x, w.integer(1)) is one
    assert w.add(x, w.integer(2)) is not one
    inside = w.add(loop.counter, x)
    assert w.add(loop.counter, x) is inside
    assert w.emit("add i64 %x, 1", "i64", 1, [x], here=True) is not one
    loads = [w.emit("load i64, ptr %p", "i64", 1, [x]) for _ in range(2)]
    calls = [w.call("f", "i64", 1, [x]) for _ in range(2)]
    assert loads[0] is not loads[1] and calls[0] is not calls[1]
    w.end(loop)


def test_nothing_is_moved_out() -> None:
    """Neither by the writer, nor, of what is loaded, by LLVM."""
    w = Writer()
    x = argument(w, "%x")
    loop = w.begin(w.integer(0), x, 1)
    assert w.load == "load"
    with w.nothing_moved_out():
        inside = w.add(x, w.integer(1))
        assert w.load == "load volatile"
    outside = w.add(x, w.integer(2))
    assert w.load == "load"
    w.end(loop)
    start = place(w, f"loop{loop.number}:")
    assert place(w, f"{outside.text} =") < start < place(w, f"{inside.text} =")


def test_values_are_carried_through_loops() -> None:
    """Here the sum over i < x, j < y of (x·i + j), and how often it was counted."""
    w = Writer()
    x, y = argument(w, "%x"), argument(w, "%y")
    zero = w.integer(0)
    outer = w.begin(zero, x, 1, [zero, zero])
    inner = w.begin(zero, y, 1, outer.carried)
    total, count = inner.carried
    total = w.add(total, w.add(w.multiply(x, outer.counter), inner.counter))
    after = w.end(inner, [total, w.add(count, w.integer(1))])
    total, count = w.end(outer, after)
    result = w.add(w.multiply(total, w.integer(1000)), count)
    expected = sum(5 * i + j for i in range(5) for j in range(7))
    assert run(w, result, 5, 7) == 1000 * expected + 35


@pytest.mark.parametrize(("start", "stop", "turns"), [(0, 9, 3), (0, 10, 4), (4, 5, 1), (2, 2, 0)])
def test_a_loop_that_may_be_empty(start: int, stop: int, turns: int) -> None:
    w = Writer()
    carried = w.begin(argument(w, "%x"), argument(w, "%y"), 3, may_be_empty=True)
    cell = w.emit("alloca i64", "ptr", 1, [w.integer(0)])
    old = w.emit(f"load i64, ptr {cell.text}", "i64", 1, [cell], here=True)
    w.command(f"store i64 {w.add(old, w.integer(1)).text}, ptr {cell.text}")
    w.end(carried)
    w.root.code.insert(1, f"  store i64 0, ptr {cell.text}")
    result = w.emit(f"load i64, ptr {cell.text}", "i64", 1, [cell], here=True)
    assert run(w, result, start, stop) == turns


def test_what_is_known_is_forgotten_with_its_scope() -> None:
    w = Writer()
    x = argument(w, "%x")
    w.note("x", x)
    first = w.begin(w.integer(0), x, 1)
    inside = w.note("sum", w.add(first.counter, x))
    assert w.known("sum") is inside
    w.end(first)
    assert w.known("sum") is None
    second = w.begin(w.integer(0), x, 1)
    assert w.known("sum") is None
    assert w.known("x") is x
    w.end(second)


def test_what_depends_on_nothing_in_a_loop_is_known_after_it() -> None:
    w = Writer()
    x = argument(w, "%x")
    loop = w.begin(w.integer(0), x, 1)
    square = w.note("square", w.multiply(x, x))
    w.end(loop)
    assert w.known("square") is square
    assert run(w, square, 7) == 49


ARITHMETIC: list[tuple[Callable[[Writer, Value, Value], Value], Callable[[int, int], int]]] = [
    (lambda w, a, b: w.add(a, b), lambda a, b: a + b),
    (lambda w, a, b: w.subtract(a, b), lambda a, b: a - b),
    (lambda w, a, b: w.multiply(a, b), lambda a, b: a * b),
    (lambda w, a, b: w.minimum(a, b), min),
    (lambda w, a, b: w.round_up(a, 8), lambda a, b: -(-a // 8) * 8),
]


@pytest.mark.parametrize(("write", "expected"), ARITHMETIC)
def test_whole_numbers_known_and_not(
    write: Callable[[Writer, Value, Value], Value], expected: Callable[[int, int], int]
) -> None:
    """Constants are folded, and 0 and 1 need no instruction."""
    for a, b in [(0, 0), (1, 5), (5, 1), (0, 7), (7, 0), (12, -3), (16, 8)]:
        for known_a in (True, False):
            for known_b in (True, False):
                w = Writer()
                result = write(
                    w,
                    w.integer(a) if known_a else argument(w, "%x"),
                    w.integer(b) if known_b else argument(w, "%y"),
                )
                assert run(w, result, a, b) == expected(a, b)


@pytest.mark.parametrize("element", ["float", "double"])
@pytest.mark.parametrize("value", [0.0, -0.0, 1.5, 0.1, 1e-45, 1e300, -1e300, np.inf, np.nan])
def test_constants_are_those_of_numpy(element: str, value: float) -> None:
    with np.errstate(over="ignore"):
        expected = {"float": np.float32, "double": np.float64}[element](value)
    bits = np.array(float(expected)).view(np.uint64).item()
    assert int(real_text(value, element), 16) == bits
