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


@lru_cache
def turn_function(element: str, lanes: int) -> str:
    """The function that turns a square of `lanes` by `lanes` numbers around, or a part of one.

    `%count` vectors of `%length` numbers lie `%from_step` elements apart; what they become lies
    `%to_step` apart, in whole vectors. The text is the same in every module.
    """
    w = Writer()
    source, target = (Value(name, "ptr", 1, w.root) for name in ("%from", "%to"))
    names = ("%from_step", "%to_step", "%length", "%count")
    from_step, to_step, length, count = (Value(name, "i64", 1, w.root) for name in names)
    size = SIZES[element]
    last = w.subtract(count, w.integer(1))
    vectors = []
    for k in range(lanes):
        place = w.multiply(w.minimum(w.integer(k), last), from_step)
        vectors.append(_load(w, w.offset(source, place, size), length, element, lanes))
    turned = _exchanged(w, vectors)
    last = w.subtract(length, w.integer(1))
    for k in reversed(range(lanes)):  # what does not exist is overwritten by what does
        place = w.multiply(w.minimum(w.integer(k), last), to_step)
        pointer = w.offset(target, place, size)
        w.command(f"store {turned[k]}, ptr {pointer.text}, align {size}")
    parameters = f"ptr %from, ptr %to, {', '.join(f'i64 {n}' for n in names)}"
    body = "\n".join(w.text())
    return f"define internal void {TURN}({parameters}) #0 {{\n{body}\n  ret void\n}}\n"


def _load(w: Writer, pointer: Value, length: Value, element: str, lanes: int) -> Value:
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
