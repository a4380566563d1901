"""Reading and writing tensors: where an element lies, and the instruction that fits.

Lanes read along memory take a vector load, lanes that all read the same take one number, and all
else is a gather. A place outside of the range is never touched: what is read there counts as 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ....language.expression import Expression, Index, Pad, Reference, Size
from .block import Block, Point
from .function import SIZES
from .panel import Panel
from .value import Value, overloaded, vector

GATHERED = 64
"""Vectors of so many bytes are gathered; number by number, shorter ones are read as fast, and two
gathers at the same places read these once."""


@dataclass(slots=True)
class Place:
    """Where an element lies: `pointer`, then `lane` elements further from lane to lane.

    `lane` is 0 if all lanes read the same place, 1 along memory, or None where `offsets` (one for
    each lane) say how far from `pointer` the elements are. `inside` is where it may be touched.
    """

    pointer: Value
    lane: int | None
    offsets: Value | None = None
    inside: list[Value] = field(default_factory=list)


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
    """Whether each lane of a short vector reads a place that memory gives, and that is in range."""
    if block.lanes * SIZES[block.f.memory[e.tensor].element] >= GATHERED:
        return False
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


def load_panel(block: Block, panel: Panel, point: Point) -> Value:
    """A vector of a panel."""
    f, size = block.f, SIZES[block.element]
    row = f.multiply(block.indices[panel.index], panel.step)
    pointer = f.offset(panel.base, row, size)
    pointer = f.offset(pointer, f.integer(point[1] * block.lanes), size)
    text = f"load {vector(block.element, block.lanes)}, ptr {pointer.text}, align {size}"
    return f.emit(text, block.element, block.lanes, [pointer])


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


def locate(block: Block, e: Reference, point: Point, element: str, excused: bool = False) -> Place:
    """Where the element of a reference lies.

    Where a subscript leaves its range and is not `excused`, the flag is set.
    """
    f = block.f
    strides = f.strides(e.tensor) if e.subscripts else []
    steps: list[tuple[str, Value]] = []  # indices, and how far each moves in memory
    constant = f.integer(0)
    moves: list[Value] = []  # amounts that are computed for each place
    inside: list[Value] = []
    for axis, (subscript, stride) in enumerate(zip(e.subscripts, strides, strict=True)):
        before = f.before(e.tensor, axis)
        inner = subscript.subscript if isinstance(subscript, Pad) else subscript
        form = block.affine(inner)
        if excused or isinstance(subscript, Pad) or form is None:
            fits = _checked(block, e, axis, inner, form is not None or excused, point)
        if f.is_blocked(e.tensor, axis):
            assert isinstance(subscript, Index)
            number = f.block_number(e.tensor, block.indices[subscript.name])
            moves.append(f.multiply(number, f.jump(e.tensor)))
        if form is None:
            place, holds = fits
            if holds is not None and (excused or isinstance(subscript, Pad)):
                inside.append(holds)
            shifted = _plus(block, place, before)
            moves.append(_times(block, shifted, stride))
            continue
        if (excused or isinstance(subscript, Pad)) and fits[1] is not None:
            inside.append(fits[1])
        constant = f.add(constant, f.multiply(f.integer(form.constant + before), stride))
        for node, c in form.coefficients.items():
            amount = f.multiply(f.integer(c), stride)
            if isinstance(node, Size):
                constant = f.add(constant, f.multiply(f.size(node.index), amount))
            else:
                assert isinstance(node, Index)
                steps.append((node.name, amount))
    return _place(block, e.tensor, point, element, steps, constant, moves, inside)


def _place(
    block: Block,
    tensor: str,
    point: Point,
    element: str,
    steps: list[tuple[str, Value]],
    constant: Value,
    moves: list[Value],
    inside: list[Value],
) -> Place:
    """Move the pointer by what is known outermost first, so that loops move it but little."""
    f = block.f
    size = SIZES[element]
    summed: dict[str, Value] = {}
    for name, amount in steps:
        summed[name] = f.add(summed[name], amount) if name in summed else amount
    along = summed.get(block.lane, f.integer(0)) if block.lane is not None else f.integer(0)
    ordered = sorted(summed.items(), key=lambda s: block.indices[s[0]].scope.depth)
    pointer = f.pointer(tensor)
    fixed = constant
    for name, amount in ordered:
        pointer = f.offset(pointer, f.multiply(block.indices[name], amount), size)
        if name == block.row:
            fixed = f.add(fixed, f.multiply(f.integer(point[0]), amount))
        elif name == block.lane:
            fixed = f.add(fixed, f.multiply(f.integer(point[1] * block.lanes), amount))
    vectors = [m for m in moves if m.lanes > 1]
    for m in moves:
        if m.lanes == 1:
            pointer = f.offset(pointer, m, size)
    pointer = f.offset(pointer, fixed, size)
    if vectors or along.constant not in (0, 1):
        offsets = _strided(block, along)
        for m in vectors:
            offsets = block.instruction("add", [offsets, m], "i64") if offsets else m
        return Place(pointer, None, offsets, inside)
    return Place(pointer, along.constant, None, inside)


def _strided(block: Block, along: Value) -> Value | None:
    """The distance of each lane from the first, `along` apart."""
    if along.constant == 0:
        return None
    lanes = block.lanes
    if along.constant is not None:
        numbers = ", ".join(f"i64 {k * along.constant}" for k in range(lanes))
        return Value(f"<{numbers}>", "i64", lanes, block.f.root)
    steps = Value(f"<{', '.join(f'i64 {k}' for k in range(lanes))}>", "i64", lanes, block.f.root)
    return block.instruction("mul", [steps, along], "i64")


def _plus(block: Block, value: Value, amount: int) -> Value:
    if amount == 0:
        return value
    return block.instruction("add", [value, block.f.integer(amount)], "i64")


def _times(block: Block, value: Value, stride: Value) -> Value:
    if value.lanes == 1:
        return block.f.multiply(value, stride)
    return value if stride.constant == 1 else block.instruction("mul", [value, stride], "i64")


def _checked(
    block: Block, e: Reference, axis: int, inner: Expression, excused: bool, point: Point
) -> tuple[Value, Value | None]:
    """A subscript that may leave its range: its value, 0 where it does, and where it does not.

    A subscript from data that is outside, not excused by `pad` or a condition, sets the flag.
    """
    f = block.f
    raw = block.value(inner, point)
    whole: Value | None = None
    if raw.element == block.element:
        name = (
            f"llvm.fptosi.sat.{overloaded('i64', raw.lanes)}.{overloaded(raw.element, raw.lanes)}"
        )
        value = f.call(name, "i64", raw.lanes, [raw])
        back = f.emit(f"sitofp {value} to {raw.type}", raw.element, raw.lanes, [value])
        whole = block.instruction("fcmp oeq", [back, raw], "i1")
    else:
        value = block.whole(raw)
        if block.trusted(e, axis):
            return value, None
    buffer = f.memory[e.tensor]
    own = buffer.axes[buffer.order.index(axis)]
    low = f.integer(-own.before)
    high = f.add(f.size(own.index), f.integer(own.after))
    above = block.instruction("icmp sge", [value, low], "i1")
    below = block.instruction("icmp slt", [value, high], "i1")
    holds = block.instruction("and", [above, below], "i1")
    if whole is not None:
        holds = block.instruction("and", [holds, whole], "i1")
    if excused:
        return block.choose(holds, value, f.integer(0)), holds
    padded = isinstance(e.subscripts[axis], Pad)
    wrong = whole if padded else holds
    if wrong is not None:
        _flag(block, wrong, point)
    return block.choose(holds, value, f.integer(0)), holds


def _flag(block: Block, right: Value, point: Point) -> None:
    """Set the flag of a run-time error unless it is right, or never reached."""
    true = Value("true", "i1", 1, block.f.root)
    wrong = block.instruction("xor", [right, true], "i1")
    reached = block.reached(point)
    if reached is not None:
        wrong = block.instruction("and", [wrong, reached], "i1")
    raise_flag(block, wrong, 0, point)


def raise_flag(block: Block, wrong: Value, number: int, point: Point) -> None:
    """Set a flag in the control block if it is wrong in any lane inside the range."""
    f = block.f
    if wrong.lanes > 1:
        if (tail := block.tail(point[1])) is not None:
            wrong = block.instruction("and", [wrong, tail], "i1")
        bits = f.emit(f"bitcast {wrong} to i{wrong.lanes}", f"i{wrong.lanes}", 1, [wrong])
        wrong = f.emit(f"icmp ne {bits}, 0", "i1", 1, [bits])
    flag = f.offset(f.control, f.integer(number), 8)
    f.when(wrong, f"store i64 1, ptr {flag.text}, align 8")
