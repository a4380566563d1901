"""Integer expressions as sums: coefficient times atom, plus a constant.

Enough algebra to solve `2*p + r == a` for r, and to prove that what comes out
stays inside its range.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from ..language.expression import (
    MINUS_ONE,
    ONE,
    Add,
    Expression,
    Index,
    Multiply,
    Number,
    Size,
    Value,
    add,
    multiply,
    negate,
    number,
)

Linear = dict[Expression, Value]
"""Coefficient by atom; the constant stands under `ONE`."""


def linear(e: Expression) -> Linear:
    """The expression as a sum; what is no sum or multiple stays whole, as an atom."""
    terms: Linear = {}
    for term in e.terms if isinstance(e, Add) else (e,):
        coefficient, atom = _split(term)
        for part, value in (linear(atom) if isinstance(atom, Add) else {atom: 1}).items():
            terms[part] = terms.get(part, 0) + coefficient * value
    return {atom: c for atom, c in terms.items() if c != 0}


def _split(term: Expression) -> tuple[Value, Expression]:
    if isinstance(term, Number):
        return term.value, ONE
    if isinstance(term, Multiply):
        numbers = [f for f in term.factors if isinstance(f, Number)]
        if numbers:
            rest = [f for f in term.factors if not isinstance(f, Number)]
            return numbers[0].value, multiply(*rest)
    return 1, term


def expression(terms: Linear) -> Expression:
    """The sum as an expression, positive terms first and the constant last."""
    ordered = sorted(terms.items(), key=lambda item: (item[0] == ONE, item[1] < 0))
    return add(*(multiply(number(c), atom) for atom, c in ordered))


def solve(subscript: Expression, index: str, value: Expression) -> Expression | None:
    """The index as a function of the rest, from `subscript == value`.

    None unless the index has coefficient 1 or -1 and occurs nowhere else.
    """
    terms = linear(subscript)
    sign = terms.pop(Index(index), 0)
    if sign not in (1, -1) or any(index in atom.free for atom in terms):
        return None
    difference = linear(value)
    for atom, c in terms.items():
        difference[atom] = difference.get(atom, 0) - c
    return expression({atom: Fraction(sign) * c for atom, c in difference.items() if c != 0})


def at_least_zero(e: Expression, copies: Mapping[str, str]) -> bool:
    """Whether e >= 0 for certain, every size being 1 or more and an index i in 0..size(i) - 1.

    `copies` maps an index to the one whose size it has.
    """
    lowest: dict[str | None, Value] = {None: 0}

    def put(index: str | None, value: Value) -> None:
        index = index if index is None else copies.get(index, index)
        lowest[index] = lowest.get(index, 0) + value

    for atom, c in linear(e).items():
        match atom:
            case Number():
                put(None, c)
            case Size():
                put(atom.index, c)
            case Index() if c < 0:
                put(atom.name, c)
                put(None, -c)
            case Index():
                pass
            case _:
                return False
    constant = lowest.pop(None)
    return all(c >= 0 for c in lowest.values()) and constant + sum(lowest.values()) >= 0


def below_size(e: Expression, index: str, copies: Mapping[str, str]) -> bool:
    """Whether e < size(index) for certain."""
    return at_least_zero(add(Size(index), MINUS_ONE, negate(e)), copies)
