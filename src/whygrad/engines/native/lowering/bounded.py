"""What lies between 0 and 1 comes first in a product: parts of a mean, the slope of a sigmoid.

It is known before the derivative that comes from above, for which one multiplication is left then;
in a small network a step is one chain of such waits. And no product leaves the range of numbers
that stays in it in the order of the text.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ....language.expression import (
    MINUS_ONE,
    ONE,
    Add,
    Call,
    Expression,
    Multiply,
    Power,
    Reference,
    Size,
)
from ....language.system import Equation
from .pieces import Piece, Steps, members


def bounded_first(pieces: Iterable[Piece | Steps]) -> list[Piece | Steps]:
    """The pieces, with the factors of their products in that order."""
    pieces = list(pieces)
    values = {p.name: p.value for p in members(pieces) if isinstance(p, Equation)}

    def rank(factor: Expression) -> int:
        if factor == MINUS_ONE:  # only a sign
            return -1
        match factor:
            case Reference(tensor=name):
                match values.get(name):
                    case Power(base=Size(), exponent=exponent) if exponent == MINUS_ONE:
                        return 0
                    case Call(function="sigmoid"):
                        return 1
            case Add(terms=(one, Multiply(factors=(minus, Reference() as other)))):
                if (one, minus) == (ONE, MINUS_ONE) and rank(other) == 1:
                    return 1
        return 2

    def ordered(e: Expression) -> Expression:
        e = e.map(ordered)
        return Multiply(tuple(sorted(e.factors, key=rank))) if isinstance(e, Multiply) else e

    def changed(piece: Piece) -> Piece:
        return replace(piece, value=ordered(piece.value))

    return [
        replace(p, pieces=tuple(map(changed, p.pieces))) if isinstance(p, Steps) else changed(p)
        for p in pieces
    ]
