"""Sums in the cheapest form: single products of two factors, scatters, and what remains outside.

`sum[i](x[n,i]*w[i,j] + b[j])` is a product and a multiple of b; a product of three factors is
split in two, in the order that needs the fewest multiplications.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from ....language.expression import (
    ONE,
    Bracket,
    Expression,
    Index,
    Number,
    Reduce,
    Reference,
    Size,
    add,
    conjunction,
    multiply,
    number,
)
from ....language.system import Equation
from ...pairs import pairs
from ...terms import Term, terms
from ..plan import Scatter
from .helpers import Helpers, is_helper, looks_up
from .indices import Ranges
from .pieces import Piece


class Sums:
    """Takes the sums of equations apart, which come in an order in which they can run.

    `known` puts in what is known, once their order is. `waiting` are the helpers that have not
    come yet: one may be needed earlier than it stands.
    """

    def __init__(
        self,
        ranges: Ranges,
        helpers: Helpers,
        known: Callable[[Expression], Expression],
        equations: Iterable[Equation],
    ) -> None:
        self.ranges = ranges
        self.helpers = helpers
        self.known = known
        self.fixed: frozenset[str] = frozenset()
        self.waiting = {e.name: e for e in equations if is_helper(e.name)}
        self.pieces: list[Piece] = []

    def apart(self, equation: Equation, fixed: frozenset[str]) -> list[Piece]:
        """The equation in its simplest form, after the helpers that it needs.

        `fixed` is the index of the loop in which it stands.
        """
        self.pieces, self.fixed = [], fixed
        if not is_helper(equation.name) or self.waiting.pop(equation.name, None) is not None:
            self._add(equation)
        return self.pieces

    def define(self, owner: str, value: Expression, order: Iterable[str]) -> Reference:
        """See `Helpers.define`; the equation is among the pieces."""
        found = self.helpers.define(owner, value, order)
        self.pieces += self.helpers.take()
        if earlier := self.waiting.pop(found.tensor, None):
            self._add(earlier)
        return found

    def scatter(self, equation: Equation, scatter: Scatter) -> Reference:
        """A reference to the result of a scatter in an equation; it is among the pieces."""
        name = self.helpers.name(equation.name, "scatter")
        self.pieces.append(replace(scatter, name=name))
        return Reference(name, tuple(map(Index, scatter.axes)))

    def _add(self, equation: Equation) -> None:
        value = self.known(equation.value)
        subscripts = tuple(map(self.known, equation.subscripts))
        equation = Equation(equation.name, subscripts, value)
        if not isinstance(value, Reduce) or value.operation != "sum":
            self.pieces.append(equation)
            return
        ranges = self.ranges
        found = terms(value, ranges.known, ranges.names, ranges.assumed, self.fixed)
        parts = [_Product(self, equation, term) for term in found]
        if len(parts) == 1 and parts[0].outside == ONE:
            core = parts[0].core
            if isinstance(core, Expression):
                self.pieces.append(replace(equation, value=core))
                return
            if not equation.is_start:
                self.pieces.append(core)
                return
        whole = add(*(part.value() for part in parts))
        self.pieces.append(replace(equation, value=whole))


class _Product:
    """One term of a sum: `outside` times `core`, a pointwise value, a sum or a scatter.

    It is `bare` if it holds lookups that a condition excludes: then nothing in it is computed
    beforehand.
    """

    def __init__(self, sums: Sums, equation: Equation, term: Term) -> None:
        assert isinstance(equation.value, Reduce)
        self.sums = sums
        self.equation = equation
        self.order = (*equation.indices, *equation.value.indices)
        excluded = bool(term.guards or term.targets)
        self.bare = excluded and any(map(looks_up, (*term.factors, *term.masks)))
        everything = (*term.factors, *term.masks, *(e for _, e in term.targets))
        used = frozenset[str]().union(*(e.free for e in everything))
        absent = [i for i in self.order if i in term.summed - used]
        outside: list[Expression] = [number(term.coefficient), *map(sums.ranges.size, absent)]
        summed = term.summed & used
        if term.targets:
            self.core: Expression | Scatter = self.scatter(term, summed, outside)
            self.outside: Expression = ONE
            return
        inner = [m for m in term.masks if not summed.isdisjoint(m.free)]
        factors = list(term.factors)
        if self.bare:
            inner = list(term.guards)
        else:
            outside += [Bracket(m) for m in term.masks if summed.isdisjoint(m.free)]
            if not inner:
                outside += [f for f in factors if summed.isdisjoint(f.free)]
                factors = [f for f in factors if not summed.isdisjoint(f.free)]
        self.core = self.contracted(factors, conjunction(inner), summed)
        self.outside = multiply(*outside)

    def value(self) -> Expression:
        """The term, pointwise."""
        core = self.core
        if isinstance(core, Scatter):
            core = self.sums.scatter(self.equation, core)
        elif isinstance(core, Reduce):
            core = self.define(core)
        return multiply(self.outside, core)

    def define(self, value: Expression) -> Reference:
        """The value as a tensor of its own."""
        return self.sums.define(self.equation.name, value, self.order)

    def scatter(self, term: Term, summed: frozenset[str], outside: Sequence[Expression]) -> Scatter:
        """The product at the places where the conditions put it."""
        target = dict(term.targets)
        fixed = frozenset[str]().union(*(e.free for e in target.values()))
        masks = [] if self.bare else [m for m in term.masks if (m.free & summed) - fixed]
        guards = conjunction(g for g in term.guards if g not in masks)
        gone = frozenset() if self.bare else summed - fixed
        value = self.contracted(term.factors, conjunction(masks), gone)
        if isinstance(value, Reduce):
            value = self.define(value)
        axes = self.equation.indices
        return Scatter(
            self.equation.name,
            axes,
            self.ordered((summed - gone) | frozenset(axes) - target.keys()),
            tuple(target.get(i, Index(i)) for i in axes),
            multiply(*outside, value),
            guards,
        )

    def contracted(
        self, factors: Sequence[Expression], condition: Expression | None, summed: frozenset[str]
    ) -> Expression:
        """The sum of the product where the condition holds; a Reduce, unless nothing is summed."""
        held = frozenset() if condition is None else condition.free & summed
        early = frozenset() if self.bare else summed - held
        rest = self.without_lone(list(factors), early)
        lengths = tuple(
            sorted((i, self.sums.ranges.length(i)) for i in {i for f in rest for i in f.free})
        )
        keep = frozenset(i for i, _ in lengths) - early
        for i, j in pairs(tuple(f.free for f in rest), keep, lengths):
            right, left = rest.pop(j), rest.pop(i)
            both = left.free | right.free
            product = multiply(self.operand(left, both), self.operand(right, both))
            gone = both & early - frozenset[str]().union(*(f.free for f in rest))
            if gone and rest:
                product = self.summed(product, gone)
            rest.append(product)
        body = rest[0] if rest else ONE
        used = body.free | (frozenset() if condition is None else condition.free)
        indices = self.ordered(used & summed)
        if indices:
            return Reduce("sum", indices, condition, body)
        return body if condition is None else multiply(Bracket(condition), body)

    def without_lone(self, factors: list[Expression], early: frozenset[str]) -> list[Expression]:
        """The factors summed over what no other has."""
        if len(factors) == 1:
            return factors
        found = []
        for k, factor in enumerate(factors):
            others = frozenset[str]().union(*(f.free for f in factors[:k] + factors[k + 1 :]))
            lone = (factor.free & early) - others
            found.append(self.summed(factor, lone) if lone else factor)
        return found

    def summed(self, body: Expression, indices: frozenset[str]) -> Expression:
        return self.define(Reduce("sum", self.ordered(indices), None, body))

    def operand(self, e: Expression, space: frozenset[str]) -> Expression:
        """The factor as it stands in a product: computed beforehand if it is needed repeatedly."""
        if self.bare or e.free == space or isinstance(e, Reference | Number | Index | Size):
            return e
        return self.define(e)

    def ordered(self, indices: frozenset[str]) -> tuple[str, ...]:
        return tuple(i for i in self.order if i in indices)
