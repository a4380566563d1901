"""A square of rows and lanes that lies the other way in memory, turned around in registers.

Where rows are contiguous in memory and lanes are not, vectors are loaded along the rows and then
exchanged: log2(lanes) stages, each of which exchanges blocks of half the size (Eklundh, "A fast
computer method for matrix transposing", 1972).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....language.expression import Index, Reference
from .function import SIZES
from .writer import Value, vector

if TYPE_CHECKING:
    from .block import Block, Point


def turned(block: Block, e: Reference, point: Point) -> Value | None:
    """The element for each lane, or None where it does not lie like this."""
    if block.row is None or not block.lanes // 2 < block.rows <= block.lanes:
        return None
    buffer = block.f.memory[e.tensor]
    if not all(isinstance(s, Index) for s in e.subscripts) or buffer.element == "i64":
        return None
    names = [s.name for s in e.subscripts if isinstance(s, Index)]
    if names.count(block.lane or "") != 1 or names.count(block.row) != 1:
        return None
    if names[buffer.order[-1]] != block.row:
        return None
    key = (block.key, "turned", e, point[1])
    first = block.f.known((*key, 0))
    if first is None:
        for k, value in enumerate(_exchanged(block, _along_rows(block, e, point[1]))):
            block.f.note((*key, k), value)
    return block.f.known((*key, point[0]))


def _along_rows(block: Block, e: Reference, number: int) -> list[Value]:
    """One vector for each lane, along the rows."""
    f, buffer = block.f, block.f.memory[e.tensor]
    strides = f.strides(e.tensor)
    pointer, step = f.pointer(e.tensor), f.integer(0)
    size = SIZES[buffer.element]
    for axis, subscript in enumerate(e.subscripts):
        assert isinstance(subscript, Index)
        place = f.integer(f.before(e.tensor, axis))
        if subscript.name == block.lane:
            step = strides[axis]
            place = f.add(place, f.integer(number * block.lanes))
        pointer = f.offset(pointer, f.multiply(block.indices[subscript.name], strides[axis]), size)
        pointer = f.offset(pointer, f.multiply(place, strides[axis]), size)
    end = _last_lane(block, number)
    found = []
    for lane in range(block.lanes):
        place = f.integer(lane) if end is None else f.minimum(f.integer(lane), end)
        found.append(_load(block, f.offset(pointer, f.multiply(place, step), size)))
    return found


def _last_lane(block: Block, number: int) -> Value | None:
    """The last lane that is inside its range, or None where all are."""
    if block.tail(number) is None:
        return None
    assert block.lane is not None
    f = block.f
    rest = f.subtract(f.size(block.lane), block.vector_start(number))
    return f.subtract(rest, f.integer(1))


def _load(block: Block, pointer: Value) -> Value:
    f, lanes, element = block.f, block.lanes, block.element
    align = SIZES[element]
    if block.rows == lanes:
        text = f"load {vector(element, lanes)}, ptr {pointer.text}, align {align}"
        return f.emit(text, element, lanes, [pointer])
    bits = ", ".join(f"i1 {'true' if k < block.rows else 'false'}" for k in range(lanes))
    mask = Value(f"<{bits}>", "i1", lanes, f.root)
    nothing = Value("zeroinitializer", element, lanes, f.root)
    letter = "f32" if element == "float" else "f64"
    name = f"llvm.masked.load.v{lanes}{letter}.p0"
    return f.call(
        name, element, lanes, [pointer, Value(str(align), "i32", 1, f.root), mask, nothing]
    )


def _exchanged(block: Block, rows: list[Value]) -> list[Value]:
    """The square with rows and lanes exchanged."""
    lanes, found = block.lanes, list(rows)
    distance = lanes // 2
    while distance:
        for i in range(lanes):
            if not i & distance:
                low, high = found[i], found[i + distance]
                picks = [(j, lanes + j - distance)[bool(j & distance)] for j in range(lanes)]
                others = [(j + distance, lanes + j)[bool(j & distance)] for j in range(lanes)]
                found[i] = _picked(block, low, high, picks)
                found[i + distance] = _picked(block, low, high, others)
        distance //= 2
    return found


def _picked(block: Block, low: Value, high: Value, picks: list[int]) -> Value:
    numbers = ", ".join(f"i32 {p}" for p in picks)
    text = f"shufflevector {low}, {high}, <{len(picks)} x i32> <{numbers}>"
    return block.f.emit(text, low.element, low.lanes, [low, high])
