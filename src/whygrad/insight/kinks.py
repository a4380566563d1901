"""On which side of each kink a network is.

A derivative stands for one slope. Where the cost has a kink, or jumps, it has
two, and no difference quotient can tell which was meant. So what decides the
side is written as equations of its own, and watched while the cost is moved.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from ..calculus.partial import negation
from ..language.expression import (
    ONE,
    ZERO,
    Bracket,
    Call,
    Compare,
    Expression,
    Index,
    Reduce,
    Where,
    bound,
    multiply,
    references,
    subtract,
)
from ..language.functions import FUNCTIONS
from ..language.parsing import parse_expression
from ..language.substitution import Names, fill, rename_bound
from ..language.system import Equation, System

Sides = Mapping[str, NDArray[np.float64]]

_PREFIX = "kink."


def watches(system: System, moving: Collection[str], names: Names) -> list[Equation]:
    """Equations for what changes its value where the cost has a kink or jumps.

    For each, a second one (`... tie`) is true where the network stands exactly
    on the kink. Only what reads one of the `moving` tensors counts.
    """
    found: dict[tuple[Expression, Expression], None] = {}
    for e in system.equations:
        found.update(dict.fromkeys(_kinks(e.value, (), names)))
    equations = []
    for count, (side, tie) in enumerate(found):
        if any(r.tensor in moving for r in references(side)):
            axes = tuple(map(Index, sorted(side.free)))
            equations.append(Equation(f"{_PREFIX}{count}", axes, side))
            equations.append(Equation(f"{_PREFIX}{count}.tie", axes, tie))
    return equations


def crossed(one: Sides, other: Sides) -> bool:
    """Whether some side differs between two places."""
    return any(not np.array_equal(one[k], other[k]) for k in one if _is_side(k))


def ties(sides: Sides) -> dict[str, NDArray[np.bool_]]:
    """Where the network stands exactly on a kink, for each kink where it does."""
    found = {k: sides[f"{k}.tie"] != 0 for k in sides if _is_side(k)}
    return {k: at for k, at in found.items() if at.any()}


def crossed_at(ties: Mapping[str, NDArray[np.bool_]], one: Sides, other: Sides) -> bool:
    """Whether some side differs where the network stood exactly on the kink."""
    return any(not np.array_equal(one[k][at], other[k][at]) for k, at in ties.items())


def _is_side(name: str) -> bool:
    return name.startswith(_PREFIX) and not name.endswith(".tie")


def _kinks(
    e: Expression, under: tuple[Expression, ...], names: Names
) -> Iterator[tuple[Expression, Expression]]:
    """Side and tie for each kink in `e`, looked at only where the conditions `under` hold."""
    for side, tie in _own(e, names):
        guards = tuple(map(Bracket, under))
        yield multiply(*guards, side), multiply(*guards, Bracket(tie))
    match e:
        case Where():
            yield from _kinks(e.condition, under, names)
            yield from _kinks(e.yes, (*under, e.condition), names)
            yield from _kinks(e.no, (*under, negation(e.condition)), names)
        case Reduce() if e.condition is not None:
            yield from _kinks(e.condition, under, names)
            yield from _kinks(e.body, (*under, e.condition), names)
        case _:
            for child in e.children:
                yield from _kinks(child, under, names)


def _own(e: Expression, names: Names) -> Iterator[tuple[Expression, Expression]]:
    match e:
        case Call() if (kink := FUNCTIONS[e.function].kink) is not None:
            values = dict(zip("xy", e.arguments, strict=False))
            zero = fill(parse_expression(kink), values)
            yield _sign(zero, ZERO), Compare("==", zero, ZERO)
        case Compare():
            yield _sign(e.left, e.right), Compare("==", e.left, e.right)
        case Reduce(operation="max" | "argmax"):
            first = Reduce("argmax", e.indices, e.condition, e.body)
            largest = Reduce("max", e.indices, e.condition, e.body)
            free = {*e.body.free, *bound(e), *e.indices}
            largest = rename_bound(largest, e.indices, names, free)
            same = Bracket(Compare("==", e.body, largest))
            count = Reduce("sum", e.indices, e.condition, same)
            yield first, Compare(">", count, ONE)


def _sign(left: Expression, right: Expression) -> Expression:
    return subtract(Bracket(Compare(">", left, right)), Bracket(Compare("<", left, right)))
