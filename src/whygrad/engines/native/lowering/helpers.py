"""Equations that the lowering adds, one for each value, under names that no text can have."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ....language.expression import (
    MINUS_ONE,
    Call,
    Expression,
    Index,
    Pad,
    Power,
    Reduce,
    Reference,
    Softmax,
    Where,
    references,
)
from ....language.system import Equation


class Helpers:
    """Hands out references to values and remembers the equations that compute them.

    `new` are those that no pass has put into its place yet.
    """

    def __init__(self) -> None:
        self.known: dict[Expression, Reference] = {}
        self.names: set[str] = set()
        self.new: list[Equation] = []

    def define(
        self, owner: str, value: Expression, order: Iterable[str], word: str = ""
    ) -> Reference:
        """The value as a tensor over its free indices, which stand in the given order.

        Its name says what it is: a word, or what the value shows.
        """
        if value not in self.known:
            axes = tuple(Index(i) for i in dict.fromkeys(order) if i in value.free)
            name = self.name(owner, word or _word(value))
            self.known[value] = Reference(name, axes)
            self.new.append(Equation(name, axes, value))
        return self.known[value]

    def name(self, owner: str, word: str) -> str:
        """A name that is not taken; `z·sum` is a sum in the equation of z."""
        stem = f"{owner.split('·')[0]}·{word}"
        name, count = stem, 1
        while name in self.names:
            count += 1
            name = f"{stem}{count}"
        self.names.add(name)
        return name

    def take(self) -> list[Equation]:
        """The equations that are new since the last time."""
        taken, self.new = self.new, []
        return taken

    def rewritten(
        self, equations: Iterable[Equation], change: Callable[[Equation], Expression]
    ) -> list[Equation]:
        """The equations with other right sides, each behind the new ones that these need."""
        found = []
        for equation in equations:
            value = change(equation)
            found += self.take()
            found.append(Equation(equation.name, equation.subscripts, value))
        return found


def is_helper(name: str) -> bool:
    """Whether the lowering gave this name."""
    return "·" in name


def _word(value: Expression) -> str:
    match value:
        case Reduce():
            return value.operation
        case Softmax():
            return "softmax"
        case Call():
            return value.function
        case Power():
            return "inverse" if value.exponent == MINUS_ONE else "power"
        case Where():
            return "choice"
    return "part"


def looks_up(e: Expression) -> bool:
    """Whether some subscript in it comes from a tensor, and so may leave its range."""
    return any(
        next(references(s), None)
        for r in references(e)
        for s in r.subscripts
        if not isinstance(s, Index | Pad)
    )
