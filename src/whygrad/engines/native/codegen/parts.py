"""The parts of a schedule, one by one, and what they read and write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ....language.expression import Expression, references
from ..plan import Scatter
from .schedule import Scheduled, Stepped, Tiled


def leaves(parts: Iterable[Scheduled]) -> Iterator[Tiled | Scatter]:
    """Every nest and scatter in order, those in loops included."""
    for part in parts:
        if isinstance(part, Stepped):
            yield from leaves(part.body)
        else:
            yield part


def expressions(part: Tiled | Scatter) -> list[Expression]:
    """All that a part evaluates."""
    if isinstance(part, Tiled):
        return [step.value for step in part.nest.steps]
    conditions = [] if part.condition is None else [part.condition]
    return [part.value, *part.subscripts, *conditions]


def read_by(part: Tiled | Scatter) -> frozenset[str]:
    """The tensors that a part reads."""
    return frozenset(r.tensor for e in expressions(part) for r in references(e))


def written_by(part: Tiled | Scatter) -> frozenset[str]:
    """The tensors that a part assigns."""
    if isinstance(part, Scatter):
        return frozenset((part.name,))
    return frozenset(step.name for step in part.nest.steps)
