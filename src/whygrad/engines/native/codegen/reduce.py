"""Reductions on a block."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from ....language.expression import Reduce
from .accumulators import Inside, Item, close_loops, nothing, open_loops, spans, taken_in, wholes
from .across import across
from .block import Point
from .evaluator import Evaluator
from .value import Value

ACCUMULATORS = 4
"""With so many, no addition has to wait for the one before."""

LONG = 8
"""A sum in parts takes at least so many turns."""

Found = Callable[[Point], Value]


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
        values = across(block, items, vectors, inside)
    elif first.operation == "argmax":
        values = _argmax(block, first, [p for _, p in items])
    else:
        values = _along(block, items, inside)
    found = dict(zip(items, values, strict=True))
    return [partial(_found, block, found, e) for e in reductions]


def _found(block: Evaluator, values: Mapping[Item, Value], e: Reduce, point: Point) -> Value:
    return values[e, block.at(e, point)]


def _along(block: Evaluator, items: list[Item], inside: Inside) -> list[Value]:
    """Each lane has its own result; few of them are kept in several parts."""
    f, (*outer, last) = block.f, items[0][0].indices
    listing = block.listings.get(last)
    size = f.size(last) if listing is None else listing.count(f)
    parts = max(1, ACCUMULATORS // len(items))
    if size.constant is None or size.constant < LONG * parts:
        parts = 1
    accumulators = [
        nothing(block, e, block.lanes if block.lane in e.free else 1)
        for e, _ in items
        for _ in range(parts)
    ]
    loops, accumulators = open_loops(block, outer, accumulators)
    for many, start, stop in spans(f, f.integer(0), size, parts):
        accumulators = _turns(block, items, accumulators, (last, start, stop), many, inside)
    accumulators = close_loops(block, loops, accumulators)
    return wholes(block, items, accumulators)


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
    loop = f.begin(start, stop, many, accumulators, may_be_empty=index in block.listings)
    new = list(loop.carried)
    parts = len(new) // len(items)
    for k in range(many):
        with block.at_turn(index, f.add(loop.counter, f.integer(k))):
            inside([(0, 0)])
            for n, (e, p) in enumerate(items):
                new[n * parts + k] = taken_in(block, e, new[n * parts + k], p)
    return list(f.end(loop, new))


# The place of the maximum


def _argmax(block: Evaluator, e: Reduce, places: list[Point]) -> list[Value]:
    """The row-major place of the first maximum; the first NaN counts as the largest."""
    f = block.f
    lanes = block.lanes if block.lane in e.free else 1
    none = block.spread(f.real(-1.0, block.element), lanes)
    state = [v for _ in places for v in (nothing(block, e, lanes), none)]
    loops, state = open_loops(block, e.indices, state)
    here = f.integer(0)
    for index in e.indices:
        here = f.add(f.multiply(here, f.size(index)), block.indices[index])
    new: list[Value] = []
    for k, p in enumerate(places):
        new += _better(block, e, (state[2 * k], state[2 * k + 1]), block.real(here), p)
    zero = f.real(0.0, block.element)
    return [
        block.choose(block.instruction("fcmp olt", [place, zero], "i1"), zero, place)
        for place in close_loops(block, loops, new)[1::2]
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
