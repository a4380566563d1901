"""Reading and writing tensors: the instruction that fits where the elements lie.

Lanes read along memory take a vector load, lanes that all read the same take one number, and all
else is a gather. A place outside of the range is never touched: what is read there counts as 0.
"""

from __future__ import annotations

from ....language.expression import Reference
from .block import Block, Point
from .function import SIZES
from .packed import Packed
from .place import Place, locate
from .value import Value, overloaded, vector


def load(block: Block, e: Reference, point: Point) -> Value:
    """The element, one for each lane if lanes read different ones."""
    f = block.f
    buffer = f.memory[e.tensor]
    place = locate(block, e, point, buffer.element)
    if place.lane is None and not place.inside and _is_read_alone(block, e, point):
        return _one_by_one(block, e, point)
    if place.lane != 0 and (tail := block.tail(point[1])) is not None:
        if place.offsets is not None and not place.inside and point[1] == 0:
            # the lanes outside read where the first one does, which is inside in the first vector
            place.offsets = block.choose(tail, place.offsets, f.integer(0))
        elif place.offsets is not None or buffer.external:
            place.inside.append(tail)
    inside = block.both(place.inside)
    zero = f.integer(0) if buffer.element == "i64" else f.real(0, buffer.element)
    if place.lane == 0:
        return _load_one(block, place.pointer, inside, buffer.element, zero)
    kind = vector(buffer.element, block.lanes)
    operands = [place.pointer]
    if place.lane == 1 and inside is None:
        align = SIZES[buffer.element]
        text = f"load {kind}, ptr {place.pointer.text}, align {align}"
        behind = f.is_behind(place.pointer.scope)  # no register for it in the loop before
        return f.emit(text, buffer.element, block.lanes, operands, here=behind)
    mask = block.spread(inside or Value("true", "i1", 1, f.root), block.lanes)
    nothing = block.spread(zero, block.lanes)
    align_value = Value(str(SIZES[buffer.element]), "i32", 1, f.root)
    if place.lane == 1:
        name = f"llvm.masked.load.{overloaded(buffer.element, block.lanes)}.p0"
        return f.call(
            name, buffer.element, block.lanes, [place.pointer, align_value, mask, nothing]
        )
    pointers = _pointers(block, place, buffer.element)
    name = f"llvm.masked.gather.{overloaded(buffer.element, block.lanes)}.v{block.lanes}p0"
    return f.call(name, buffer.element, block.lanes, [pointers, align_value, mask, nothing])


def _is_read_alone(block: Block, e: Reference, point: Point) -> bool:
    """Whether each lane reads a place that memory gives, and that is in range.

    Number by number is as fast as a gather, and two at the same places read these once.
    """
    if block.tail(point[1]) is not None:
        return False
    return all(
        isinstance(s, Reference)
        and s not in block.locals
        and block.trusted(e, axis)
        and all(block.affine(inner) is not None for inner in s.subscripts)
        for axis, s in enumerate(e.subscripts)
        if block.affine(s) is None
    )


def _one_by_one(block: Block, e: Reference, point: Point) -> Value:
    """A number for each lane, from a place of its own."""
    f, start, element = block.f, block.vector_start(point[1]), block.f.memory[e.tensor].element
    found = Value("poison", element, block.lanes, f.root)
    for k in range(block.lanes):
        with block.one_lane(f.add(start, f.integer(k))):
            one = load(block, e, (point[0], 0))
        text = f"insertelement {found}, {one}, i64 {k}"
        found = f.emit(text, element, block.lanes, (found, one))
    return found


def load_packed(block: Block, packed: Packed, point: Point) -> Value:
    """A vector of a copy, or one number for all lanes."""
    f, size, (row, number) = block.f, SIZES[block.element], point
    pointer = f.offset(packed.base, f.multiply(block.indices[packed.index], packed.step), size)
    place = row if packed.at_once == 1 else number * packed.at_once
    pointer = f.offset(pointer, f.integer(place), size)
    text = f"load {vector(block.element, packed.at_once)}, ptr {pointer.text}, align {size}"
    return f.emit(text, block.element, packed.at_once, [pointer])


def store(block: Block, e: Reference, value: Value, point: Point) -> None:
    """Write an element, or one for each lane."""
    f = block.f
    buffer = f.memory[e.tensor]
    place = locate(block, e, point, buffer.element)
    align = SIZES[buffer.element]
    if place.lane == 0:
        f.command(f"store {value}, ptr {place.pointer.text}, align {align}")
        return
    value = block.spread(value, block.lanes)
    # lanes outside the range may write into padding; a recurrence has its starts there
    last = buffer.axes[-1]
    padded = not buffer.external and place.lane == 1 and not (last.before or last.after)
    tail = None if padded else block.tail(point[1])
    if place.lane == 1 and tail is None:
        f.command(f"store {value}, ptr {place.pointer.text}, align {align}")
        return
    mask = block.spread(tail or Value("true", "i1", 1, f.root), block.lanes)
    align_value = Value(str(align), "i32", 1, f.root)
    kind = overloaded(buffer.element, block.lanes)
    if place.lane == 1:
        name = f"llvm.masked.store.{kind}.p0"
        f.order(name, [value, place.pointer, align_value, mask])
    else:
        name = f"llvm.masked.scatter.{kind}.v{block.lanes}p0"
        f.order(name, [value, _pointers(block, place, buffer.element), align_value, mask])


def _load_one(
    block: Block, pointer: Value, inside: Value | None, element: str, zero: Value
) -> Value:
    f = block.f
    if inside is None:
        text = f"{f.load} {element}, ptr {pointer.text}, align {SIZES[element]}"
        return f.emit(text, element, 1, [pointer], here=f.is_behind(pointer.scope))
    if inside.lanes > 1:  # the place is the same for all lanes, the condition is not
        one = _load_one(block, pointer, None, element, zero)
        return block.choose(inside, one, zero)
    safe = block.choose(inside, pointer, f.nowhere)
    text = f"load {element}, ptr {safe.text}, align {SIZES[element]}"
    return block.choose(inside, f.emit(text, element, 1, [safe]), zero)


def _pointers(block: Block, place: Place, element: str) -> Value:
    """One pointer for each lane."""
    f = block.f
    assert place.offsets is not None
    offsets = block.spread(place.offsets, block.lanes)
    text = f"getelementptr {element}, ptr {place.pointer.text}, {offsets}"
    return f.emit(text, "ptr", block.lanes, [place.pointer, offsets])
