"""Updates in place: each is computed from old values, so it is stored after they are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ....language.expression import Index, Reference
from ....language.system import Equation
from ..plan import Scatter
from .pieces import Piece, Steps, axes, reads
from .select import updated


def stored(pieces: Sequence[Piece | Steps]) -> list[Piece | Steps]:
    """The updates among the pieces as assignments to the tensors themselves.

    Each comes after those that read the old value. Where there is no such order, or where a
    right side reads its own tensor at another place, the new value goes to a tensor of its own
    first.
    """
    waiting: dict[str, Piece] = {}
    ordered: list[Piece | Steps] = []
    for piece in pieces:
        name = None if isinstance(piece, Steps) else updated(piece.name)
        if name is None or isinstance(piece, Steps):
            ordered.append(piece)
        else:
            waiting[name] = piece
    copies = []
    while waiting:
        free = (n for n in waiting if not _is_needed(n, waiting) and _is_local(n, waiting[n]))
        name = next(free, None)
        if name is not None:
            ordered.append(replace(waiting.pop(name), name=name))
            continue
        name = next(iter(waiting))
        piece = waiting.pop(name)
        ordered.append(piece)
        left = tuple(map(Index, axes(piece)))
        copies.append(Equation(name, left, Reference(piece.name, left)))
    return [*ordered, *copies]


def _is_needed(name: str, waiting: dict[str, Piece]) -> bool:
    """Whether another update still has to read the old value."""
    others = (piece for other, piece in waiting.items() if other != name)
    return any(r.tensor == name for piece in others for r in reads(piece))


def _is_local(name: str, piece: Piece) -> bool:
    """Whether the update reads its own tensor only at the place where it writes."""
    own = [r for r in reads(piece) if r.tensor == name]
    if isinstance(piece, Scatter):
        return not own
    return all(r.subscripts == piece.subscripts for r in own)
