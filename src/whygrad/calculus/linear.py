"""Integer expressions as sums: coefficient times atom, plus a constant.

Enough algebra to solve `2*p + r == a` for r, and to prove that what comes out
stays inside its range.
"""

from __future__ import annotations

from fractions import Fraction

from ..language.expression import (
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


def at_least_zero(e: Expression) -> bool:
    """Whether it is certain that e >= 0, sizes being 1 or more and indices 0 or more."""
    terms = linear(e)
    lowest: Value = terms.pop(ONE, 0)
    for atom, c in terms.items():
        if c < 0 or not isinstance(atom, Index | Size):
            return False
        if isinstance(atom, Size):
            lowest += c
    return lowest >= 0


def below_size(e: Expression, index: str, originals: dict[str, str]) -> bool:
    """Whether it is certain that e < size(index); `originals` maps copies to their index."""
    terms = linear(e)
    constant: Value = terms.pop(ONE, 0)
    sizes: dict[str, Value] = {originals.get(index, index): -1}
    for atom, c in terms.items():
        if isinstance(atom, Index):
            if c > 0:  # at its largest, size - 1
                name = originals.get(atom.name, atom.name)
                sizes[name] = sizes.get(name, 0) + c
                constant -= c
        elif isinstance(atom, Size):
            name = originals.get(atom.index, atom.index)
            sizes[name] = sizes.get(name, 0) + c
        else:
            return False
    # every remaining size counts at least 1 where it is subtracted
    if any(c > 0 for c in sizes.values()):
        return False
    return constant + sum(sizes.values()) < 0
