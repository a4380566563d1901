"""Give a name to every part of an equation whose derivative deserves one.

The chain rule walks from equation to equation. Without a name for the
argument of `sigmoid(sum[i](...))` there would be no δ for it, and the work
above it would be done anew for each parameter below it.
"""

from __future__ import annotations

from dataclasses import replace

from ..language.expression import (
    Bracket,
    Call,
    Expression,
    Index,
    Logic,
    Multiply,
    Pad,
    Power,
    Reduce,
    Reference,
    Softmax,
    Where,
    references,
    walk,
)
from ..language.expression import Compare as Comparison
from ..language.system import Equation, Statement, System


def name_parts(system: System, only: frozenset[str]) -> System:
    """The same system with helper equations; only the tensors in `only` are looked into.

    The helpers of `a1` are called `a1.z`, `a1.z2`, ... and stand before its equation.
    """
    taken = set(system.tensors)
    statements: list[Statement] = []
    for s in system.statements:
        if isinstance(s, Equation) and s.name in only:
            statements.extend(_Namer(s, taken).split())
        else:
            statements.append(s)
    return System(tuple(statements))


class _Namer:
    """Splits one equation, which may need several helpers."""

    def __init__(self, equation: Equation, taken: set[str]) -> None:
        self.equation = equation
        self.taken = taken
        self.helpers: list[Equation] = []

    def split(self) -> list[Statement]:
        value = self.equation.value
        if isinstance(value, Call):
            value = value.map(lambda a: self.inner(a, name=_is_compound(a)))
        elif isinstance(value, Reduce | Softmax):
            value = self.body_named(value)
        else:
            value = self.inner(value)
        changed = replace(self.equation, value=value) if self.helpers else self.equation
        return [*self.helpers, changed]

    def inner(self, e: Expression, name: bool = False) -> Expression:
        """The expression with its parts named, and itself a name if `name`."""
        if not any(references(e)) or isinstance(e, Reference | Comparison | Logic | Pad | Bracket):
            return e
        if isinstance(e, Multiply):
            alone = sum(any(references(f)) for f in e.factors) < 2
            e = e.map(lambda f: self.inner(f, name=not alone and isinstance(f, Reduce)))
        elif isinstance(e, Call | Power):
            e = e.map(lambda a: self.inner(a, name=_holds_reduction(a)))
        elif isinstance(e, Where):
            e = Where(e.condition, self.inner(e.yes), self.inner(e.no))
        elif isinstance(e, Reduce | Softmax):
            name = name or isinstance(e, Softmax) or e.operation in ("max", "logsumexp")
            e = self.body_named(e)
        else:
            e = e.map(self.inner)
        return self.named(e) if name and not isinstance(e, Reference) else e

    def body_named(self, e: Reduce | Softmax) -> Expression:
        """The reduction with the parts of its body named; a softmax's whole body gets a name."""
        if isinstance(e, Softmax):
            return Softmax(e.indices, e.condition, self.inner(e.body, name=_is_compound(e.body)))
        return Reduce(e.operation, e.indices, e.condition, self.inner(e.body))

    def named(self, e: Expression) -> Expression:
        indices = _in_order_of_appearance(e)
        count, name = 1, f"{self.equation.name}.z"
        while name in self.taken:
            count += 1
            name = f"{self.equation.name}.z{count}"
        self.taken.add(name)
        subscripts = tuple(Index(i) for i in indices)
        self.helpers.append(Equation(name, subscripts, e, span=self.equation.span))
        return Reference(name, subscripts)


def _is_compound(e: Expression) -> bool:
    return not isinstance(e, Reference) and any(references(e))


def _holds_reduction(e: Expression) -> bool:
    return any(isinstance(n, Reduce | Softmax) and any(references(n)) for n in walk(e))


def _in_order_of_appearance(e: Expression) -> tuple[str, ...]:
    seen: dict[str, None] = {}
    for node in walk(e):
        if isinstance(node, Index):
            seen[node.name] = None
        elif isinstance(node, Softmax):
            seen.update(dict.fromkeys(node.indices))
    return tuple(i for i in seen if i in e.free)
