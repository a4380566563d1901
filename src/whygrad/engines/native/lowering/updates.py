"""Updates in place: each is computed from old values, so it is stored after they are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ....language.expression import Index, Reference
from ....language.system import Equation
from ..plan import Scatter
from .pieces import Piece, Steps, axes, members, reads
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
        if isinstance(piece, Steps) or (name := updated(piece.name)) is None:
            ordered.append(piece)
        else:
            waiting[name] = piece
    ordered = _last_first(ordered, waiting.values())
    needs = {name: reads(piece) for name, piece in waiting.items()}
    copies = []
    while waiting:
        readers = Counter(r for name in waiting for r in {r.tensor for r in needs[name]} - {name})
        free = [n for n in waiting if not readers[n] and _is_local(n, waiting[n], needs[n])]
        for name in free:
            ordered.append(replace(waiting.pop(name), name=name))
        if not free:
            name, piece = waiting.popitem()
            ordered.append(piece)
            left = tuple(map(Index, axes(piece)))
            copies.append(Equation(name, left, Reference(piece.name, left)))
    return [*ordered, *copies]


def _last_first(pieces: Sequence[Piece | Steps], updates: Iterable[Piece]) -> list[Piece | Steps]:
    """The pieces, at the end and in reverse what only updates read.

    The weights that a step changes last are the first that the next one reads: those of the
    first layer are then still in the cache.
    """
    read = {r.tensor for p in members(pieces) for r in reads(p)}
    wanted = {r.tensor for p in updates for r in reads(p)} - read
    early: list[Piece | Steps] = []
    last: list[Piece | Steps] = []
    for piece in pieces:
        late = not isinstance(piece, Steps) and piece.name in wanted
        (last if late else early).append(piece)
    return [*early, *reversed(last)]


def _is_local(name: str, piece: Piece, needs: Iterable[Reference]) -> bool:
    """Whether the update reads its own tensor only at the place where it writes."""
    place = None if isinstance(piece, Scatter) else piece.subscripts
    return all(r.subscripts == place for r in needs if r.tensor == name)
