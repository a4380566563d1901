"""Recurrences: what can be computed for all steps at once is taken out of the loop."""

from __future__ import annotations

from collections.abc import Iterator
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
from .elementwise import expand


@dataclass(frozen=True, slots=True)
class Hoisted:
    """A part that needs nothing from the loop, stored under a name that no text can have."""

    name: str
    indices: tuple[str, ...]
    value: Expression


@dataclass(frozen=True, slots=True)
class Loop:
    """A group of equations that runs step by step.

    `values` are the right sides, in the order of the group's equations, with
    what was taken out of the loop replaced by references to it.
    """

    group: Group
    values: tuple[Expression, ...]
    hoisted: tuple[Hoisted, ...]

    def steps(self, values: range) -> Iterator[int]:
        """The values of the loop's index in the order in which they run."""
        return iter(values if self.group.direction > 0 else values[::-1])


def loop(group: Group) -> Loop:
    """Take reductions that read no tensor of the group out of its equations."""
    own = frozenset(e.name for e in group.equations)
    found: dict[Expression, Hoisted] = {}

    def without(e: Expression, indices: tuple[str, ...]) -> Expression:
        if isinstance(e, Where) or (
            isinstance(e, Multiply) and any(isinstance(f, Bracket) for f in e.factors)
        ):
            return e  # what a condition excludes must not be read
        if isinstance(e, Reduce | Softmax) and _is_free_of(e, own) and e.free <= set(indices):
            if e not in found:
                names = tuple(i for i in indices if i in e.free)
                found[e] = Hoisted(f"{group.equations[0].name}·{len(found)}", names, e)
            part = found[e]
            return Reference(part.name, tuple(Index(i) for i in part.indices))
        return e.map(lambda child: without(child, indices))

    values = tuple(without(expand(e.value), e.indices) for e in group.equations)
    return Loop(group, values, tuple(found.values()))


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
