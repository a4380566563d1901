"""Whether algebra alone shows that two forms of a derivative are the same."""

from __future__ import annotations

from collections.abc import Iterator

from ..calculus.chain import Link, without_capture
from ..calculus.derivation import Derivation
from ..calculus.route import is_activation, route, whiteboard
from ..language.expression import (
    MINUS_ONE,
    ZERO,
    Bracket,
    Expression,
    Index,
    Pad,
    Reduce,
    Reference,
    Size,
    multiply,
    power,
    subtract,
    walk,
)
from ..language.substitution import substitute
from ..language.system import Equation

_MOST_NODES = 600
_MOST_STEPS = 8


def is_same(e: Expression, link: Link, derivation: Derivation) -> bool:
    """Whether the difference of `e` to one of the forms of a link's derivative becomes 0."""
    simplify = derivation.simplifier

    def equal(one: Expression, other: Expression) -> bool:
        one, other = (_uniform(simplify(_uniform(side))) for side in (one, other))
        return simplify(subtract(one, other)) == ZERO

    if any(equal(e, form) for form in _forms(link, derivation)):
        return True
    opened = _opened(derivation.simplified(link).value, link, derivation)
    return equal(_opened(e, link, derivation), opened)


def _uniform(e: Expression) -> Expression:
    """Sums in one way of writing: sorted indices, conditions as factors, a mean as a sum."""
    e = e.map(_uniform)
    if not isinstance(e, Reduce) or e.operation not in ("sum", "mean"):
        return e
    if e.operation == "mean" and e.condition is not None:
        return e
    body = e.body if e.condition is None else multiply(Bracket(e.condition), e.body)
    whole = Reduce("sum", tuple(sorted(e.indices)), None, body)
    counts = (power(Size(i), MINUS_ONE) for i in e.indices if e.operation == "mean")
    return multiply(whole, *counts)


def _forms(link: Link, derivation: Derivation) -> Iterator[Expression]:
    yield link.equation.value
    yield whiteboard(derivation, link).equation.value
    yield derivation.simplified(link).value
    yield route(derivation, link).equation.value


def _opened(e: Expression, link: Link, derivation: Derivation) -> Expression:
    """The expression with derivatives and activations written out, as far as it stays small."""
    axes = [s.name for s in link.subscripts if isinstance(s, Index)]
    for _ in range(_MOST_STEPS):
        written = _written(e, link, derivation)
        if written == e or sum(1 for _ in walk(written)) > _MOST_NODES:
            break
        e = derivation.simplifier(without_capture(written, axes, derivation.names))
    return e


def _written(e: Expression, link: Link, derivation: Derivation) -> Expression:
    """Each derivative and each activation in it replaced by the right side of its equation."""
    if isinstance(e, Reference) and not any(isinstance(s, Pad) for s in e.subscripts):
        equation = _definition(e.tensor, link, derivation)
        if equation is not None:
            put = dict(zip(equation.indices, e.subscripts, strict=True))
            return substitute(equation.value, put, derivation.names)
    return e.map(lambda child: _written(child, link, derivation))


def _definition(name: str, link: Link, derivation: Derivation) -> Equation | None:
    pieces = [k for k in derivation.links if k.name == name]
    if is_activation(derivation, name):
        return derivation.named.definitions[name][0]
    if len(pieces) != 1 or name == link.name:
        return None
    return derivation.simplified(pieces[0])
