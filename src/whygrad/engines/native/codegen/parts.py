"""The parts of a schedule, one by one, and what they read and write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .. import plan
from ..plan import Nest, Scatter
from .schedule import Scheduled, Stepped, Tiled


def leaves(parts: Iterable[Scheduled]) -> Iterator[Tiled | Scatter]:
    """Every nest and scatter in order, those in loops included."""
    for part in parts:
        if isinstance(part, Stepped):
            yield from leaves(part.body)
        else:
            yield part


def plain(part: Tiled | Scatter) -> Nest | Scatter:
    """The part of the plan."""
    return part.nest if isinstance(part, Tiled) else part


def read_by(part: Tiled | Scatter) -> frozenset[str]:
    """The tensors that a part reads."""
    return plan.read(plain(part))


def written_by(part: Tiled | Scatter) -> frozenset[str]:
    """The tensors that a part assigns."""
    return frozenset(plan.assigned(plain(part)))
