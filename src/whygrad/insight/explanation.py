"""An explanation: one element of a derivative as the sum of its terms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..errors import WhygradError


@dataclass(frozen=True)
class Operand:
    """One factor of a term: how it is written and its value.

    `why` expands it, if it is a derivative itself.
    """

    text: str
    value: float
    expand: Callable[[], Explanation] | None = field(default=None, repr=False)

    def why(self) -> Explanation:
        """The explanation of this factor. WhygradError if it is no derivative."""
        if self.expand is None:
            raise WhygradError(f"{self.text} is no derivative, so there is nothing to expand")
        return self.expand()


@dataclass(frozen=True)
class Term:
    """One term of a sum.

    `label` says which (`n = 17`). Either its `factors` multiply to its value,
    or it is itself a sum over further indices, which `why` opens.
    `share` is its part of the sum of absolute terms.
    """

    label: str
    value: float
    factors: tuple[Operand, ...]
    share: float
    expand: Callable[[], Explanation] | None = field(default=None, repr=False)

    def why(self) -> Explanation:
        """The sum that this term is. WhygradError if it is a product."""
        if self.expand is None:
            raise WhygradError("this term is a product: expand one of its factors instead")
        return self.expand()


@dataclass(frozen=True)
class Explanation:
    """One element of a derivative, its terms largest first.

    `value` is what training uses. `terms` are the largest `len(terms)` of
    `count`, and `rest` is the sum of the others; each is computed from its own
    operands, so that value = Σ terms + rest is a check, not a definition.
    `magnitude` is the sum of the absolute values of all terms. `note` says
    where the form of the equation is not the chain rule's own.
    """

    title: str
    formula: str
    value: float
    terms: tuple[Term, ...]
    rest: float
    count: int
    magnitude: float
    note: str = ""

    @property
    def total(self) -> float:
        """Σ terms + rest."""
        return sum(t.value for t in self.terms) + self.rest

    @property
    def difference(self) -> float:
        """How far the terms add up to something else than the value that training uses."""
        return self.value - self.total

    def __str__(self) -> str:
        from .display import explanation_text

        return explanation_text(self)

    def _repr_html_(self) -> str:
        from .display import explanation_html

        return explanation_html(self)
