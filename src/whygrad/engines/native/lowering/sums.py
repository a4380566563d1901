"""Sums in the cheapest form: single products of two factors, scatters, and what remains outside.

`sum[i](x[n,i]*w[i,j] + b[j])` is a product and a multiple of b; a product of three factors is
split in two, in the order that needs the fewest multiplications.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
from .helpers import Helpers, looks_up

Piece = Equation | Scatter


@dataclass(frozen=True)
class Sums:
    """What takes sums apart: sizes that are known, sizes to reckon with, and the helpers."""

    sizes: Mapping[str, int]
    assumed: Mapping[str, int]
    helpers: Helpers

    def apart(self, equation: Equation, fixed: frozenset[str]) -> list[Piece]:
        """The equation in simplest form, after the helpers that it needs.

        `fixed` is the index of the loop in which it stands.
        """
        value = equation.value
        if not isinstance(value, Reduce) or value.operation != "sum":
            return [equation]
        order = (*equation.indices, *value.indices)
        found = terms(value, self.sizes, self.helpers.indices, self.assumed, fixed)
        parts = [_Product(self, equation, term, order) for term in found]
        if len(parts) == 1 and parts[0].outside == ONE:
            core = parts[0].core
            if isinstance(core, Scatter):
                core = Scatter(
                    equation.name,
                    equation.indices,
                    core.indices,
                    core.subscripts,
                    core.value,
                    core.condition,
                )
                return [*self.helpers.take(), core]
            return [
                *self.helpers.take(),
                Equation(equation.name, equation.subscripts, core),
            ]
        scatters: list[Piece] = []
        addends = []
        for part in parts:
            core = part.core
            if isinstance(core, Scatter):
                scatters.append(core)
                core = Reference(core.name, tuple(map(Index, core.axes)))
            elif isinstance(core, Reduce):
                core = self.helpers.define(equation.name, core, order)
            addends.append(multiply(part.outside, core))
        whole = Equation(equation.name, equation.subscripts, add(*addends))
        return [*self.helpers.take(), *scatters, whole]

    def size(self, index: str) -> Expression:
        """The size of an index."""
        return number(self.sizes[index]) if index in self.sizes else Size(index)

    def length(self, index: str) -> int:
        """The size to reckon with."""
        return self.sizes[index] if index in self.sizes else self.assumed[index]


class _Product:
    """One term of a sum: `outside` times `core`, a pointwise value, a sum or a scatter."""

    def __init__(self, sums: Sums, equation: Equation, term: Term, order: tuple[str, ...]) -> None:
        self.sums = sums
        self.owner = equation.name
        self.order = order
        self.bare = any(map(looks_up, (*term.factors, *term.masks)))
        everything = (*term.factors, *term.masks, *(e for _, e in term.targets))
        used = frozenset[str]().union(*(e.free for e in everything))
        absent = [i for i in order if i in term.summed - used]
        outside: list[Expression] = [number(term.coefficient), *map(sums.size, absent)]
        summed = term.summed & used
        if term.targets:
            self.core: Expression | Scatter = self.scatter(equation, term, summed, outside)
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

    def scatter(
        self,
        equation: Equation,
        term: Term,
        summed: frozenset[str],
        outside: Sequence[Expression],
    ) -> Scatter:
        """The product at the places where the conditions put it."""
        target = dict(term.targets)
        fixed = frozenset[str]().union(*(e.free for e in target.values()))
        masks = [] if self.bare else [m for m in term.masks if (m.free & summed) - fixed]
        guards = conjunction(g for g in term.guards if g not in masks)
        gone = frozenset() if self.bare else summed - fixed
        value = self.contracted(term.factors, conjunction(masks), gone)
        if isinstance(value, Reduce):
            value = self.sums.helpers.define(self.owner, value, self.order)
        axes = equation.indices
        return Scatter(
            self.sums.helpers.name(self.owner, "scatter"),
            axes,
            tuple(i for i in self.order if i not in target and i not in gone),
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
        lengths = tuple(sorted((i, self.sums.length(i)) for i in {i for f in rest for i in f.free}))
        keep = frozenset(i for i, _ in lengths) - early
        for i, j in pairs(tuple(f.free for f in rest), keep, lengths):
            right, left = rest.pop(j), rest.pop(i)
            both = left.free | right.free
            product = multiply(self.operand(left, both), self.operand(right, both))
            gone = both & early - frozenset[str]().union(*(f.free for f in rest))
            if gone and rest:
                product = self.summed(product, gone, None)
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
            found.append(self.summed(factor, lone, None) if lone else factor)
        return found

    def summed(
        self, body: Expression, indices: frozenset[str], condition: Expression | None
    ) -> Expression:
        reduction = Reduce("sum", self.ordered(indices), condition, body)
        return self.sums.helpers.define(self.owner, reduction, self.order)

    def operand(self, e: Expression, space: frozenset[str]) -> Expression:
        """The factor as it stands in a product: computed beforehand if it is needed repeatedly."""
        if self.bare or e.free == space or isinstance(e, Reference | Number | Index | Size):
            return e
        return self.sums.helpers.define(self.owner, e, self.order)

    def ordered(self, indices: frozenset[str]) -> tuple[str, ...]:
        return tuple(i for i in self.order if i in indices)
