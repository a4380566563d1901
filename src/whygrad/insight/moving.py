"""What `check` moves: parameters and data by themselves, inner tensors by something added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..calculus.chain import Contribution, Link
from ..calculus.derivation import Derivation
from ..calculus.partial import Factor
from ..language.expression import Call, Expression, Index, Reference, add
from ..language.printing import expression_text
from ..language.system import Declaration, Declare, Equation, Statement, System
from .values import Array, written_out


@dataclass(frozen=True)
class Movable:
    """A tensor, or one start of it, that can be moved entry by entry.

    `key` names the array that is changed, `slope` is the derivative and
    `scale` the sum of the absolute terms of which it consists.
    """

    link: Link
    key: str
    slope: Array
    scale: Array

    def label(self, at: Sequence[int]) -> str:
        """The entry as it is written: w[0,2]."""
        numbers = iter(at)
        parts = [
            str(next(numbers)) if isinstance(s, Index) else expression_text(s)
            for s in self.link.subscripts
        ]
        return f"{self.link.tensor}[{','.join(parts)}]" if parts else self.link.tensor


def indices(link: Link) -> tuple[str, ...]:
    """The indices over which a link runs."""
    return tuple(s.name for s in link.subscripts if isinstance(s, Index))


def with_moves(system: System, links: Sequence[Link], keys: Sequence[str]) -> System:
    """The system with something of the name in `keys` added to each linked equation."""
    added = {(k.tensor, k.subscripts): key for k, key in zip(links, keys, strict=True)}
    statements: list[Statement] = []
    for s in system.statements:
        key = added.get((s.name, s.subscripts)) if isinstance(s, Equation) else None
        if isinstance(s, Equation) and key is not None:
            s = replace(s, value=add(s.value, Reference(key, tuple(map(Index, s.indices)))))
        statements.append(s)
    items = tuple(Declaration(key, indices(k)) for k, key in zip(links, keys, strict=True))
    return System((Declare("given", items), *statements))


def slope(link: Link, name: str) -> Equation:
    """An equation for the derivative, over the indices of its link."""
    return Equation(name, tuple(map(Index, indices(link))), Reference(link.name, link.subscripts))


def scale(derivation: Derivation, link: Link, name: str) -> Equation:
    """An equation for Σ|terms| of a derivative: its chain form, every factor made positive."""
    stored = derivation.simplified_system.tensors
    contributions: list[Contribution] = []
    for c in link.contributions:
        factors = (_absolute(written_out(f.expression, derivation, stored)) for f in c.factors)
        contributions.append(replace(c, factors=tuple(map(Factor, factors))))
    value = replace(link, contributions=tuple(contributions)).equation.value
    return Equation(name, tuple(map(Index, indices(link))), value)


def _absolute(e: Expression) -> Expression:
    return Call("abs", (e,))
