"""Reductions on a block: accumulators in registers, carried through the loops."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from ....language.expression import Bracket, Expression, Multiply, Number, Reduce
from .block import Point
from .evaluator import Evaluator
from .writer import Loop, Value, overloaded

SIDE_BY_SIDE = 4
"""How many accumulators hide the latency of an addition where a tile has but one."""

Item = tuple[Reduce, Point]
"""A reduction at a point."""

Found = Callable[[Point], Value]


def reduce(block: Evaluator, reductions: Sequence[Reduce], points: Sequence[Point]) -> list[Found]:
    """The values of reductions over the same indices, at each point of the block.

    They share their loops; that of argmax has one of its own.
    """
    items = list(dict.fromkeys((e, block.at(e, p)) for e in reductions for p in points))
    first = reductions[0]
    if block.lane in first.indices:
        values = _across(block, items)
    elif first.operation == "argmax":
        values = _argmax(block, first, [p for _, p in items])
    else:
        values = _along(block, items)
    found = dict(zip(items, values, strict=True))
    return [partial(_found, block, found, e) for e in reductions]


def _found(block: Evaluator, values: Mapping[Item, Value], e: Reduce, point: Point) -> Value:
    return values[e, block.at(e, point)]


def _start(block: Evaluator, e: Reduce, lanes: int) -> Value:
    value = block.f.real(0.0 if e.operation == "sum" else float("-inf"), block.element)
    return block.spread(value, lanes)


def _along(block: Evaluator, items: list[Item]) -> list[Value]:
    """Each lane has its own result."""
    accumulators = [_start(block, e, block.lanes if block.lane in e.free else 1) for e, _ in items]
    loops, accumulators = _open(block, items[0][0].indices, accumulators)
    new = [_joined(block, e, a, p) for a, (e, p) in zip(accumulators, items, strict=True)]
    return _close(block, loops, new)


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


def _across(block: Evaluator, items: list[Item]) -> list[Value]:
    """The lanes run along an index of the reductions and are joined at the end."""
    f, lane = block.f, block.lane
    assert lane is not None
    size = f.size(lane)
    sides = SIDE_BY_SIDE if len(items) == 1 and size.constant is not None else 1
    span = sides * block.lanes
    keys = [(item, side) for item in items for side in range(sides)]
    accumulators = [_start(block, e, block.lanes) for (e, _), _ in keys]
    others = [i for i in items[0][0].indices if i != lane]
    loops, accumulators = _open(block, others, accumulators)
    if size.constant is None:
        accumulators = _lanes(block, keys, accumulators, f.integer(0), size, sides, True)
    else:
        whole = f.integer(size.constant // span * span)
        if whole.constant:
            accumulators = _lanes(block, keys, accumulators, f.integer(0), whole, sides, False)
        if whole.constant != size.constant:
            accumulators = _lanes(block, keys, accumulators, whole, size, 1, True)
    accumulators = _close(block, loops, accumulators)
    found = []
    for k, (e, _) in enumerate(items):
        total, *more = accumulators[k * sides : (k + 1) * sides]
        for other in more:
            total = _combine(block, e, total, other)
        found.append(_horizontal(block, e, total))
    return found


def _lanes(
    block: Evaluator,
    keys: list[tuple[Item, int]],
    accumulators: list[Value],
    start: Value,
    stop: Value,
    sides: int,
    masked: bool,
) -> list[Value]:
    """Go through the lane index, so many vectors at a time."""
    f, lane = block.f, block.lane
    assert lane is not None
    loop = f.begin(start, stop, block.lanes * sides, accumulators)
    block.indices[lane] = loop.counter
    if masked:
        block.tails.update({side: partial(block.inside, side) for side in range(sides)})
    new = [
        _masked(block, e, a, (p[0], side)) if side < sides else a
        for ((e, p), side), a in zip(keys, loop.carried, strict=True)
    ]
    block.tails.clear()
    del block.indices[lane]
    return list(f.end(loop, new))


def _masked(block: Evaluator, e: Reduce, accumulator: Value, point: Point) -> Value:
    new = _joined(block, e, accumulator, point)
    tail = block.tail(point[1])
    return new if tail is None else block.choose(tail, new, accumulator)


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
    none = block.spread(f.integer(-1), lanes)
    state = [v for _ in places for v in (_start(block, e, lanes), none)]
    loops, state = _open(block, e.indices, state)
    here = f.integer(0)
    for index in e.indices:
        here = f.add(f.multiply(here, f.size(index)), block.indices[index])
    new: list[Value] = []
    for k, p in enumerate(places):
        new += _better(block, e, (state[2 * k], state[2 * k + 1]), here, p)
    found = []
    for place in _close(block, loops, new)[1::2]:
        missing = block.instruction("icmp slt", [place, f.integer(0)], "i1")
        found.append(block.real(block.choose(missing, f.integer(0), place)))
    return found


def _better(
    block: Evaluator, e: Reduce, state: tuple[Value, Value], here: Value, point: Point
) -> tuple[Value, Value]:
    best, place = state
    conditions = [e.condition] if e.condition is not None else []
    holds = block.both(block.under(conditions, point))
    with block.where(conditions):
        value = block.number(e.body, point)
    first = block.instruction("icmp slt", [place, block.f.integer(0)], "i1")
    more = block.instruction("fcmp ogt", [value, best], "i1")
    nan = block.instruction("fcmp uno", [value, value], "i1")
    known = block.instruction("fcmp ord", [best, best], "i1")
    better = block.instruction("or", [more, block.instruction("and", [nan, known], "i1")], "i1")
    better = block.instruction("or", [better, first], "i1")
    if holds is not None:
        better = block.instruction("and", [better, holds], "i1")
    return block.choose(better, value, best), block.choose(better, here, place)
