"""Copies with two axes exchanged: squares of numbers, turned around in registers.

Vectors are loaded along one axis and stored along the other. In between they are exchanged in
log2(lanes) stages, each of which exchanges blocks of half the size (Eklundh, "A fast computer
method for matrix transposing", 1972).
"""

from __future__ import annotations

from functools import lru_cache

from .function import SIZES
from .writer import Value, Writer, overloaded

TURN = "@turn"

PART = "@turn.part"


@lru_cache
def turn_function(element: str, lanes: int, whole: bool) -> str:
    """The function that turns a square of `lanes` by `lanes` numbers around, or a part of one.

    Vectors lie `%from_step` elements apart, and what they become `%to_step`. Of a part, there are
    `%count` vectors of `%length` numbers, and what they become is stored in whole vectors. The text
    is the same in every module.
    """
    w = Writer()
    source, target = (Value(name, "ptr", 1, w.root) for name in ("%from", "%to"))
    steps, sizes = ("%from_step", "%to_step"), () if whole else ("%length", "%count")
    from_step, to_step, *ends = (Value(name, "i64", 1, w.root) for name in (*steps, *sizes))
    length, count = ends or (None, None)
    vectors = [
        _load(w, _place(w, source, k, from_step, count, element), length, element, lanes)
        for k in range(lanes)
    ]
    turned = _exchanged(w, vectors)
    for k in reversed(range(lanes)):  # what does not exist is overwritten by what does
        pointer = _place(w, target, k, to_step, length, element)
        w.command(f"store {turned[k]}, ptr {pointer.text}, align {SIZES[element]}")
    parameters = f"ptr %from, ptr %to, {', '.join(f'i64 {n}' for n in (*steps, *sizes))}"
    body = "\n".join(w.text())
    name = TURN if whole else PART
    return f"define internal void {name}({parameters}) #0 {{\n{body}\n  ret void\n}}\n"


def _place(
    w: Writer, start: Value, number: int, step: Value, count: Value | None, element: str
) -> Value:
    """Where a vector lies, or the last one of so many."""
    k = w.integer(number)
    if count is not None:
        k = w.minimum(k, w.subtract(count, w.integer(1)))
    return w.offset(start, w.multiply(k, step), SIZES[element])


def _load(w: Writer, pointer: Value, length: Value | None, element: str, lanes: int) -> Value:
    if length is None:
        text = f"load <{lanes} x {element}>, ptr {pointer.text}, align {SIZES[element]}"
        return w.emit(text, element, lanes, [pointer])
    known = w.known("inside")
    if known is None:
        one = w.emit(
            f"insertelement <{lanes} x i64> poison, {length}, i64 0", "i64", lanes, [length]
        )
        text = f"shufflevector {one}, {one.type} poison, <{lanes} x i32> zeroinitializer"
        all_ = w.emit(text, "i64", lanes, [one])
        steps = ", ".join(f"i64 {k}" for k in range(lanes))
        text = f"icmp sgt {all_}, <{steps}>"
        known = w.note("inside", w.emit(text, "i1", lanes, [all_]))
    nothing = Value("zeroinitializer", element, lanes, w.root)
    align = Value(str(SIZES[element]), "i32", 1, w.root)
    name = f"llvm.masked.load.{overloaded(element, lanes)}.p0"
    return w.call(name, element, lanes, [pointer, align, known, nothing])


def _exchanged(w: Writer, square: list[Value]) -> list[Value]:
    """The square with its two axes exchanged."""
    lanes, found = len(square), list(square)
    distance = lanes // 2
    while distance:
        for i in range(lanes):
            if not i & distance:
                low, high = found[i], found[i + distance]
                first = [lanes + j - distance if j & distance else j for j in range(lanes)]
                second = [lanes + j if j & distance else j + distance for j in range(lanes)]
                found[i] = _picked(w, low, high, first)
                found[i + distance] = _picked(w, low, high, second)
        distance //= 2
    return found


def _picked(w: Writer, low: Value, high: Value, picks: list[int]) -> Value:
    numbers = ", ".join(f"i32 {p}" for p in picks)
    text = f"shufflevector {low}, {high}, <{len(picks)} x i32> <{numbers}>"
    return w.emit(text, low.element, low.lanes, [low, high])
