"""Updates in place: each is computed from old values, so it is stored after they are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ....language.expression import Index, Reference, references
from ....language.system import Equation
from ..plan import Scatter
from .sums import Piece


def in_place(updates: Sequence[Piece]) -> list[Piece]:
    """The updates `w <-` as assignments to w itself, each after those that read the old w.

    Where there is no such order, or where a right side reads its own tensor at another place,
    the new value goes to a tensor of its own first.
    """
    waiting = {u.name.removesuffix(" <-"): u for u in updates if u.name.endswith(" <-")}
    ordered: list[Piece] = [u for u in updates if not u.name.endswith(" <-")]
    copies: list[Piece] = []
    while waiting:
        name = next((n for n in waiting if not _is_read(n, waiting)), None)
        if name is not None and _reads_its_own_place(waiting[name]):
            ordered.append(replace(waiting.pop(name), name=name))
            continue
        name = name or next(iter(waiting))
        update = waiting.pop(name)
        ordered.append(update)
        axes = tuple(map(Index, update.axes)) if isinstance(update, Scatter) else update.subscripts
        copies.append(Equation(name, axes, Reference(update.name, axes)))
    return [*ordered, *copies]


def _is_read(name: str, waiting: dict[str, Piece]) -> bool:
    """Whether another update still has to read the old value."""
    return any(
        r.tensor == name for other, piece in waiting.items() if other != name for r in read(piece)
    )


def _reads_its_own_place(piece: Piece) -> bool:
    """Whether it reads its own tensor only where it writes."""
    name = piece.name.removesuffix(" <-")
    own = [r for r in read(piece) if r.tensor == name]
    if isinstance(piece, Scatter):
        return not own
    return all(r.subscripts == piece.subscripts for r in own)


def read(piece: Piece) -> list[Reference]:
    """What a piece reads."""
    if isinstance(piece, Equation):
        return list(references(piece.value))
    parts = (*piece.subscripts, piece.value, *([piece.condition] if piece.condition else []))
    return [r for part in parts for r in references(part)]
