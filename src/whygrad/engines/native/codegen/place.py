"""Where an element of a tensor lies, and whether that is inside of the tensor."""

from __future__ import annotations

from dataclasses import dataclass, field

from ....language.expression import Expression, Index, Pad, Reference, Size
from ..threads import SUBSCRIPT
from .block import Block, Point
from .flags import raise_flag
from .function import SIZES
from .value import Value, overloaded


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
    raise_flag(block, wrong, SUBSCRIPT, point)
