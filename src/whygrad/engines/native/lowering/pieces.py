"""What a plan is made from, in an order in which it can run: equations, scatters and loops."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ....language.expression import Reference, references
from ....language.system import Equation
from ..plan import Scatter

Piece = Equation | Scatter


@dataclass(frozen=True, slots=True)
class Steps:
    """Pieces that run step by step over an index, upwards (1) or downwards (-1)."""

    index: str
    direction: int
    pieces: tuple[Piece, ...]


def members(pieces: Iterable[Piece | Steps]) -> Iterator[Piece]:
    """All equations and scatters, those in loops included."""
    for piece in pieces:
        if isinstance(piece, Steps):
            yield from piece.pieces
        else:
            yield piece


def axes(piece: Piece) -> tuple[str, ...]:
    """The names of its tensor's axes."""
    return piece.axes if isinstance(piece, Scatter) else piece.indices


def reads(piece: Piece) -> list[Reference]:
    """Every reference in it."""
    if isinstance(piece, Equation):
        return list(references(piece.value))
    parts = [*piece.subscripts, piece.value]
    if piece.condition is not None:
        parts.append(piece.condition)
    return [r for part in parts for r in references(part)]
