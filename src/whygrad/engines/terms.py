"""Sums, taken apart into products with conditions.

`Σ_R [c] · f · g` becomes a `Term`: the factors, the conditions that mask it,
and the conditions of the form `e(I, R) == K`, K an index of the result, which
say where in the result each product goes (a scatter).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from ..language.affine import affine
from ..language.expression import (
    ZERO,
    Add,
    Bracket,
    Compare,
    Expression,
    Index,
    Logic,
    Multiply,
    Number,
    Reduce,
    Size,
    Value,
    add,
    multiply,
)
from ..language.substitution import Names, substitute

Sizes = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Term:
    """coefficient · Σ over the `summed` indices, where all masks hold, of the factors.

    `targets` pairs an index K of the result with the expression that equals
    it. Where a condition in `guards` is false, nothing later has influence:
    neither the conditions that follow it nor the factors.
    """

    coefficient: Value
    summed: frozenset[str]
    factors: tuple[Expression, ...]
    masks: tuple[Expression, ...]
    targets: tuple[tuple[str, Expression], ...]
    guards: tuple[Expression, ...]


def terms(
    e: Reduce,
    sizes: Sizes,
    names: Names,
    assumed: Sizes | None = None,
    fixed: frozenset[str] = frozenset(),
) -> tuple[Term, ...]:
    """The products of which a sum consists.

    `assumed` are sizes to reckon with where `sizes` has none, and `fixed` the indices of the
    result that take one value at a time, so that nothing is scattered along them.
    """
    conditions = _conjuncts(e.condition) if e.condition is not None else ()
    return tuple(
        _term(frozenset(e.indices), product, conditions, sizes, names, fixed)
        for product in _products(e.body, {**(assumed or {}), **sizes})
    )


def _conjuncts(condition: Expression) -> tuple[Expression, ...]:
    if isinstance(condition, Logic) and condition.operator == "and":
        return tuple(c for a in condition.arguments for c in _conjuncts(a))
    return (condition,)


def _products(e: Expression, sizes: Sizes) -> tuple[Expression, ...]:
    """The body multiplied out where a sum would spread its terms over more indices than they have.

    `x[n,i]*w[i,j] + b[j]` is summed term by term, `x[n,j] - y[n,j]` as it is.
    """
    if isinstance(e, Add) and _space(e, sizes) > max(_leaf(t, sizes) for t in e.terms):
        return tuple(p for t in e.terms for p in _products(t, sizes))
    if isinstance(e, Multiply):
        for k, factor in enumerate(e.factors):
            if isinstance(factor, Add):
                apart = _products(factor, sizes)
                if len(apart) > 1:
                    before, after = e.factors[:k], e.factors[k + 1 :]
                    return tuple(
                        q for p in apart for q in _products(multiply(*before, p, *after), sizes)
                    )
    return (e,)


def _space(e: Expression, sizes: Sizes) -> int:
    return prod(sizes[i] for i in e.free)


def _leaf(e: Expression, sizes: Sizes) -> int:
    """The largest space that a factor or term of the expression spans, brackets left out."""
    if isinstance(e, Bracket):
        return 1
    if isinstance(e, Add | Multiply):
        return max(_leaf(child, sizes) for child in e.children)
    return _space(e, sizes)


def _term(
    summed: frozenset[str],
    product: Expression,
    conditions: tuple[Expression, ...],
    sizes: Sizes,
    names: Names,
    fixed: frozenset[str],
) -> Term:
    coefficient: Value = 1
    factors: list[Expression] = []
    for factor in product.factors if isinstance(product, Multiply) else (product,):
        if isinstance(factor, Number):
            coefficient *= factor.value
        elif isinstance(factor, Bracket):
            conditions = (*conditions, *_conjuncts(factor.condition))
        else:
            factors.append(factor)
    parts = _Parts(summed, factors, names, fixed)
    for condition in dict.fromkeys(conditions):
        parts.take(condition, sizes)
    parts.solve(sizes)
    return Term(
        coefficient,
        parts.summed,
        tuple(parts.factors),
        tuple(parts.masks),
        tuple(parts.targets),
        (*parts.guards, *parts.masks),
    )


class _Parts:
    """A term in the making."""

    def __init__(
        self,
        summed: frozenset[str],
        factors: list[Expression],
        names: Names,
        fixed: frozenset[str],
    ) -> None:
        self.names = names
        self.fixed = fixed
        self.summed = summed
        self.factors = factors
        self.masks: list[Expression] = []
        self.targets: list[tuple[str, Expression]] = []
        self.guards: list[Expression] = []

    def take(self, condition: Expression, sizes: Sizes) -> None:
        """Sort a condition under targets or masks."""
        target = _target(condition, self.summed, sizes)
        if target is None or target[0] in self.fixed or _clash(target, self.targets):
            self.masks.append(condition)
        else:
            self.targets.append(target)

    def solve(self, sizes: Sizes) -> None:
        """Make factors and masks free of the targets' indices, or of the summed ones they equal."""
        for k, value in tuple(self.targets):
            others = [e for other, e in self.targets if other != k]
            if (
                isinstance(value, Index)
                and value.name in self.summed
                and {k, value.name} <= sizes.keys()
                and sizes[k] <= sizes[value.name]
                and not any(value.name in e.free for e in others)
            ):  # K == i, and i takes every value of K
                self._put(value.name, Index(k))
                self.summed -= {value.name}
                self.targets.remove((k, value))
            elif any(k in e.free for e in (*self.factors, *self.masks)):
                self._put(k, value)
                self.guards += [Compare("<=", ZERO, value), Compare("<", value, Size(k))]

    def _put(self, index: str, value: Expression) -> None:
        self.factors = [substitute(f, {index: value}, self.names) for f in self.factors]
        self.masks = [substitute(m, {index: value}, self.names) for m in self.masks]


def _target(
    condition: Expression, summed: frozenset[str], sizes: Sizes
) -> tuple[str, Expression] | None:
    """(K, e) for a condition that says K == e, K an index of the result, e of summed ones."""
    if not isinstance(condition, Compare) or condition.operator != "==":
        return None
    for one, other in ((condition.left, condition.right), (condition.right, condition.left)):
        if isinstance(one, Index) and one.name not in summed | other.free and other.free & summed:
            return one.name, other
    left, right = affine(condition.left, sizes), affine(condition.right, sizes)
    if left is None or right is None:
        return None
    difference = dict(right.coefficients)
    for node, c in left.coefficients.items():
        difference[node] = difference.get(node, 0) - c
    if not any(isinstance(n, Index) and n.name in summed for n, c in difference.items() if c):
        return None
    for node, c in difference.items():
        if isinstance(node, Index) and node.name not in summed and c in (1, -1):
            rest = [multiply(Number(-c * v), n) for n, v in difference.items() if n != node and v]
            constant = Number(-c * (right.constant - left.constant))
            return node.name, add(*rest, constant)
    return None


def _clash(target: tuple[str, Expression], others: list[tuple[str, Expression]]) -> bool:
    """Whether it names an index that another target fixes or reads."""
    k, value = target
    return any(k == other or k in e.free or other in value.free for other, e in others)
