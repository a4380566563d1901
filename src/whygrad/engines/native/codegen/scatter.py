"""A scatter as a function: it goes through the points in order and adds each where it belongs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from ....language.expression import Index, Reference
from ..code import Buffer
from ..plan import Scatter
from . import access
from .evaluator import Evaluator
from .function import SIZES, Function
from .place import locate
from .value import Value, vector
from .writer import Loop


def write_scatter(
    part: Scatter,
    element: str,
    lanes: int,
    memory: Mapping[str, Buffer],
    constants: Mapping[str, int],
    trusted: Callable[[Reference, int], bool],
) -> Function:
    """Write the function of a scatter; it is run by one thread."""
    f = Function(memory, constants)
    lane = _lane(part, memory[part.name])
    outer = {i for e in (*part.subscripts, part.value) for i in e.free} - set(part.indices)
    indices = {i: f.outer_index(i) for i in sorted(outer)}
    _clear(Evaluator(f, element, lanes, indices, None, None, trusted), part)
    loops: list[Loop] = []
    for index in [i for i in part.indices if i != lane] + ([lane] if lane else []):
        step = lanes if index == lane else 1
        loops.append(f.begin(f.integer(0), f.size(index), step))
        indices[index] = loops[-1].counter
    block = Evaluator(f, element, lanes, indices, None, lane, trusted)
    if lane is not None:
        block.tails[0] = partial(block.inside, 0)
    _add(block, part, lanes if lane else 1)
    for loop in reversed(loops):
        f.end(loop)
    return f


def _clear(block: Evaluator, part: Scatter) -> None:
    """Zeroes the tensor, or the part of it that is at the present steps of the loops around."""
    f = block.f
    inner = [axis for axis in part.axes if axis not in f.outer]
    if len(inner) < len(part.axes):
        _clear_part(block, part, inner)
        return
    buffer = f.memory[part.name]
    count = f.integer(1)
    for k, axis in enumerate(buffer.axes):
        length = f.length(axis)
        if k == len(buffer.axes) - 1:
            length = f.add(f.round_up(length, buffer.multiple), f.integer(buffer.extra))
        count = f.multiply(count, length)
    size = f.multiply(count, f.integer(SIZES[buffer.element]))
    no = Value("false", "i1", 1, f.root)
    zero = Value("0", "i8", 1, f.root)
    f.order("llvm.memset.p0.i64", [f.pointer(part.name), zero, size, no])


def _clear_part(block: Evaluator, part: Scatter, inner: list[str]) -> None:
    f = block.f
    loops = []
    for index in inner:
        loops.append(f.begin(f.integer(0), f.size(index), 1))
        block.indices[index] = loops[-1].counter
    target = Reference(part.name, tuple(map(Index, part.axes)))
    access.store(block, target, f.real(0, block.element), (0, 0))
    for loop in reversed(loops):
        f.end(loop)


def _lane(part: Scatter, buffer: Buffer) -> str | None:
    """An index along the target's last axis that stands in no other subscript of it."""
    last = part.subscripts[buffer.order[-1]] if part.subscripts else None
    if not isinstance(last, Index) or last.name not in part.indices:
        return None
    others = [s for s in part.subscripts if s is not last]
    return None if any(last.name in s.free for s in others) else last.name


def _add(block: Evaluator, part: Scatter, lanes: int) -> None:
    f, origin = block.f, (0, 0)
    conditions = [] if part.condition is None else [part.condition]
    target = Reference(part.name, part.subscripts)
    holds = block.under(conditions, origin)
    block.guards = tuple(conditions)
    place = locate(block, target, origin, block.element, excused=True)
    value = block.spread(block.number(part.value, origin), lanes)
    inside = block.both([*holds, *place.inside])
    tail = block.tail(0)
    if tail is not None:
        inside = tail if inside is None else block.instruction("and", [inside, tail], "i1")
    if inside is not None:
        zero = f.real(0, block.element)
        value = block.choose(inside, value, block.spread(zero, lanes))
    pointer = place.pointer
    if inside is not None and inside.lanes == 1:
        pointer = block.choose(inside, pointer, f.nowhere)
    kind, align = vector(block.element, lanes), SIZES[block.element]
    text = f"load {kind}, ptr {pointer.text}, align {align}"
    old = f.emit(text, block.element, lanes, [pointer], here=True)
    new = f.emit(f"fadd {old}, {value.text}", block.element, lanes, [old, value])
    f.command(f"store {new}, ptr {pointer.text}, align {align}")
