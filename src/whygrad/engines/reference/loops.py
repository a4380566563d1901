"""Recurrences: what can be computed for all steps at once is taken out of the loop."""

from __future__ import annotations

from dataclasses import dataclass

from ...language.expression import (
    Bracket,
    Expression,
    Index,
    Multiply,
    Reduce,
    Reference,
    Softmax,
    Where,
    references,
    walk,
)
from ...language.order import Group
from ...language.system import Equation
from ..composite import expand


@dataclass(frozen=True, slots=True)
class Loop:
    """Equations that run step by step over `index`.

    `hoisted` are equations for parts that need nothing from the loop, under
    names that no text can have; `values` are the right sides that read them.
    """

    index: str
    direction: int
    equations: tuple[Equation, ...]
    values: tuple[Expression, ...]
    hoisted: tuple[Equation, ...]


def loop(group: Group) -> Loop:
    """Take reductions that read no tensor of the group out of its equations."""
    assert group.index is not None
    own = frozenset(e.name for e in group.equations)
    found: dict[Expression, Equation] = {}

    def without(e: Expression, indices: tuple[str, ...]) -> Expression:
        if isinstance(e, Where) or (
            isinstance(e, Multiply) and any(isinstance(f, Bracket) for f in e.factors)
        ):
            return e  # what a condition excludes must not be read
        if isinstance(e, Reduce | Softmax) and _is_free_of(e, own) and e.free <= set(indices):
            if e not in found:
                name = f"{group.equations[0].name}·{len(found)}"
                found[e] = Equation(name, tuple(Index(i) for i in indices if i in e.free), e)
            return Reference(found[e].name, found[e].subscripts)
        return e.map(lambda child: without(child, indices))

    values = tuple(without(expand(e.value), e.indices) for e in group.equations)
    return Loop(group.index, group.direction, group.equations, values, tuple(found.values()))


def _is_free_of(e: Expression, names: frozenset[str]) -> bool:
    return not any(r.tensor in names for r in references(e))


def repeated(e: Expression) -> frozenset[Expression]:
    """The parts that occur more than once and are worth keeping."""
    seen: set[Expression] = set()
    twice: set[Expression] = set()
    for node in walk(e):
        if node.children and not isinstance(node, Reference):
            (twice if node in seen else seen).add(node)
    return frozenset(twice)
