"""Reductions on a block: accumulators in registers, carried through the loops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from ....language.expression import Bracket, Expression, Multiply, Number, Reduce
from .block import Block, Point
from .writer import Loop, Value

SIDE_BY_SIDE = 4
"""How many accumulators hide the latency of an addition where a tile has but one."""

Values = dict[Point, Value]


def reduce(block: Block, e: Reduce, points: Sequence[Point]) -> Callable[[Point], Value]:
    """The value of a reduction at each point of the block."""
    places = list(dict.fromkeys(block.at(e, p) for p in points))
    if block.lane in e.indices:
        values = _across(block, e, places)
    elif e.operation == "argmax":
        values = _argmax(block, e, places)
    else:
        values = _along(block, e, places)
    return lambda point: values[block.at(e, point)]


def _start(block: Block, e: Reduce, lanes: int) -> Value:
    value = block.f.real(0.0 if e.operation == "sum" else float("-inf"), block.element)
    return block.spread(value, lanes)


def _along(block: Block, e: Reduce, places: list[Point]) -> Values:
    """Each lane has its own result."""
    wide = block.lane in e.free
    accumulators = [_start(block, e, block.lanes if wide else 1) for _ in places]
    loops: list[tuple[Loop, str]] = []
    f = block.f
    for index in e.indices:
        loop = f.begin(f.integer(0), f.size(index), 1, accumulators)
        block.indices[index] = loop.counter
        loops.append((loop, index))
        accumulators = list(loop.carried)
    new = [_joined(block, e, a, p) for a, p in zip(accumulators, places, strict=True)]
    for loop, index in reversed(loops):
        new = list(f.end(loop, new))
        del block.indices[index]
    return dict(zip(places, new, strict=True))


def _joined(block: Block, e: Reduce, accumulator: Value, point: Point) -> Value:
    """The accumulator with the body's value at a point taken in."""
    body, conditions = e.body, [e.condition] if e.condition is not None else []
    factors: Sequence[Expression] = body.factors if isinstance(body, Multiply) else (body,)
    if e.operation == "sum":
        conditions += [x.condition for x in factors if isinstance(x, Bracket)]
        factors = [x for x in factors if not isinstance(x, Bracket)]
    holds = block.both(block.under(conditions, point))
    before = block.guards
    block.guards = (*before, *conditions)
    try:
        if e.operation == "sum":
            new = _added(block, accumulator, factors, point)
        else:
            new = _larger(block, accumulator, block.number(body, point))
    finally:
        block.guards = before
    return new if holds is None else block.choose(holds, new, accumulator)


def _added(block: Block, accumulator: Value, factors: Sequence[Expression], point: Point) -> Value:
    if len(factors) < 2 or (len(factors) == 2 and isinstance(factors[0], Number)):
        value = block.real(block.product(factors, point))
        return block.instruction("fadd", [accumulator, value], block.element)
    left = block.real(block.product(factors[:-1], point))
    right = block.number(factors[-1], point)
    return multiply_add(block, left, right, accumulator)


def multiply_add(block: Block, left: Value, right: Value, more: Value) -> Value:
    """left * right + more, rounded once where the processor can."""
    lanes = max(v.lanes for v in (left, right, more))
    operands = [block.spread(v, lanes) for v in (left, right, more)]
    letter = "f32" if block.element == "float" else "f64"
    kind = letter if lanes == 1 else f"v{lanes}{letter}"
    return block.f.call(f"llvm.fmuladd.{kind}", block.element, lanes, operands)


def _larger(block: Block, best: Value, value: Value) -> Value:
    """The larger one; NaN stays and is taken up."""
    more = block.instruction("fcmp ogt", [value, best], "i1")
    nan = block.instruction("fcmp uno", [value, value], "i1")
    return block.choose(block.instruction("or", [more, nan], "i1"), value, best)


# Lanes along the reduction


def _across(block: Block, e: Reduce, places: list[Point]) -> Values:
    """The lanes run along an index of the reduction and are joined at the end."""
    f, lane = block.f, block.lane
    assert lane is not None
    sides = SIDE_BY_SIDE if len(places) == 1 else 1
    keys = [(p, side) for p in places for side in range(sides)]
    accumulators = [_start(block, e, block.lanes) for _ in keys]
    others = [i for i in e.indices if i != lane]
    loops: list[tuple[Loop, str]] = []
    for index in others:
        loop = f.begin(f.integer(0), f.size(index), 1, accumulators)
        block.indices[index] = loop.counter
        loops.append((loop, index))
        accumulators = list(loop.carried)
    size, span = f.size(lane), sides * block.lanes
    if size.constant is None:
        accumulators = _lanes(block, e, keys, accumulators, f.integer(0), size, sides, True)
    else:
        whole = f.integer(size.constant // span * span)
        if whole.constant:
            accumulators = _lanes(block, e, keys, accumulators, f.integer(0), whole, sides, False)
        if whole.constant != size.constant:
            accumulators = _lanes(block, e, keys, accumulators, whole, size, 1, True)
    for loop, index in reversed(loops):
        accumulators = list(f.end(loop, accumulators))
        del block.indices[index]
    found: Values = {}
    for p in places:
        sides_of = [a for (q, _), a in zip(keys, accumulators, strict=True) if q == p]
        total = sides_of[0]
        for more in sides_of[1:]:
            total = _combine(block, e, total, more)
        found[p] = _horizontal(block, e, total)
    return found


def _lanes(
    block: Block,
    e: Reduce,
    keys: list[tuple[Point, int]],
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
        for (p, side), a in zip(keys, loop.carried, strict=True)
    ]
    block.tails.clear()
    del block.indices[lane]
    return list(f.end(loop, new))


def _masked(block: Block, e: Reduce, accumulator: Value, point: Point) -> Value:
    new = _joined(block, e, accumulator, point)
    tail = block.tail(point[1])
    return new if tail is None else block.choose(tail, new, accumulator)


def _combine(block: Block, e: Reduce, a: Value, b: Value) -> Value:
    if e.operation == "sum":
        return block.instruction("fadd", [a, b], block.element)
    return _larger(block, a, b)


def _horizontal(block: Block, e: Reduce, value: Value) -> Value:
    """All lanes joined, halves with halves."""
    lanes = value.lanes
    while lanes > 1:
        lanes //= 2
        value = _combine(block, e, _part(block, value, 0, lanes), _part(block, value, lanes, lanes))
    return value


def _part(block: Block, value: Value, first: int, count: int) -> Value:
    """Some lanes of a vector."""
    if count == 1:
        return block.f.emit(f"extractelement {value}, i64 {first}", block.element, 1, [value])
    picks = ", ".join(f"i32 {first + k}" for k in range(count))
    text = f"shufflevector {value}, {value.type} poison, <{count} x i32> <{picks}>"
    return block.f.emit(text, block.element, count, [value])


# The place of the maximum


def _argmax(block: Block, e: Reduce, places: list[Point]) -> Values:
    """The row-major place of the first maximum; the first NaN counts as the largest."""
    f = block.f
    wide = block.lane in e.free
    lanes = block.lanes if wide else 1
    none = block.spread(f.integer(-1), lanes)
    state = [v for _ in places for v in (_start(block, e, lanes), none)]
    loops: list[tuple[Loop, str]] = []
    for index in e.indices:
        loop = f.begin(f.integer(0), f.size(index), 1, state)
        block.indices[index] = loop.counter
        loops.append((loop, index))
        state = list(loop.carried)
    here = f.integer(0)
    for index in e.indices:
        here = f.add(f.multiply(here, f.size(index)), block.indices[index])
    new: list[Value] = []
    for k, p in enumerate(places):
        new += _better(block, e, (state[2 * k], state[2 * k + 1]), here, p)
    for loop, index in reversed(loops):
        new = list(f.end(loop, new))
        del block.indices[index]
    found: Values = {}
    for k, p in enumerate(places):
        place = new[2 * k + 1]
        missing = block.instruction("icmp slt", [place, f.integer(0)], "i1")
        found[p] = block.real(block.choose(missing, f.integer(0), place))
    return found


def _better(
    block: Block, e: Reduce, state: tuple[Value, Value], here: Value, point: Point
) -> tuple[Value, Value]:
    best, place = state
    conditions = [e.condition] if e.condition is not None else []
    holds = block.both(block.under(conditions, point))
    value = block.real(block.guarded(e.body, conditions, point))
    first = block.instruction("icmp slt", [place, block.f.integer(0)], "i1")
    more = block.instruction("fcmp ogt", [value, best], "i1")
    nan = block.instruction("fcmp uno", [value, value], "i1")
    known = block.instruction("fcmp ord", [best, best], "i1")
    better = block.instruction("or", [more, block.instruction("and", [nan, known], "i1")], "i1")
    better = block.instruction("or", [better, first], "i1")
    if holds is not None:
        better = block.instruction("and", [better, holds], "i1")
    return block.choose(better, value, best), block.choose(better, here, place)
