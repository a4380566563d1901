"""Long rows of a batch that a large sum over the samples reads number by number.

They lie far apart: going through all of them for a few of their numbers costs more in looking up
pages of memory than in arithmetic. So the sum reads a copy with the samples along memory (packing,
as in Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", 2008).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod

from ....language.expression import Expression, Index, Multiply, Reduce, Reference
from ....language.system import Equation
from ..names import turned
from .pieces import Piece, Steps

LARGE = 1 << 15
"""So many sums have to read the copy: it takes as long as some hundred of them."""


def read_turned(pieces: Sequence[Piece | Steps], known: Mapping[str, int]) -> list[Piece | Steps]:
    """The pieces, with a copy before the first that reads it."""
    made: set[str] = set()
    found: list[Piece | Steps] = []
    for piece in pieces:
        row = _row(piece, known)
        if row is None or not isinstance(piece, Equation):
            found.append(piece)
            continue
        copy = _copy(row)
        if copy.name not in made:
            made.add(copy.name)
            found.append(copy)
        left = Reference(copy.name, copy.subscripts)
        found.append(replace(piece, value=_replaced(piece.value, row, left)))
    return found


def _row(piece: Piece | Steps, known: Mapping[str, int]) -> Reference | None:
    """`x·all[rows·n[n], i]` where a piece for i and j sums its product with a[n,j] over n."""
    if not isinstance(piece, Equation) or not isinstance(piece.value, Reduce):
        return None
    e = piece.value
    if e.operation != "sum" or not isinstance(e.body, Multiply) or len(e.body.factors) != 2:
        return None
    if prod(known.get(i, 0) for i in piece.indices) < LARGE:
        return None
    for factor, other in (e.body.factors, e.body.factors[::-1]):
        match factor:
            case Reference(subscripts=(Reference() as number, Index() as inner)) if (
                number.subscripts == tuple(map(Index, e.indices))
                and inner.name in piece.indices
                and inner.name not in other.free
            ):
                return factor
    return None


def _copy(row: Reference) -> Equation:
    """`x·turned[i,n] = x·all[rows·n[n], i]`."""
    number, inner = row.subscripts
    assert isinstance(number, Reference)
    return Equation(turned(row.tensor), (inner, *number.subscripts), row)


def _replaced(e: Expression, old: Reference, new: Reference) -> Expression:
    return new if e == old else e.map(lambda inner: _replaced(inner, old, new))
