"""The batch of a training step: rows of the caller's arrays, gathered by their numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ....language.expression import Index, Reference
from ....language.system import Equation, System
from .fusion import Steps
from .sums import Piece
from .updates import read


def whole(name: str) -> str:
    """The name of all samples of a tensor, and of the index that runs over them."""
    return f"{name}·all"


def rows(batch: str) -> str:
    """The name of the tensor that holds the numbers of the batch's samples."""
    return f"rows·{batch}"


def gathered(
    system: System, pieces: Iterable[Piece | Steps], wanted: Sequence[str]
) -> list[Equation]:
    """`x[n,i] = x·all[rows·n[n], i]` for every given tensor with the batch index that is read."""
    batch = system.batch
    if batch is None:
        return []
    members = (m for p in pieces for m in (p.pieces if isinstance(p, Steps) else (p,)))
    needed = {r.tensor for m in members for r in read(m)}.union(wanted)
    row = Reference(rows(batch), (Index(batch),))
    found = []
    for t in system.of_kind("given"):
        if batch in t.indices and t.name in needed:
            left = tuple(map(Index, t.indices))
            axis = t.indices.index(batch)
            places = (*left[:axis], row, *left[axis + 1 :])
            found.append(Equation(t.name, left, Reference(whole(t.name), places)))
    return found
