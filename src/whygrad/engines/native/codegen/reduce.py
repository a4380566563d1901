"""Reductions on a block: accumulators in registers, carried through the loops."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from ....language.expression import Bracket, Expression, Multiply, Number, Reduce
from .block import Point
from .evaluator import Evaluator
from .value import Value, overloaded
from .writer import Loop

ACCUMULATORS = 4
"""With so many, no addition has to wait for the one before."""

LONG = 8
"""A sum in parts takes at least so many turns."""

Item = tuple[Reduce, Point]
"""A reduction at a point."""

Found = Callable[[Point], Value]

Inside = Callable[[Sequence[Point]], None]
"""Writes what is to be done at some points inside of the loops, before anything is taken in."""


def reduce(
    block: Evaluator,
    reductions: Sequence[Reduce],
    points: Sequence[Point],
    vectors: int,
    inside: Inside,
) -> list[Found]:
    """The values of reductions over the same indices, at each point of the block.

    They share their loops; that of argmax has one of its own. Where the lanes run along them, so
    many vectors are taken in a turn.
    """
    items = list(dict.fromkeys((e, block.at(e, p)) for e in reductions for p in points))
    first = reductions[0]
    if block.lane in first.indices:
        values = _across(block, items, vectors, inside)
    elif first.operation == "argmax":
        values = _argmax(block, first, [p for _, p in items])
    else:
        values = _along(block, items, inside)
    found = dict(zip(items, values, strict=True))
    return [partial(_found, block, found, e) for e in reductions]


def _found(block: Evaluator, values: Mapping[Item, Value], e: Reduce, point: Point) -> Value:
    return values[e, block.at(e, point)]


def _start(block: Evaluator, e: Reduce, lanes: int) -> Value:
    value = block.f.real(0.0 if e.operation == "sum" else float("-inf"), block.element)
    return block.spread(value, lanes)


def _along(block: Evaluator, items: list[Item], inside: Inside) -> list[Value]:
    """Each lane has its own result; few of them are kept in several parts."""
    f, (*outer, last) = block.f, items[0][0].indices
    size = f.size(last)
    parts = max(1, ACCUMULATORS // len(items))
    if size.constant is None or size.constant < LONG * parts:
        parts = 1
    accumulators = [
        _start(block, e, block.lanes if block.lane in e.free else 1)
        for e, _ in items
        for _ in range(parts)
    ]
    loops, accumulators = _open(block, outer, accumulators)
    start = f.integer(0)
    for many in dict.fromkeys((parts, 1)):
        stop = f.subtract(size, f.remainder(f.subtract(size, start), many)) if many > 1 else size
        if stop.constant is None or stop.constant != start.constant:
            accumulators = _turns(block, items, accumulators, (last, start, stop), many, inside)
        start = stop
    accumulators = _close(block, loops, accumulators)
    return _whole(block, items, accumulators)


def _turns(
    block: Evaluator,
    items: list[Item],
    accumulators: list[Value],
    span: tuple[str, Value, Value],
    many: int,
    inside: Inside,
) -> list[Value]:
    """Go through a span of an index, so many of its values a turn, each to a part of its own."""
    f, (index, start, stop) = block.f, span
    loop = f.begin(start, stop, many, accumulators)
    new = list(loop.carried)
    parts = len(new) // len(items)
    for k in range(many):
        with block.at_place(index, f.add(loop.counter, f.integer(k))):
            inside([(0, 0)])
            for n, (e, p) in enumerate(items):
                new[n * parts + k] = _joined(block, e, new[n * parts + k], p)
    return list(f.end(loop, new))


def _whole(block: Evaluator, items: list[Item], accumulators: list[Value]) -> list[Value]:
    """The results, each from its parts."""
    parts = len(accumulators) // len(items)
    found = []
    for n, (e, _) in enumerate(items):
        total, *more = accumulators[n * parts : (n + 1) * parts]
        for other in more:
            total = _combine(block, e, total, other)
        found.append(total)
    return found


def _open(
    block: Evaluator, indices: Sequence[str], carried: list[Value]
) -> tuple[list[tuple[Loop, str]], list[Value]]:
    """Loops over some indices, and the carried values inside them."""
    loops: list[tuple[Loop, str]] = []
    for index in indices:
        loop = block.f.begin(block.f.integer(0), block.f.size(index), 1, carried)
        block.indices[index] = loop.counter
        loops.append((loop, index))
        carried = list(loop.carried)
    return loops, carried


def _close(block: Evaluator, loops: list[tuple[Loop, str]], carried: list[Value]) -> list[Value]:
    """The carried values behind the loops."""
    for loop, index in reversed(loops):
        carried = list(block.f.end(loop, carried))
        del block.indices[index]
    return carried


def _joined(block: Evaluator, e: Reduce, accumulator: Value, point: Point) -> Value:
    """The accumulator with the body's value at a point taken in."""
    body, conditions = e.body, [e.condition] if e.condition is not None else []
    factors: Sequence[Expression] = body.factors if isinstance(body, Multiply) else (body,)
    if e.operation == "sum":
        conditions += [x.condition for x in factors if isinstance(x, Bracket)]
        factors = [x for x in factors if not isinstance(x, Bracket)]
    holds = block.both(block.under(conditions, point))
    with block.where(conditions):
        if e.operation == "sum":
            new = _added(block, accumulator, factors, point)
        else:
            new = _larger(block, accumulator, block.number(body, point))
    return new if holds is None else block.choose(holds, new, accumulator)


def _added(
    block: Evaluator, accumulator: Value, factors: Sequence[Expression], point: Point
) -> Value:
    if len(factors) < 2 or (len(factors) == 2 and isinstance(factors[0], Number)):
        value = block.real(block.product(factors, point))
        return block.instruction("fadd", [accumulator, value], block.element)
    left = block.real(block.product(factors[:-1], point))
    right = block.number(factors[-1], point)
    return multiply_add(block, left, right, accumulator)


def multiply_add(block: Evaluator, left: Value, right: Value, more: Value) -> Value:
    """left * right + more, rounded once where the processor can."""
    lanes = max(v.lanes for v in (left, right, more))
    operands = [block.spread(v, lanes) for v in (left, right, more)]
    kind = overloaded(block.element, lanes)
    return block.f.call(f"llvm.fmuladd.{kind}", block.element, lanes, operands)


def _larger(block: Evaluator, best: Value, value: Value) -> Value:
    """The larger one; NaN stays and is taken up."""
    more = block.instruction("fcmp ogt", [value, best], "i1")
    nan = block.instruction("fcmp uno", [value, value], "i1")
    return block.choose(block.instruction("or", [more, nan], "i1"), value, best)


# Lanes along the reduction


def _across(block: Evaluator, items: list[Item], vectors: int, inside: Inside) -> list[Value]:
    """The lanes run along an index of the reductions and are joined at the end.

    Of a size that is not known, what is left by whole vectors is taken one by one.
    """
    f, lane = block.f, block.lane
    assert lane is not None
    size = f.size(lane)
    if size.constant is not None:
        return _vectors(block, items, size, vectors, inside)
    totals = [_start(block, e, 1) for e, _ in items]
    full = f.subtract(size, f.remainder(size, block.lanes))
    with f.when_positive(full, totals) as totals:
        totals[:] = _vectors(block, items, full, vectors, inside)
    loops, totals = _open(block, _others(block, items), totals)
    return _close(block, loops, _singly(block, items, totals, full, inside))


def _others(block: Evaluator, items: list[Item]) -> list[str]:
    """The indices of the reductions that the lanes do not run along."""
    return [i for i in items[0][0].indices if i != block.lane]


def _vectors(
    block: Evaluator, items: list[Item], stop: Value, sides: int, inside: Inside
) -> list[Value]:
    """The totals of the lanes up to a place, so many vectors a turn, and what is left by ones."""
    f = block.f
    apart = sides if len(items) == 1 else 1
    accumulators = [_start(block, e, block.lanes) for e, _ in items for _ in range(apart)]
    loops, accumulators = _open(block, _others(block, items), accumulators)
    start = f.integer(0)
    left = 0 if stop.constant is None else stop.constant % block.lanes
    full = f.subtract(stop, f.integer(left))
    for many in dict.fromkeys((sides, 1)):
        rest = f.remainder(f.subtract(full, start), many * block.lanes)
        end = full if many == 1 else f.subtract(full, rest)
        if end.constant is None or end.constant != start.constant:
            accumulators = _lanes(block, items, accumulators, (start, end), many, inside)
        start = end
    if left:
        accumulators = _last(block, items, accumulators, (full, left), inside)
    accumulators = _close(block, loops, accumulators)
    totals = _whole(block, items, accumulators)
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
            new[place] = _joined(block, e, new[place], (p[0], side))
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
            value = _joined(block, e, before, point)
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
    with block.one_lane(loop.counter):
        inside([(0, 0)])
        new = [
            _joined(block, e, a, (p[0], 0)) for (e, p), a in zip(items, loop.carried, strict=True)
        ]
    return list(f.end(loop, new))


def _combine(block: Evaluator, e: Reduce, a: Value, b: Value) -> Value:
    if e.operation == "sum":
        return block.instruction("fadd", [a, b], block.element)
    return _larger(block, a, b)


def _horizontal(block: Evaluator, e: Reduce, value: Value) -> Value:
    """All lanes joined, halves with halves."""
    lanes = value.lanes
    while lanes > 1:
        lanes //= 2
        value = _combine(block, e, _part(block, value, 0, lanes), _part(block, value, lanes, lanes))
    return value


def _part(block: Evaluator, value: Value, first: int, count: int) -> Value:
    """Some lanes of a vector."""
    if count == 1:
        return block.f.emit(f"extractelement {value}, i64 {first}", block.element, 1, [value])
    picks = ", ".join(f"i32 {first + k}" for k in range(count))
    text = f"shufflevector {value}, {value.type} poison, <{count} x i32> <{picks}>"
    return block.f.emit(text, block.element, count, [value])


# The place of the maximum


def _argmax(block: Evaluator, e: Reduce, places: list[Point]) -> list[Value]:
    """The row-major place of the first maximum; the first NaN counts as the largest."""
    f = block.f
    lanes = block.lanes if block.lane in e.free else 1
    none = block.spread(f.real(-1.0, block.element), lanes)
    state = [v for _ in places for v in (_start(block, e, lanes), none)]
    loops, state = _open(block, e.indices, state)
    here = f.integer(0)
    for index in e.indices:
        here = f.add(f.multiply(here, f.size(index)), block.indices[index])
    new: list[Value] = []
    for k, p in enumerate(places):
        new += _better(block, e, (state[2 * k], state[2 * k + 1]), block.real(here), p)
    zero = f.real(0.0, block.element)
    return [
        block.choose(block.instruction("fcmp olt", [place, zero], "i1"), zero, place)
        for place in _close(block, loops, new)[1::2]
    ]


def _better(
    block: Evaluator, e: Reduce, state: tuple[Value, Value], here: Value, point: Point
) -> tuple[Value, Value]:
    best, place = state
    conditions = [e.condition] if e.condition is not None else []
    holds = block.both(block.under(conditions, point))
    with block.where(conditions):
        value = block.number(e.body, point)
    first = block.instruction("fcmp olt", [place, block.f.real(0.0, block.element)], "i1")
    more = block.instruction("fcmp ogt", [value, best], "i1")
    nan = block.instruction("fcmp uno", [value, value], "i1")
    known = block.instruction("fcmp ord", [best, best], "i1")
    better = block.instruction("or", [more, block.instruction("and", [nan, known], "i1")], "i1")
    better = block.instruction("or", [better, first], "i1")
    if holds is not None:
        better = block.instruction("and", [better, holds], "i1")
    return block.choose(better, value, best), block.choose(better, here, place)
