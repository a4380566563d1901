"""Accumulators of a reduction: in registers, carried through loops."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ....language.expression import Bracket, Expression, Multiply, Number, Reduce
from .block import Block, Point
from .evaluator import Evaluator
from .value import Value, overloaded
from .writer import Loop, Writer

Item = tuple[Reduce, Point]
"""A reduction at a point."""

Inside = Callable[[Sequence[Point]], None]
"""Writes what is to be done at some points inside of the loops, before anything is taken in."""


def nothing(block: Evaluator, e: Reduce, lanes: int) -> Value:
    """The value before anything is taken in."""
    value = block.f.real(0.0 if e.operation == "sum" else float("-inf"), block.element)
    return block.spread(value, lanes)


def open_loops(
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


def close_loops(
    block: Evaluator, loops: list[tuple[Loop, str]], carried: list[Value]
) -> list[Value]:
    """The carried values behind the loops."""
    for loop, index in reversed(loops):
        carried = list(block.f.end(loop, carried))
        del block.indices[index]
    return carried


def spans(
    f: Writer, start: Value, stop: Value, many: int, each: int = 1
) -> Iterator[tuple[int, Value, Value]]:
    """How many of `each` to take in a turn, and from where to where: so many, then one by one.

    From start to stop it is a multiple of `each`.
    """
    for count in dict.fromkeys((many, 1)):
        end = stop
        if count > 1:
            end = f.subtract(stop, f.remainder(f.subtract(stop, start), count * each))
        if end.constant is None or end.constant != start.constant:
            yield count, start, end
        start = end


def taken_in(block: Evaluator, e: Reduce, accumulator: Value, point: Point) -> Value:
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
            new = larger(block, accumulator, block.number(body, point))
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


def multiply_add(block: Block, left: Value, right: Value, more: Value) -> Value:
    """left * right + more, rounded once where the processor can."""
    lanes = max(v.lanes for v in (left, right, more))
    operands = [block.spread(v, lanes) for v in (left, right, more)]
    kind = overloaded(block.element, lanes)
    return block.f.call(f"llvm.fmuladd.{kind}", block.element, lanes, operands)


def larger(block: Evaluator, best: Value, value: Value) -> Value:
    """The larger one; NaN stays and is taken up."""
    more = block.instruction("fcmp ogt", [value, best], "i1")
    nan = block.instruction("fcmp uno", [value, value], "i1")
    return block.choose(block.instruction("or", [more, nan], "i1"), value, best)


def combined(block: Evaluator, e: Reduce, a: Value, b: Value) -> Value:
    """One accumulator for what two have taken in."""
    if e.operation == "sum":
        return block.instruction("fadd", [a, b], block.element)
    return larger(block, a, b)


def wholes(block: Evaluator, items: list[Item], accumulators: list[Value]) -> list[Value]:
    """The results, each from its parts."""
    parts = len(accumulators) // len(items)
    found = []
    for n, (e, _) in enumerate(items):
        total, *more = accumulators[n * parts : (n + 1) * parts]
        for other in more:
            total = combined(block, e, total, other)
        found.append(total)
    return found
