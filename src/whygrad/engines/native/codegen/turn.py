"""Transposition in registers, of squares of numbers.

Vectors are loaded along one axis and stored along the other. In between they are exchanged in
log2(lanes) stages, each of which exchanges blocks of half the size (Eklundh, "A fast computer
method for matrix transposing", 1972).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from .function import SIZES
from .value import Value, overloaded
from .writer import Writer


@dataclass(frozen=True, slots=True)
class Turn:
    """A function that turns a square of numbers around, a vector high and wide, or a part of one.

    Vectors lie `from_step` elements apart, and what they become `to_step`. Of a part, there are
    `count` vectors of `length` numbers, and what they become is stored in whole vectors.
    """

    element: str
    lanes: int
    whole: bool

    @property
    def name(self) -> str:
        """How it is called."""
        return f"@turn.{overloaded(self.element, self.lanes)}{'' if self.whole else '.part'}"

    @property
    def parameters(self) -> dict[str, str]:
        """The names and types of its parameters, in order."""
        numbers = ("from_step", "to_step", *(() if self.whole else ("length", "count")))
        return {"from": "ptr", "to": "ptr"} | dict.fromkeys(numbers, "i64")

    @property
    def text(self) -> str:
        """The function in LLVM's language."""
        return _written(self)


@lru_cache
def _written(turn: Turn) -> str:
    w, element, lanes = Writer(), turn.element, turn.lanes
    given = {n: Value(f"%{n}", kind, 1, w.root) for n, kind in turn.parameters.items()}
    length, count = given.get("length"), given.get("count")

    def place(start: str, step: str, number: int, count: Value | None) -> Value:
        """Where a vector lies, or the last one of so many."""
        k = w.integer(number)
        if count is not None:
            k = w.minimum(k, w.subtract(count, w.integer(1)))
        return w.offset(given[start], w.multiply(k, given[step]), SIZES[element])

    vectors = [
        _load(w, place("from", "from_step", k, count), length, element, lanes) for k in range(lanes)
    ]
    turned = _exchanged(w, vectors)
    for k in reversed(range(lanes)):  # what does not exist is overwritten by what does
        pointer = place("to", "to_step", k, length)
        w.command(f"store {turned[k]}, ptr {pointer.text}, align {SIZES[element]}")
    body = "\n".join(w.text())
    parameters = ", ".join(map(str, given.values()))
    return f"define internal void {turn.name}({parameters}) #0 {{\n{body}\n  ret void\n}}\n"


def _load(w: Writer, pointer: Value, length: Value | None, element: str, lanes: int) -> Value:
    if length is None:
        text = f"load <{lanes} x {element}>, ptr {pointer.text}, align {SIZES[element]}"
        return w.emit(text, element, lanes, [pointer])
    one = w.emit(f"insertelement <{lanes} x i64> poison, {length}, i64 0", "i64", lanes, [length])
    text = f"shufflevector {one}, {one.type} poison, <{lanes} x i32> zeroinitializer"
    all_ = w.emit(text, "i64", lanes, [one])
    steps = ", ".join(f"i64 {k}" for k in range(lanes))
    inside = w.emit(f"icmp sgt {all_}, <{steps}>", "i1", lanes, [all_])
    nothing = Value("zeroinitializer", element, lanes, w.root)
    align = Value(str(SIZES[element]), "i32", 1, w.root)
    name = f"llvm.masked.load.{overloaded(element, lanes)}.p0"
    return w.call(name, element, lanes, [pointer, align, inside, nothing])


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
