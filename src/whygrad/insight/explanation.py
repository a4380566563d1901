"""An explanation: one number as the sum of its terms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..calculus.chain import Contribution
from ..calculus.partial import Factor
from ..errors import WhygradError
from ..language.expression import Reference


@dataclass(frozen=True)
class Operand:
    """One factor of a term and its value. `why` expands it, if it is a derivative itself.

    `outside`: it reads where a tensor has ended, and is 0 for that reason.
    """

    factor: Factor
    value: float
    expand: Callable[[], Explanation] | None = field(default=None, repr=False)
    outside: bool = False

    @property
    def text(self) -> str:
        """How it is written: σ'(z2[17]), w2[2,1]."""
        from .display import operand_text

        return operand_text(self.factor)

    def why(self) -> Explanation:
        """The explanation of this factor. WhygradError if it is no derivative."""
        if self.outside:
            raise WhygradError(
                f"{self.text} reads outside of the tensor, where all is 0: "
                "there is nothing to expand"
            )
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
    """One element of a derivative, or its change in a training step, its terms largest first.

    `target` is the element of which `cost` is derived, or which changes where
    `cost` is None; `part` says which part of the whole this is, where a sum is
    opened one index at a time.

    `value` is what training uses. `terms` are the largest `len(terms)` of
    `count`, and `rest` is the sum of the others; each is computed from its own
    operands, so that value = Σ terms + rest is a check, not a definition.
    `magnitude` is the sum of the absolute values of all terms. `note` is what
    a reader should know besides.
    """

    cost: str | None
    target: Reference
    part: str
    contributions: tuple[Contribution, ...] = field(repr=False)
    value: float
    terms: tuple[Term, ...]
    rest: float
    count: int
    magnitude: float
    note: str = ""

    @property
    def title(self) -> str:
        """What is explained: ∂J/∂w1[0,2], or Δw1[0,2]."""
        from .display import title_text

        return title_text(self)

    @property
    def opened(self) -> tuple[Term, ...]:
        """The terms that are shown with what is below them: the largest, or all of a change."""
        return self.terms[:1] if self.cost else self.terms

    @property
    def formula(self) -> str:
        """The chain rule for it: Σ_n δz1[n,2] · x[n,0]."""
        from .display import formula_text

        return formula_text(self.contributions)

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

    def latex(self) -> str:
        """The formula, and the largest terms with their values, as an `aligned` environment."""
        from .notebook import explanation_latex

        return explanation_latex(self)

    def _repr_html_(self) -> str:
        from .notebook import explanation_html

        return explanation_html(self)

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"


@dataclass(frozen=True, kw_only=True)
class Correction(Explanation):
    """What one training step did to one element, its parts largest first.

    `value` is what the update adds to the element, computed in float64 from all values before
    the step. `before` and `after` are the element as the training itself had it.
    """

    step: int
    before: float
    after: float

    @property
    def headline(self) -> str:
        """w1[0,2] in step 40: 0.5312 → 0.5298, a correction of −0.001402."""
        from .display import headline_text

        return headline_text(self)

    def __str__(self) -> str:
        from .display import correction_text

        return correction_text(self)

    def _repr_html_(self) -> str:
        from .notebook import correction_html

        return correction_html(self)
