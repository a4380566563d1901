"""Reductions that the lanes run along: each lane has a part, and all are joined at the end."""

from __future__ import annotations

from ....language.expression import Reduce
from .accumulators import (
    Inside,
    Item,
    close_loops,
    combined,
    nothing,
    open_loops,
    spans,
    taken_in,
    wholes,
)
from .evaluator import Evaluator
from .value import Value


def across(block: Evaluator, items: list[Item], vectors: int, inside: Inside) -> list[Value]:
    """The lanes run along an index of the reductions and are joined at the end.

    Of a size that is not known, what is left by whole vectors is taken one by one.
    """
    f, lane = block.f, block.lane
    assert lane is not None
    size = f.size(lane)
    if size.constant is not None:
        return _vectors(block, items, size, vectors, inside)
    totals = [nothing(block, e, 1) for e, _ in items]
    full = f.subtract(size, f.remainder(size, block.lanes))
    with f.when_positive(full, totals) as totals:
        totals[:] = _vectors(block, items, full, vectors, inside)
    loops, totals = open_loops(block, _others(block, items), totals)
    return close_loops(block, loops, _singly(block, items, totals, full, inside))


def _others(block: Evaluator, items: list[Item]) -> list[str]:
    """The indices of the reductions that the lanes do not run along."""
    return [i for i in items[0][0].indices if i != block.lane]


def _vectors(
    block: Evaluator, items: list[Item], stop: Value, sides: int, inside: Inside
) -> list[Value]:
    """The totals of the lanes up to a place, so many vectors a turn, and what is left by ones."""
    f = block.f
    apart = sides if len(items) == 1 else 1
    accumulators = [nothing(block, e, block.lanes) for e, _ in items for _ in range(apart)]
    loops, accumulators = open_loops(block, _others(block, items), accumulators)
    left = 0 if stop.constant is None else stop.constant % block.lanes
    full = f.subtract(stop, f.integer(left))
    for many, start, end in spans(f, f.integer(0), full, sides, block.lanes):
        accumulators = _lanes(block, items, accumulators, (start, end), many, inside)
    if left:
        accumulators = _last(block, items, accumulators, (full, left), inside)
    accumulators = close_loops(block, loops, accumulators)
    totals = wholes(block, items, accumulators)
    return [_horizontal(block, e, total) for (e, _), total in zip(items, totals, strict=True)]


def _lanes(
    block: Evaluator,
    items: list[Item],
    accumulators: list[Value],
    span: tuple[Value, Value],
    sides: int,
    inside: Inside,
) -> list[Value]:
    """Go through a span of the lane index, so many full vectors at a time."""
    f, lane = block.f, block.lane
    assert lane is not None
    start, stop = span
    loop = f.begin(start, stop, block.lanes * sides, accumulators, stop.constant is None)
    block.indices[lane] = loop.counter
    inside([(0, side) for side in range(sides)])
    new = list(loop.carried)
    apart = len(new) // len(items)
    for k, (e, p) in enumerate(items):
        for side in range(sides):
            place = k * apart + side % apart
            new[place] = taken_in(block, e, new[place], (p[0], side))
    del block.indices[lane]
    return list(f.end(loop, new))


def _last(
    block: Evaluator,
    items: list[Item],
    accumulators: list[Value],
    rest: tuple[Value, int],
    inside: Inside,
) -> list[Value]:
    """Take in the vector that begins at a place, and of which so many lanes count."""
    place, count = rest
    new = list(accumulators)
    apart = len(new) // len(items)
    with block.last_lanes(place, count):
        inside([(0, 0)])
        for k, (e, p) in enumerate(items):
            before, point = new[k * apart], (p[0], 0)
            value = taken_in(block, e, before, point)
            tail = block.tail(0)
            assert tail is not None
            new[k * apart] = block.choose(tail, value, before)
    return new


def _singly(
    block: Evaluator, items: list[Item], totals: list[Value], start: Value, inside: Inside
) -> list[Value]:
    """Take in the values from a place of the lane index on, one by one."""
    f, lane = block.f, block.lane
    assert lane is not None
    loop = f.begin(start, f.size(lane), 1, totals, may_be_empty=True)
    with block.one_lane(loop.counter), f.nothing_moved_out():
        inside([(0, 0)])
        new = [
            taken_in(block, e, a, (p[0], 0)) for (e, p), a in zip(items, loop.carried, strict=True)
        ]
    return list(f.end(loop, new))


def _horizontal(block: Evaluator, e: Reduce, value: Value) -> Value:
    """All lanes joined, halves with halves."""
    lanes = value.lanes
    while lanes > 1:
        lanes //= 2
        value = combined(block, e, _part(block, value, 0, lanes), _part(block, value, lanes, lanes))
    return value


def _part(block: Evaluator, value: Value, first: int, count: int) -> Value:
    """Some lanes of a vector."""
    if count == 1:
        return block.f.emit(f"extractelement {value}, i64 {first}", block.element, 1, [value])
    picks = ", ".join(f"i32 {first + k}" for k in range(count))
    text = f"shufflevector {value}, {value.type} poison, <{count} x i32> <{picks}>"
    return block.f.emit(text, block.element, count, [value])
