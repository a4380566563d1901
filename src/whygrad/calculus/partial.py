"""Local derivatives: the factors between an equation and each reference in it.

For `u[I] = ...` and a reference `t[φ]` on its right side, ∂u/∂t is a product
of factors, one for each node on the way from the root of the expression down
to the reference, in that order. Indices that reductions bind on the way are
summed over, and their conditions restrict that sum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from ..language.expression import (
    MINUS_ONE,
    Add,
    Bracket,
    Call,
    Compare,
    Expression,
    Index,
    Logic,
    Multiply,
    Number,
    Power,
    Reduce,
    Reference,
    Size,
    Softmax,
    Where,
    add,
    bound,
    multiply,
    power,
    subtract,
)
from ..language.functions import FUNCTIONS
from ..language.parsing import parse_expression
from ..language.substitution import Names, fill, rename_bound, substitute
from ..language.system import Equation


@dataclass(frozen=True, slots=True)
class Factor:
    """One factor of a chain.

    `name` and `arguments` are how a textbook writes it where that is shorter
    than the expression: `σ'` of `z2` for `a2 * (1 - a2)`.
    """

    expression: Expression
    name: str | None = None
    arguments: tuple[Expression, ...] = ()

    @property
    def written(self) -> Expression:
        """The factor under its textbook name: for reading only, no engine knows σ'."""
        return self.expression if self.name is None else Call(self.name, self.arguments)

    def map(self, change: Callable[[Expression], Expression]) -> Factor:
        """The factor with its expression and its arguments changed."""
        return Factor(change(self.expression), self.name, tuple(map(change, self.arguments)))


@dataclass(frozen=True, slots=True)
class Partial:
    """∂u/∂t for one reference: a product of `factors`, summed over `indices` where `condition`."""

    reference: Reference
    factors: tuple[Factor, ...] = ()
    indices: tuple[str, ...] = ()
    conditions: tuple[Expression, ...] = ()


def partials(equation: Equation, names: Names) -> Iterator[Partial]:
    """The local derivative of each reference that the value of the equation depends on smoothly."""
    own = Reference(equation.name, equation.subscripts)
    yield from _Walk(names, own).down(equation.value, Partial(own), whole=True)


@dataclass(frozen=True, slots=True)
class _Walk:
    names: Names
    own: Reference

    def down(self, e: Expression, path: Partial, whole: bool = False) -> Iterator[Partial]:
        """Walk on below `e`; `path` holds the factors so far; `whole`: `e` is all of the equation.

        Then the value of `e` is known under the equation's own name.
        """
        value = self.own if whole else e
        match e:
            case Reference():
                yield Partial(e, path.factors, path.indices, path.conditions)
            case Add():
                for term in e.terms:
                    yield from self.down(term, path)
            case Multiply():
                for i, part in enumerate(e.factors):
                    if any(True for _ in _smooth(part)):
                        others = e.factors[:i] + e.factors[i + 1 :]
                        yield from self.down(part, _extended(path, *map(Factor, others)))
            case Power():
                yield from self._power(e, path, value)
            case Call():
                for argument, factor in zip(e.arguments, _slopes(e, value), strict=True):
                    yield from self.down(argument, _extended(path, factor))
            case Where():
                yield from self.down(e.yes, _extended(path, Factor(Bracket(e.condition))))
                unless = Bracket(negation(e.condition))
                yield from self.down(e.no, _extended(path, Factor(unless)))
            case Reduce():
                yield from self._reduce(e, path, value)
            case Softmax():
                yield from self._softmax(e, path, value)
            case _:
                return

    def _power(self, e: Power, path: Partial, value: Expression) -> Iterator[Partial]:
        slope = multiply(e.exponent, power(e.base, add(e.exponent, MINUS_ONE)))
        yield from self.down(e.base, _extended(path, Factor(slope)))
        growth = multiply(value, Call("log", (e.base,)))
        yield from self.down(e.exponent, _extended(path, Factor(growth)))

    def _reduce(self, e: Reduce, path: Partial, value: Expression) -> Iterator[Partial]:
        if e.operation == "argmax":
            return
        entered = Partial(
            path.reference,
            path.factors,
            path.indices + e.indices,
            path.conditions + ((e.condition,) if e.condition is not None else ()),
        )
        match e.operation:
            case "mean":
                entered = _extended(entered, Factor(power(_count(e), MINUS_ONE)))
            case "max":
                winner = self._copy(Reduce("argmax", e.indices, e.condition, e.body), e.indices)
                entered = _extended(
                    entered, Factor(Bracket(Compare("==", _position(e.indices), winner)))
                )
            case "logsumexp":
                entered = _extended(entered, Factor(Softmax(e.indices, e.condition, e.body)))
        yield from self.down(e.body, entered)

    def _softmax(self, e: Softmax, path: Partial, value: Expression) -> Iterator[Partial]:
        """∂s[k]/∂body[k'] = s[k]·([k == k'] - s[k']), summed over the outputs k."""
        avoid = set(e.free) | bound(e.body) | set(path.indices) | set(e.indices)
        inner: dict[str, Expression] = {}
        for k in e.indices:
            new = self.names.fresh(k, avoid)
            avoid.add(new)
            inner[k] = Index(new)
        same = [Bracket(Compare("==", Index(k), inner[k])) for k in e.indices]
        factor = subtract(multiply(*same), substitute(value, inner, self.names))
        entered = Partial(
            path.reference,
            (*path.factors, Factor(value), Factor(factor)),
            path.indices + tuple(i.name for i in inner.values() if isinstance(i, Index)),
            path.conditions,
        )
        yield from self.down(substitute(e.body, inner, self.names), entered)

    def _copy(self, e: Reduce, outer: tuple[str, ...]) -> Expression:
        """The same reduction under other bound names, to stand inside a sum over `outer`."""
        return rename_bound(e, e.indices, self.names, {*e.body.free, *bound(e), *outer})


def negation(condition: Expression) -> Expression:
    """`not condition`."""
    if isinstance(condition, Logic) and condition.operator == "not":
        return condition.arguments[0]
    return Logic("not", (condition,))


def _smooth(e: Expression) -> Iterator[Reference]:
    """The references through which the value of `e` changes smoothly."""
    match e:
        case Reference():
            yield e
        case Bracket():
            return
        case Where():
            yield from _smooth(e.yes)
            yield from _smooth(e.no)
        case Reduce() if e.operation == "argmax":
            return
        case Reduce() | Softmax():
            yield from _smooth(e.body)
        case _:
            for child in e.children:
                yield from _smooth(child)


def _extended(path: Partial, *factors: Factor) -> Partial:
    return Partial(path.reference, path.factors + factors, path.indices, path.conditions)


def _count(e: Reduce) -> Expression:
    if e.condition is not None:
        return Reduce("sum", e.indices, e.condition, Number(1))
    return multiply(*(Size(i) for i in e.indices))


def _position(indices: tuple[str, ...]) -> Expression:
    """Where the indices stand in row-major order, as argmax counts."""
    position: Expression = Index(indices[0])
    for i in indices[1:]:
        position = add(multiply(position, Size(i)), Index(i))
    return position


def _slopes(e: Call, value: Expression) -> Iterator[Factor]:
    """f'(x) for each argument of an elementwise function, from its row in the table."""
    row = FUNCTIONS[e.function]
    for position, text in enumerate(row.derivatives):
        given = {"a": value} | dict(zip("xy", e.arguments, strict=False))
        mark = "'" if row.arity == 1 else f"'{'₁₂'[position]}"
        name = f"{row.symbol or row.name}{mark}"
        yield Factor(fill(_formula(text), given), name, e.arguments)


@cache
def _formula(text: str) -> Expression:
    return parse_expression(text)
