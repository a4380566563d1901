"""Long rows of a batch are read where they lie in the caller's arrays.

To gather them first would bring each into the caches of the thread that does, from which the other
threads would have to fetch it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import prod

from ....language.expression import Expression, Index, Reference
from ....language.system import Equation
from ..plan import Scatter
from .pieces import Piece, Steps, members, reads

LONG = 128
"""Numbers in a row from which on it is read where it lies: looking up where costs little then."""


def read_directly(
    taken: Sequence[Equation], pieces: Sequence[Piece | Steps], known: Mapping[str, int]
) -> list[Piece | Steps]:
    """The pieces, after those equations that gather rows of a batch and are still needed."""
    inner = list(members(pieces))
    direct = {e.name: e for e in taken if _is_long(e, known) and _is_plain(e.name, inner)}

    def expression(e: Expression) -> Expression:
        e = e.map(expression)
        if not isinstance(e, Reference) or e.tensor not in direct:
            return e
        gather = direct[e.tensor].value
        assert isinstance(gather, Reference)
        number, *_ = gather.subscripts
        assert isinstance(number, Reference)
        row = Reference(number.tensor, (e.subscripts[0],))
        return Reference(gather.tensor, (row, *e.subscripts[1:]))

    def changed(piece: Piece) -> Piece:
        if isinstance(piece, Scatter):
            return piece
        return replace(piece, value=expression(piece.value))

    return [
        *(e for e in taken if e.name not in direct),
        *(
            replace(p, pieces=tuple(map(changed, p.pieces))) if isinstance(p, Steps) else changed(p)
            for p in pieces
        ),
    ]


def _is_long(gather: Equation, known: Mapping[str, int]) -> bool:
    """Whether its rows lie in one piece and are long."""
    assert isinstance(gather.value, Reference)
    number, *others = gather.value.subscripts
    sizes = [known.get(s.name, 0) for s in others if isinstance(s, Index)]
    return isinstance(number, Reference) and prod(sizes) >= LONG


def _is_plain(name: str, pieces: Iterable[Piece]) -> bool:
    """Whether a tensor is read at plain indices only, and by no scatter."""
    found = [(p, r) for p in pieces for r in reads(p) if r.tensor == name]
    return all(
        not isinstance(p, Scatter) and all(isinstance(s, Index) for s in r.subscripts)
        for p, r in found
    )
