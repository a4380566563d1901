"""Indices of size 1 need no loop: they are 0 wherever they stand.

So a network of single nodes comes down to loops over its samples, which then run together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ....language.expression import ZERO, Expression, Index, Reduce
from ....language.substitution import Names, substitute
from ..plan import Scatter
from .pieces import Piece, Steps


def without_ones(
    pieces: Iterable[Piece | Steps], known: Mapping[str, int], names: Names
) -> list[Piece | Steps]:
    """The pieces with 0 for each index of size 1 that is not stepped through."""
    pieces = list(pieces)
    stepped = {p.index for p in pieces if isinstance(p, Steps)}
    zeros: dict[str, Expression] = {
        i: ZERO for i, size in known.items() if size == 1 and i not in stepped
    }
    if not zeros:
        return pieces

    def value(e: Expression) -> Expression:
        if not isinstance(e, Reduce):
            return e
        left = tuple(i for i in e.indices if i not in zeros)
        ones = {i: zeros[i] for i in e.indices if i in zeros}
        body = substitute(e.body, ones, names)
        if left:
            condition = None if e.condition is None else substitute(e.condition, ones, names)
            return Reduce(e.operation, left, condition, body)
        return e if e.operation == "argmax" or e.condition is not None else body

    def changed(piece: Piece) -> Piece:
        if isinstance(piece, Scatter):
            return piece
        outer = {i: z for i, z in zeros.items() if Index(i) in piece.subscripts}
        subscripts = tuple(
            ZERO if isinstance(s, Index) and s.name in outer else s for s in piece.subscripts
        )
        return replace(
            piece, subscripts=subscripts, value=value(substitute(piece.value, outer, names))
        )

    return [
        replace(p, pieces=tuple(map(changed, p.pieces))) if isinstance(p, Steps) else changed(p)
        for p in pieces
    ]
