"""Costly values that are needed more than once are computed once.

Such a value stands in several equations, or in one that has indices of which it is free.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ....language.expression import (
    Bracket,
    Call,
    Expression,
    Logic,
    Multiply,
    Number,
    Power,
    Reduce,
    Reference,
    Where,
)
from ....language.system import Equation
from .helpers import Helpers, looks_up
from .select import updated

CHEAP = ("abs", "max", "min")


def shared(equations: Sequence[Equation], helpers: Helpers) -> list[Equation]:
    """The equations with such values as equations of their own."""
    often = _often(equations)
    for e in equations:
        # with an index of its own, an equation has the value at many places
        whole = not e.is_start and e.value.free.issuperset(e.indices)
        if e.value in often and whole and updated(e.name) is None:
            helpers.known.setdefault(e.value, Reference(e.name, e.subscripts))
    return helpers.rewritten(equations, lambda e: _Sharing(e, often, helpers).value())


class _Sharing:
    """The values of one equation."""

    def __init__(self, equation: Equation, often: frozenset[Expression], helpers: Helpers) -> None:
        self.equation = equation
        self.often = often
        self.helpers = helpers
        self.order = equation.indices
        if isinstance(equation.value, Reduce):
            self.order = (*self.order, *equation.value.indices)

    def value(self) -> Expression:
        """The right side, with references to the values that are shared."""
        value = self.equation.value
        space = frozenset(self.order)
        own = Reference(self.equation.name, self.equation.subscripts)
        if value in self.often and self.helpers.known.get(value) != own:
            return self.replaced(value, space, guarded=False)
        guarded = _is_guard(value)
        return value.map(lambda child: self.replaced(child, space, guarded))

    def replaced(self, e: Expression, space: frozenset[str], guarded: bool) -> Expression:
        """A part of the right side, where it is computed for all values of the indices `space`.

        Where it is `guarded`, a condition may exclude what it reads.
        """
        if e in self.helpers.known:
            return self.helpers.known[e]
        inside = guarded or _is_guard(e)
        hoisted = e in self.often or (_is_worth_hoisting(e) and e.free < space)
        if not hoisted or (guarded and looks_up(e)):
            return e.map(lambda child: self.replaced(child, space, inside))
        inner = e.map(lambda child: self.replaced(child, e.free, inside))
        self.helpers.known[e] = self.helpers.define(self.equation.name, inner, self.order)
        return self.helpers.known[e]


def _is_guard(e: Expression) -> bool:
    """Whether it reads a part of what is in it only under a condition."""
    if isinstance(e, Multiply):
        return any(isinstance(f, Bracket) for f in e.factors)
    return isinstance(e, Where | Logic) or (isinstance(e, Reduce) and e.condition is not None)


def _often(equations: Iterable[Equation]) -> frozenset[Expression]:
    """The costly values that occur in several equations, those aside that only others contain."""
    seen: set[Expression] = set()
    often: set[Expression] = set()
    for equation in equations:
        own = set(_costly(equation.value, seen))
        often |= own & seen
        seen |= own
    return frozenset(often)


def _costly(e: Expression, seen: set[Expression]) -> Iterator[Expression]:
    if _is_costly(e):
        yield e
        if e in seen:
            return
    for child in e.children:
        yield from _costly(child, seen)


def _is_costly(e: Expression) -> bool:
    """Whether it is worth the memory to keep the value of this very operation."""
    if isinstance(e, Power):
        return not (isinstance(e.exponent, Number) and e.exponent.value in (2, 3))
    return isinstance(e, Call) and e.function not in CHEAP


def _is_worth_hoisting(e: Expression) -> bool:
    return _is_costly(e) or isinstance(e, Where)
