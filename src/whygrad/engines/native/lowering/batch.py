"""The batch of a training step: rows of the caller's arrays, gathered by their numbers."""

from __future__ import annotations

from collections.abc import Collection

from ....language.expression import Index, Reference
from ....language.system import Equation, System
from ..names import rows, whole


def gathered(system: System, needed: Collection[str]) -> list[Equation]:
    """`x[n,i] = x·all[rows·n[n], i]` for every given tensor with the batch index that is needed."""
    batch = system.batch
    if batch is None:
        return []
    row = Reference(rows(batch), (Index(batch),))
    found = []
    for t in system.of_kind("given"):
        if batch in t.indices and t.name in needed:
            left = tuple(map(Index, t.indices))
            axis = t.indices.index(batch)
            places = (*left[:axis], row, *left[axis + 1 :])
            found.append(Equation(t.name, left, Reference(whole(t.name), places)))
    return found


def batch_axes(system: System) -> dict[str, tuple[str, ...]]:
    """The axes of the tensors from which a batch is gathered."""
    batch = system.batch
    if batch is None:
        return {}
    found: dict[str, tuple[str, ...]] = {rows(batch): (batch,)}
    for t in system.of_kind("given"):
        if batch in t.indices:
            found[whole(t.name)] = tuple(whole(i) if i == batch else i for i in t.indices)
    return found
