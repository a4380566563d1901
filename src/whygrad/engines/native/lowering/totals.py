"""Sums of what a nest computes, over all of its points, are taken in its loop.

What is computed for a sample is then added up while it is in a register.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from ....language.expression import references
from ..plan import Nest, Part, assigned, read


def with_totals(parts: Sequence[Part]) -> tuple[Part, ...]:
    """The parts, with nests that run once joined to those whose points they sum over."""
    found: list[Part] = []
    for part in parts:
        at = _place(part, found) if isinstance(part, Nest) and not part.indices else None
        if at is None:
            found.append(part)
        else:
            first = found.pop(at)
            assert isinstance(first, Nest) and isinstance(part, Nest)
            found.insert(at, Nest((), (*first.steps, *part.steps)))
    return tuple(found)


def _place(totals: Nest, parts: Sequence[Part]) -> int | None:
    """Where the last nest is that it can join, of those that nothing between keeps apart."""
    own = frozenset(assigned(totals))
    for at in reversed(range(len(parts))):
        part = parts[at]
        if isinstance(part, Nest) and _fits(totals, part):
            return at
        if (read(totals) | own).intersection(assigned(part)) or read(part) & own:
            return None
    return None


def _fits(totals: Nest, nest: Nest) -> bool:
    """Whether all reductions go over the points of the nest, and nothing else needs it.

    A nest over several indices is left alone: threads may share it, and no nest that runs once.
    """
    if nest.reductions or len(nest.indices) != 1:
        return False
    sums = totals.reductions
    targets = {step.target for step in nest.steps}
    made, own = frozenset(assigned(nest)), frozenset(assigned(totals))
    summed = {r for e in sums for r in references(e)}
    used = {r for r in summed if r.tensor in made}
    early = {s.name for s in takewhile(lambda s: s.value not in sums, totals.steps)}
    others = {r.tensor for s in totals.steps if s.value not in sums for r in references(s.value)}
    return (
        all(e.indices == nest.indices and e.operation != "argmax" for e in sums)
        and bool(used)
        and used <= targets
        and own.isdisjoint(r.tensor for r in summed)
        and made.isdisjoint(others)
        and early.isdisjoint(read(nest))
    )
