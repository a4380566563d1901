"""Each reduction that is not a whole right side becomes an equation of its own.

What a condition excludes must not be read: a reduction whose subscripts come from data takes
the conditions around it along.
"""

from __future__ import annotations

from collections.abc import Iterable

from ....language.expression import (
    Bracket,
    Expression,
    Logic,
    Multiply,
    Reduce,
    Softmax,
    Where,
    conjunction,
    multiply,
)
from ....language.system import Equation
from .helpers import Helpers, looks_up
from .indices import Ranges, with_indices

Guards = tuple[Expression, ...]


def lifted(equations: Iterable[Equation], ranges: Ranges, helpers: Helpers) -> list[Equation]:
    """The equations with at most one reduction each, which is then the whole right side."""
    return helpers.rewritten(equations, lambda e: _Lifting(e, ranges, helpers).value())


class _Lifting:
    """The lifting of one equation."""

    def __init__(self, equation: Equation, ranges: Ranges, helpers: Helpers) -> None:
        self.equation = equation
        self.ranges = ranges
        self.helpers = helpers

    def value(self) -> Expression:
        """The right side."""
        value = self.equation.value
        order = self.equation.indices
        if not isinstance(value, Reduce | Softmax):
            return self.lift(value, (), order)
        whole = self.reduction(value, (), order)
        is_new = whole.free == frozenset(order) and whole not in self.helpers.known
        return whole if is_new else self.named(whole, order)

    def named(self, e: Expression, order: tuple[str, ...]) -> Expression:
        """The reduction as a tensor of its own."""
        if not isinstance(e, Reduce | Softmax):
            return e
        return self.helpers.define(self.equation.name, e, (*order, *e.indices))

    def lift(self, e: Expression, guards: Guards, order: tuple[str, ...]) -> Expression:
        """The expression without reductions, where `guards` hold and `order` are its indices."""
        match e:
            case Reduce() | Softmax():
                e, guards = self.entered(e, guards)
                return self.named(_guarded(self.reduction(e, guards, order), guards), order)
            case Where():
                condition = self.lift(e.condition, guards, order)
                yes = self.lift(e.yes, (*guards, condition), order)
                no = self.lift(e.no, (*guards, Logic("not", (condition,))), order)
                return Where(condition, yes, no)
            case Logic():
                return Logic(e.operator, self.logic(e, guards, order))
            case Multiply():
                return self.product(e, guards, order)
        return e.map(lambda child: self.lift(child, guards, order))

    def entered(self, e: Reduce | Softmax, guards: Guards) -> tuple[Reduce | Softmax, Guards]:
        """The reduction, and which of the guards hold in it, too.

        What a guard says of k it does not say of the k that a sum runs over: that gets another
        name. A softmax at one place needs the others, whatever is asked of the index there.
        """
        if not looks_up(e):
            return e, ()
        if isinstance(e, Softmax):
            return e, tuple(g for g in guards if g.free.isdisjoint(e.indices))
        outside = frozenset[str]().union(*(g.free for g in guards))
        copies = {i: self.ranges.copy(i) for i in e.indices if i in outside}
        return with_indices(e, copies, self.ranges.names), guards

    def reduction(self, e: Reduce | Softmax, guards: Guards, order: tuple[str, ...]) -> Expression:
        """The same reduction of a pointwise body."""
        inner = (*order, *e.indices)
        condition = None if e.condition is None else self.lift(e.condition, guards, inner)
        under = guards if condition is None else (*guards, condition)
        body = self.lift(e.body, under, inner)
        if isinstance(e, Softmax):
            return Softmax(e.indices, condition, body)
        used = body.free if condition is None else body.free | condition.free
        indices = e.indices
        if e.operation == "max" and not used.isdisjoint(indices):
            indices = tuple(i for i in indices if i in used)
        elif e.operation == "max" and condition is None:
            return body
        return Reduce(e.operation, indices, condition, body)

    def logic(self, e: Logic, guards: Guards, order: tuple[str, ...]) -> tuple[Expression, ...]:
        """The arguments; each is looked at only where those before it leave the matter open."""
        found: list[Expression] = []
        for argument in e.arguments:
            lifted = self.lift(argument, guards, order)
            found.append(lifted)
            guards = (*guards, lifted if e.operator == "and" else Logic("not", (lifted,)))
        return tuple(found)

    def product(self, e: Multiply, guards: Guards, order: tuple[str, ...]) -> Expression:
        """The factors, all of them under the brackets among them."""
        brackets: dict[Expression, Bracket] = {}
        for factor in e.factors:
            if isinstance(factor, Bracket):
                condition = self.lift(factor.condition, guards, order)
                brackets[factor] = Bracket(condition)
                guards = (*guards, condition)
        return multiply(
            *(brackets[f] if f in brackets else self.lift(f, guards, order) for f in e.factors)
        )


def _guarded(e: Expression, guards: Guards) -> Expression:
    """A reduction of lookups with the conditions around it as a part of its own."""
    if not isinstance(e, Reduce | Softmax) or not looks_up(e):
        return e
    condition = conjunction(guards if e.condition is None else (*guards, e.condition))
    if isinstance(e, Softmax):
        return Softmax(e.indices, condition, e.body)
    return Reduce(e.operation, e.indices, condition, e.body)
