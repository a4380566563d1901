"""`attempt`: judge a derivative that a user wrote.

The equation is compared with the derived one, symbolically and by its values.
Where it is wrong, small changes to it are tried until one makes it right: that
change says what was missing, too much, or in the wrong place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from ..calculus.derivation import Derivation
from ..calculus.partial import Factor
from ..calculus.route import route, whiteboard
from ..errors import WhygradError
from ..language.checking import check_equation
from ..language.expression import (
    MINUS_ONE,
    ZERO,
    Add,
    Bracket,
    Expression,
    Index,
    Multiply,
    Number,
    Reduce,
    Reference,
    Size,
    add,
    fill,
    multiply,
    negate,
    number,
    power,
    references,
    substitute,
    subtract,
)
from ..language.parsing import parse_equation
from ..language.system import Equation, System
from .display import math_text, operand_text
from .why import Explainer, contributions_of

Array = NDArray[np.float64]

_MOST_TRIES = 4000
_SAMPLES = 4


@dataclass(frozen=True)
class Verdict:
    """What `attempt` found.

    `right` says whether the values agree, `symbolic` whether algebra alone
    shows it. `findings` lists what is missing, too much or misplaced.
    """

    equation: str
    right: bool
    symbolic: bool
    findings: tuple[str, ...]
    expected: str
    simplified: str

    def __str__(self) -> str:
        if self.right:
            how = "symbolically and by its values" if self.symbolic else "by its values"
            return f"right: {self.equation}\n  agrees with the derived one {how}"
        lines = [f"not right: {self.equation}"]
        lines += [f"  {f}" for f in self.findings] or ["  no small change of it is right"]
        lines.append(f"  the chain rule gives  {self.expected}")
        if self.simplified != self.expected:
            lines.append(f"  which simplifies to   {self.simplified}")
        return "\n".join(lines)


@dataclass(frozen=True)
class _Change:
    value: Expression
    finding: str


def attempt(text: str, explainer: Explainer) -> Verdict:
    """Judge an equation such as `δz2[n,k] = (yhat[n,k] - [k == y[n]]) * a1[n,k]`.

    Raises WhygradError if the text is no equation for a derivative of the system.
    """
    return _Attempt(text, explainer).verdict()


class _Attempt:
    def __init__(self, text: str, explainer: Explainer) -> None:
        self.explainer = explainer
        self.derivation: Derivation = explainer.derivation
        equation = parse_equation(text, self.derivation.named.tensors)
        name = equation.name
        self.link = self.derivation.link(name)
        if name != self.link.name:
            raise WhygradError(
                f"{name} is a tensor, not a derivative: write {self.link.name} on the left"
            )
        axes = [k.name for k in self.link.subscripts if isinstance(k, Index)]
        if len(axes) != len(equation.subscripts) or equation.is_start:
            raise WhygradError(f"{name} has the indices [{','.join(axes)}]: write them on the left")
        put: dict[str, Expression] = {
            old: Index(new) for old, new in zip(equation.indices, axes, strict=True) if old != new
        }
        self.axes = axes
        self.text = text.strip()
        self.unbound = self._unbound(equation)
        value = fill(equation.value, {i: Index(i) for i in self.unbound})
        self.value = substitute(value, put, self.derivation.names)
        bound_value = self.value
        if self.unbound:
            bound_value = Reduce("sum", tuple(self.unbound), None, self.value)
        system = System(self.derivation.system.statements, text)
        left = tuple(map(Index, axes))
        check_equation(system, replace(equation, subscripts=left, value=bound_value))
        self.ranges = {i: range(min(explainer.values.sizes[i], _SAMPLES)) for i in axes}
        truth = self._values(Reference(name, tuple(map(Index, axes))))
        assert truth is not None
        self.truth: Array = truth

    def _unbound(self, equation: Equation) -> list[str]:
        """Indices that nothing binds, which is how a forgotten sum shows; the parser,
        which knows no indices, took them for scalars."""
        scalars = {r.tensor for r in references(equation.value) if not r.subscripts}
        known = self.derivation.named
        return sorted((scalars - set(known.tensors)) & known.index_names)

    def verdict(self) -> Verdict:
        derived = self.derivation[self.link.tensor]
        right = not self.unbound and self._is_right(self.value)
        return Verdict(
            self.text,
            right,
            right and self._is_symbolic(),
            () if right else self._findings(),
            str(derived.chain),
            str(derived.simplified),
        )

    def _is_right(self, e: Expression) -> bool:
        values = self._values(e)
        if values is None:
            return False
        scale = float(np.max(np.abs(self.truth), initial=0.0))
        return bool(np.allclose(values, self.truth, rtol=1e-9, atol=1e-12 * scale))

    def _values(self, e: Expression) -> Array | None:
        """Its values on a few elements, or None where it cannot be computed."""
        try:
            values, names = self.explainer.values.array(e, self.ranges)
        except WhygradError:
            return None
        spread = tuple(slice(None) if i in names else None for i in self.axes)
        return np.broadcast_to(values[spread], [len(self.ranges[i]) for i in self.axes])

    def _is_symbolic(self) -> bool:
        """Whether algebra turns the difference to one of the derived forms into 0."""
        simplify = self.derivation.simplifier
        forms = [self.link, whiteboard(self.derivation, self.link)]
        forms.append(route(self.derivation, self.link))
        derived = [f.equation.value for f in forms]
        derived.append(self.derivation[self.link.tensor].simplified.value)
        derived.append(self.derivation.unfused(self.link.name).value)
        return any(simplify(subtract(self.value, d)) == ZERO for d in derived)

    def _findings(self) -> tuple[str, ...]:
        """The smallest set of changes that makes it right."""
        start = _Change(self.value, "")
        if self.unbound:
            names = ", ".join(self.unbound)
            summed = Reduce("sum", tuple(self.unbound), None, self.value)
            start = _Change(summed, f"a sum over {names} is missing")
            if self._is_right(start.value):
                return (start.finding,)
        once = list(islice(self._changes(start.value), _MOST_TRIES))
        found = [start.finding] if start.finding else []
        for change in once:
            if self._is_right(change.value):
                return (*found, change.finding)
        for change in islice(self._twice(once), _MOST_TRIES):
            if self._is_right(change.value):
                return (*found, *change.finding.split("\n"))
        return ()

    def _twice(self, once: Sequence[_Change]) -> Iterator[_Change]:
        for first in once:
            for second in self._changes(first.value):
                yield _Change(second.value, f"{first.finding}\n{second.finding}")

    def _changes(self, e: Expression) -> Iterator[_Change]:
        """Everything a small mistake may have been, most likely first."""
        yield _Change(negate(e), "the sign is wrong")
        yield from self._factors_too_much(e)
        yield from self._factors_missing(e)
        yield from self._sums_wrong(e)
        yield from self._signs_wrong(e)
        yield from self._indices_wrong(e)

    def _factors_too_much(self, e: Expression) -> Iterator[_Change]:
        for node in _places(e):
            if isinstance(node, Multiply):
                for i, f in enumerate(node.factors):
                    if f != MINUS_ONE:
                        rest = multiply(*node.factors[:i], *node.factors[i + 1 :])
                        finding = f"{operand_text(Factor(f))} is too much"
                        yield _Change(_swap(e, node, rest), finding)

    def _factors_missing(self, e: Expression) -> Iterator[_Change]:
        for text, factor in self._pool():
            for node, scope in _products(e, frozenset(self.axes)):
                if factor.free <= scope:
                    longer = _swap(e, node, multiply(node, factor))
                    yield _Change(longer, f"{text} is missing")

    def _pool(self) -> Iterator[tuple[str, Expression]]:
        """Factors that may have been forgotten: those of the chain rule, sizes, and numbers."""
        seen: set[Expression] = set()
        for form in (self.link, whiteboard(self.derivation, self.link)):
            for c in form.contributions:
                for f in c.factors:
                    if f.expression not in seen and f.expression != MINUS_ONE:
                        seen.add(f.expression)
                        yield operand_text(f), f.expression
        for part in contributions_of(self.derivation[self.link.tensor].simplified.value):
            for f in part.factors:
                if f.expression not in seen and not isinstance(f.expression, Number):
                    seen.add(f.expression)
                    yield operand_text(f), f.expression
        for i in sorted(self.derivation.simplified_system.index_names):
            yield f"1/{i.upper()} (that is 1/size({i}))", power(Size(i), MINUS_ONE)
            yield f"size({i})", Size(i)
        yield "the factor 2", number(2)
        yield "the factor 1/2", power(number(2), MINUS_ONE)

    def _sums_wrong(self, e: Expression) -> Iterator[_Change]:
        for node in _places(e):
            if isinstance(node, Reduce) and node.operation == "mean":
                plain = Reduce("sum", node.indices, node.condition, node.body)
                yield _Change(
                    _swap(e, node, plain), f"the mean over {', '.join(node.indices)} is a sum"
                )

    def _signs_wrong(self, e: Expression) -> Iterator[_Change]:
        for node in _places(e):
            if isinstance(node, Add):
                for i, t in enumerate(node.terms):
                    terms = [negate(u) if i == j else u for j, u in enumerate(node.terms)]
                    finding = f"the sign of {math_text(t)} in ({math_text(node)}) is wrong"
                    yield _Change(_swap(e, node, add(*terms)), finding)

    def _indices_wrong(self, e: Expression) -> Iterator[_Change]:
        for node, scope in _scopes(e, frozenset(self.axes)):
            if not isinstance(node, Reference):
                continue
            for place, s in enumerate(node.subscripts):
                for other in sorted(scope):
                    if isinstance(s, Index) and other != s.name:
                        subscripts = list(node.subscripts)
                        subscripts[place] = Index(other)
                        right = Reference(node.tensor, tuple(subscripts))
                        finding = (
                            f"a wrong index: {math_text(right)} belongs where "
                            f"{math_text(node)} stands"
                        )
                        yield _Change(_swap(e, node, right), finding)


def _scopes(e: Expression, scope: frozenset[str]) -> Iterator[tuple[Expression, frozenset[str]]]:
    """Every node with the indices that may be used there."""
    yield e, scope
    if isinstance(e, Reduce):
        scope = scope | frozenset(e.indices)
    for child in e.children:
        yield from _scopes(child, scope)


def _products(e: Expression, scope: frozenset[str]) -> Iterator[tuple[Expression, frozenset[str]]]:
    """Where a factor can be put: the whole, what is summed, and each term of a sum."""
    yield e, scope
    for node, inner in _scopes(e, scope):
        if isinstance(node, Reduce):
            yield node.body, inner | frozenset(node.indices)
        elif isinstance(node, Add):
            yield from ((t, inner) for t in node.terms)


def _places(e: Expression) -> Iterator[Expression]:
    """Every node outside subscripts and conditions."""
    yield e
    if not isinstance(e, Reference | Bracket):
        for child in e.children:
            if child is not getattr(e, "condition", None):
                yield from _places(child)


def _swap(e: Expression, old: Expression, new: Expression) -> Expression:
    """The expression with one node exchanged."""
    if e is old:
        return new
    return e.map(lambda child: _swap(child, old, new))
