"""Algebra on the right side of a derivative.

What a lecturer does by hand: multiply out where something cancels, take
common factors out, let `[k == e]` replace e by k and end a sum over k, and
turn -(b - a) into a - b. Where nothing cancels the author's form stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from ..language.expression import (
    ONE,
    Add,
    Bracket,
    Call,
    Compare,
    Expression,
    Index,
    Logic,
    Multiply,
    Number,
    Pad,
    Power,
    Reduce,
    Reference,
    Size,
    Softmax,
    Value,
    Where,
    add,
    conjunction,
    multiply,
    negate,
    number,
    walk,
)
from ..language.substitution import Names, substitute
from .partial import negation
from .term import Term

_MOST_TERMS = 32
"""Products are not multiplied out beyond this many terms."""


def node_count(e: Expression) -> int:
    """The size of an expression."""
    return sum(1 for _ in walk(e))


class Simplifier:
    """Simplifies the expressions of one system.

    `values_of` says of a tensor that holds class numbers which index they are values of,
    `axes` names the axes of every tensor that has no starts.
    """

    def __init__(
        self,
        names: Names,
        values_of: Mapping[str, str],
        axes: Mapping[str, tuple[str, ...]],
    ) -> None:
        self.names = names
        self.values_of = values_of
        self.axes = axes
        self._done: dict[Expression, Expression] = {}

    def __call__(self, e: Expression) -> Expression:
        """The expression in its simplest form; each is simplified once."""
        if e not in self._done:
            self._done[e] = self._simplified(e)
        return self._done[e]

    def _simplified(self, e: Expression) -> Expression:
        match e:
            case Add():
                return self._add([t for part in e.terms for t in _terms(self(part))])
            case Multiply():
                return self._product(Term(map(self, e.factors)))
            case Power():
                return self._product(Term([e.map(self)]))
            case Reduce(operation="sum"):
                return self._sum(e)
            case Reduce(operation="mean"):
                return self._mean(e)
            case Reduce() | Softmax() | Where():
                return e.map(lambda a: a if a is getattr(e, "condition", None) else self(a))
            case Call():
                return e.map(self)
            case _:
                return e

    def _add(self, terms: list[Term]) -> Expression:
        plain = _collected(terms)
        expanded = [t for term in plain for t in self._expanded(term)]
        merged = _collected(expanded)
        best = _factored(plain)
        if _has_vanished(expanded, merged):
            best = min(_factored(merged), best, key=node_count)
        return best

    def _is_guarded(self, condition: Expression, term: Term) -> bool:
        """Whether a factor reads 0 already where the range condition is false: pad(p - r).

        The others have to be finite there, as plain sums and products of tensors are.
        """
        match condition:
            case Compare(operator="<=", left=Number(value=0), right=e):
                limit = None
            case Compare(operator="<", left=e, right=Size(index=limit)):
                pass
            case _:
                return False
        touched = [Power(b, p) for b, p in term.powers.items() if (b.free | p.free) & e.free]
        if not all(map(_is_finite, touched)):
            return False
        copies = self.names.copies
        return any(
            s == Pad(e) and limit in (None, copies.get(i, i))
            for base, exponent in term.powers.items()
            if isinstance(base, Reference) and exponent == ONE
            for s, i in zip(base.subscripts, self.axes.get(base.tensor, ()), strict=False)
        )

    def _product(self, term: Term) -> Expression:
        term = term.with_brackets_used(self._is_value_of)
        for condition in list(term.brackets):
            if self._is_guarded(condition, term):
                del term.brackets[condition]
        kept = _turned(term).expression
        expanded = self._expanded(term)
        merged = _collected(expanded)
        cancelled = any(t.reductions > term.reductions for t in expanded)
        if cancelled or _has_vanished(expanded, merged):
            best = _factored(merged)
            if node_count(best) <= node_count(kept):
                return best
        return kept

    def _expanded(self, term: Term) -> list[Term]:
        """The sums in it multiplied out, those first whose terms can cancel another factor."""
        sums = [b for b, exponent in term.powers.items() if isinstance(b, Add) and exponent == ONE]
        if not sums:
            return [term]
        chosen = min(sums, key=lambda b: not _divides(b))
        done: list[Term] = []
        for part in _terms(chosen):
            rest = term.copy()
            del rest.powers[chosen]
            done.extend(self._expanded(rest.times(part).with_brackets_used(self._is_value_of)))
            if len(done) > _MOST_TERMS:
                return [term]
        return done

    def _mean(self, e: Reduce) -> Expression:
        """A mean, its numerical factor taken out."""
        terms = _terms(self(e.body))
        if len(terms) > 1:
            return Reduce("mean", e.indices, e.condition, add(*(t.expression for t in terms)))
        factor = number(terms[0].coefficient)
        terms[0].coefficient = 1
        return multiply(factor, Reduce("mean", e.indices, e.condition, terms[0].expression))

    def _sum(self, e: Reduce) -> Expression:
        body = self(e.body)
        conditions = _parts(e.condition)
        terms = _terms(body)
        tries = [terms, [t for term in terms for t in self._expanded(term)]]
        for split in tries:
            if any(self._decided(t, e.indices, conditions) for t in split):
                return self(add(*(self._summed(t, e.indices, conditions) for t in split)))
        if len(terms) == 1:
            return self._summed(terms[0], e.indices, conditions)
        return Reduce("sum", e.indices, e.condition, body)

    def _decided(
        self, term: Term, indices: Sequence[str], conditions: Iterable[Expression]
    ) -> tuple[str, Expression, Expression] | None:
        """A summed index that a condition fixes, its value, and that condition."""
        found = [
            (one.name, other, c)
            for c in (*term.brackets, *conditions)
            if isinstance(c, Compare) and c.operator == "=="
            for one, other in ((c.left, c.right), (c.right, c.left))
            if isinstance(one, Index)
            and one.name in indices
            and one.name not in other.free
            and self._is_value_of(other, one.name)
        ]
        return min(found, key=lambda f: not isinstance(f[1], Index), default=None)

    def _is_value_of(self, e: Expression, index: str) -> bool:
        """Whether e surely stays inside the range of the index."""
        match e:
            case Index():
                other = e.name
            case Reference():
                other = self.values_of.get(e.tensor, "")
            case _:
                return False
        copies = self.names.copies
        return copies.get(other, other) == copies.get(index, index)

    def _summed(
        self, term: Term, indices: Sequence[str], conditions: Sequence[Expression]
    ) -> Expression:
        """Σ over the indices of one product, what does not depend on them taken out."""
        conditions = [c for c in conditions if not self._is_guarded(c, term)]
        decided = self._decided(term, indices, conditions)
        if decided:
            index, value, condition = decided
            put = {index: value}
            rest = [i for i in indices if i != index]
            left = [substitute(c, put, self.names) for c in conditions if c != condition]
            fixed = term.changed(lambda e: substitute(e, put, self.names), without=condition)
            return self._summed(fixed.with_brackets_used(self._is_value_of), rest, left)
        inner, outer = term.split(frozenset(indices))
        own = [c for c in conditions if c.free & set(indices)]
        for c in conditions:
            if c not in own:
                outer.require(c)
        needed = frozenset[str]().union(inner.free, *(c.free for c in own))
        for i in indices:
            if i not in needed:
                outer.put(Size(i))
        left_over = tuple(i for i in indices if i in needed)
        if left_over:
            outer.put(_merged_sum(left_over, conjunction(own), inner.expression))
        else:
            outer = outer.times(inner)
        return self._product(outer)


def _is_finite(e: Expression) -> bool:
    """Whether it is finite for certain, the tensors in it being finite."""
    match e:
        case Reference() | Bracket() | Index() | Size() | Number():
            return True
        case Add() | Multiply() | Reduce(operation="sum"):
            return all(map(_is_finite, e.children))
        case Power(exponent=Number(value=int() as exponent)):
            return exponent >= 0 and _is_finite(e.base)
        case Compare() | Logic():
            return True
    return False


def _merged_sum(
    indices: tuple[str, ...], condition: Expression | None, body: Expression
) -> Expression:
    """Σ Σ as one Σ."""
    match body:
        case Reduce(operation="sum") if not set(indices) & set(body.indices):
            condition = conjunction(_parts(condition) + _parts(body.condition))
            return Reduce("sum", indices + body.indices, condition, body.body)
    return Reduce("sum", indices, condition, body)


def _parts(condition: Expression | None) -> list[Expression]:
    if condition is None:
        return []
    if isinstance(condition, Logic) and condition.operator == "and":
        return list(condition.arguments)
    return [condition]


def _terms(e: Expression) -> list[Term]:
    return [Term([part]) for part in (e.terms if isinstance(e, Add) else (e,))]


def _divides(e: Expression) -> bool:
    """Whether there is a denominator in it."""
    return any(
        isinstance(n, Power) and isinstance(n.exponent, Number) and n.exponent.value < 0
        for n in walk(e)
    )


def _collected(terms: Iterable[Term]) -> list[Term]:
    """Like terms added up, and those that cancel gone."""
    found: dict[object, Term] = {}
    for term in terms:
        if term.key in found:
            found[term.key].coefficient += term.coefficient
        else:
            found[term.key] = term.copy()
    return _without_alternatives([t for t in found.values() if t.coefficient != 0])


def _has_vanished(terms: Iterable[Term], merged: Sequence[Term]) -> bool:
    """Whether terms cancelled when they were merged, rather than only added up."""
    return len(merged) < len({t.key for t in terms})


def _without_alternatives(terms: list[Term]) -> list[Term]:
    """a·[c] + a·[not c] is a."""
    for first, second in combinations(terms, 2):
        if first.coefficient != second.coefficient or first.powers != second.powers:
            continue
        one, other = set(first.brackets), set(second.brackets)
        alone, opposite = one - other, other - one
        if len(alone) == 1 and opposite == {negation(*alone)}:
            both = first.copy()
            both.brackets = {c: None for c in first.brackets if c in other}
            rest = [t for t in terms if t is not first and t is not second]
            return _collected([both, *rest])
    return terms


def _factored(terms: Sequence[Term]) -> Expression:
    """Their sum, common factors taken out, positive terms first."""
    if len(terms) < 2:
        return _turned(terms[0]).expression if terms else add()
    common = Term()
    for base, exponent in terms[0].powers.items():
        shared = _shared_exponent([t.powers.get(base) for t in terms], exponent)
        if shared is not None:
            common.put(base, shared)
    for condition in terms[0].brackets:
        if all(condition in t.brackets for t in terms):
            common.require(condition)
    if len({_absolute(t.coefficient) for t in terms}) == 1:
        common.coefficient = _absolute(terms[0].coefficient)
    if all(t.coefficient < 0 for t in terms):
        common.coefficient = -common.coefficient
    rest = [t.over(common) for t in terms]
    rest.sort(key=lambda t: t.coefficient < 0)
    common.put(add(*(t.expression for t in rest)))
    return common.expression


def _shared_exponent(exponents: list[Expression | None], first: Expression) -> Expression | None:
    """What all powers of one base have in common, or None."""
    numbers = [e for e in exponents if isinstance(e, Number)]
    if len(numbers) == len(exponents):
        if len({e.value > 0 for e in numbers}) == 1:
            return min(numbers, key=lambda e: _absolute(e.value))
        return None
    return first if all(e == first for e in exponents) else None


def _absolute(value: Value) -> Value:
    return value if value >= 0 else -value


def _turned(term: Term) -> Term:
    """-(b - a) as a - b; 1 - a stays as it is."""
    if term.coefficient >= 0:
        return term
    for base, exponent in term.powers.items():
        if isinstance(base, Add) and exponent == ONE and not isinstance(base.terms[0], Number):
            terms = [negate(t) for t in base.terms]
            if any(_is_positive(t) for t in terms):
                turned = Term()
                turned.coefficient = -term.coefficient
                turned.brackets = dict(term.brackets)
                for other, power_ in term.powers.items():
                    new = add(*sorted(terms, key=lambda t: not _is_positive(t)))
                    turned.put(new if other is base else other, power_)
                return turned
    return term


def _is_positive(e: Expression) -> bool:
    return _terms(e)[0].coefficient > 0
