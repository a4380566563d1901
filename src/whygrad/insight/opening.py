"""Open a sum: contributions of the chain rule become terms with their values."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..calculus.chain import Contribution
from ..calculus.partial import Factor
from ..language.expression import (
    Bracket,
    Expression,
    Number,
    Pad,
    Reduce,
    Reference,
    multiply,
    references,
)
from ..language.substitution import substitute
from .explanation import Explanation, Operand, Term
from .values import Array, Values

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Head:
    """What is explained, and which part of it: a derivative of the cost, or else a change."""

    cost: str | None
    target: Reference
    part: tuple[str, ...] = ()

    def narrowed(self, label: str) -> Head:
        """The part of it that the label names."""
        return replace(self, part=(*self.part, label))


class Opening:
    """Opens sums of products, one index at a time, the samples first.

    `rows` are the numbers of the samples in the whole of the data, where these are a batch.
    """

    def __init__(
        self,
        values: Values,
        batch: str | None,
        top: int,
        operand: Callable[[Factor], Operand],
        rows: Rows | None = None,
    ) -> None:
        self.values = values
        self.batch = batch
        self.rows = rows
        self.top = top
        self.operand = operand

    def fixed(self, c: Contribution, at: dict[str, int]) -> Contribution:
        """The contribution with numbers in the place of some indices."""
        put = {i: Number(value) for i, value in at.items()}
        names = self.values.derivation.names

        def fix(e: Expression) -> Expression:
            return self._worked_out(substitute(e, put, names))

        factors = [f.map(fix) for f in c.factors]
        return replace(
            c,
            factors=tuple(f for f in factors if not self._surely_true(f.expression)),
            indices=tuple(i for i in c.indices if i not in at),
            condition=None if c.condition is None else fix(c.condition),
        )

    def _surely_true(self, e: Expression) -> bool:
        """Whether it is a bracket of nothing but numbers and sizes that is true."""
        if not isinstance(e, Bracket) or e.free or any(references(e)):
            return False
        return self.values.scalar(e) == 1

    def _worked_out(self, e: Expression) -> Expression:
        """Subscripts without indices as numbers; `pad` is left where it reads outside."""
        if isinstance(e, Reference):
            subscripts = (self._subscript(e.tensor, k, s) for k, s in enumerate(e.subscripts))
            return Reference(e.tensor, tuple(subscripts))
        return e.map(self._worked_out)

    def _subscript(self, tensor: str, axis: int, s: Expression) -> Expression:
        inner = self._worked_out(s.subscript if isinstance(s, Pad) else s)
        number = self.values.whole_number(inner)
        if number is None:
            return Pad(inner) if isinstance(s, Pad) else inner
        outside = number not in self.values.extents[tensor][axis]
        return Pad(Number(number)) if isinstance(s, Pad) and outside else Number(number)

    def open(self, head: Head, value: float, contributions: Sequence[Contribution]) -> Explanation:
        """The explanation of a value that is the sum of the contributions."""
        if len(contributions) == 1:
            return self._sum(head, value, contributions[0])
        return self.parts(head, value, contributions, _sources(contributions))

    def parts(
        self,
        head: Head,
        value: float,
        contributions: Sequence[Contribution],
        labels: Sequence[str],
    ) -> Explanation:
        """The explanation of a value with a term for each contribution, under these labels."""
        values = np.array([self.values.scalar(_body(c)) for c in contributions])
        magnitude = _exact_sum(np.abs(values))

        def term(i: int) -> Term:
            return self._term(head, labels[i], contributions[i], float(values[i]), magnitude)

        return self._explanation(head, tuple(contributions), value, values, term)

    def _sum(self, head: Head, value: float, c: Contribution) -> Explanation:
        """Σ opened by its first index; what is summed over further indices stays a sum."""
        if not c.indices:
            only = replace(self._term(head, "", c, value, 0.0), share=1.0)
            return self._explanation(head, (c,), value, np.array([only.value]), lambda i: only)
        opened = self._first_index(c)
        inner = replace(c, indices=tuple(i for i in c.indices if i != opened))
        places = self._places(c, opened)
        values = self.values.vector(_body(inner), opened)[places]
        magnitude = _exact_sum(np.abs(values))

        def term(i: int) -> Term:
            at = int(places[i])
            part = self.fixed(inner, {opened: at})
            return self._term(head, self._place(opened, at), part, float(values[i]), magnitude)

        return self._explanation(head, (c,), value, values, term)

    def _first_index(self, c: Contribution) -> str:
        return (*filter(self._runs_over_samples, c.indices), *c.indices)[0]

    def _runs_over_samples(self, index: str) -> bool:
        return self.values.derivation.names.copies.get(index, index) == self.batch

    def _place(self, index: str, at: int) -> str:
        """`n = 3`, and the row that it is where the samples are a batch."""
        if self.rows is None or not self._runs_over_samples(index):
            return f"{index} = {at}"
        return f"{index} = {at} (row {self.rows[at]})"

    def _places(self, c: Contribution, opened: str) -> NDArray[np.intp]:
        """The values of the opened index for which the condition leaves any term."""
        length = self.values.sizes[opened]
        if c.condition is None:
            return np.arange(length)
        holds: Expression = Bracket(c.condition)
        rest = tuple(i for i in c.indices if i != opened)
        if rest:
            holds = Reduce("max", rest, None, holds)
        return np.flatnonzero(self.values.vector(holds, opened))

    def _term(
        self, head: Head, label: str, c: Contribution, amount: float, magnitude: float
    ) -> Term:
        """A product, or a sum over further indices that can be opened in its turn."""
        while c.indices and c.condition is not None:
            opened = self._first_index(c)
            places = self._places(c, opened)
            if len(places) != 1:
                break
            at = int(places[0])
            c = self.fixed(c, {opened: at})
            label = ", ".join(filter(None, (label, self._place(opened, at))))
        if c.indices:
            part = head.narrowed(label)
            share = _share(amount, magnitude)
            return Term(label, amount, (), share, lambda: self._sum(part, amount, c))
        operands = tuple(self.operand(f) for f in c.factors)
        amount = _product(operands)
        return Term(label, amount, operands, _share(amount, magnitude))

    def _explanation(
        self,
        head: Head,
        contributions: tuple[Contribution, ...],
        value: float,
        values: Array,
        term: Callable[[int], Term],
    ) -> Explanation:
        size = np.nan_to_num(np.abs(values), nan=np.inf)
        largest = np.argsort(-size, kind="stable")
        shown = tuple(term(int(i)) for i in largest[: self.top])
        rest = _exact_sum(values[largest[self.top :]])
        return Explanation(
            head.cost,
            head.target,
            ", ".join(head.part),
            contributions,
            value,
            shown,
            rest,
            len(values),
            _exact_sum(np.abs(values)),
        )


def _body(c: Contribution) -> Expression:
    """The contribution as an expression, its condition included where nothing is summed."""
    if c.indices or c.condition is None:
        return c.expression
    return multiply(Bracket(c.condition), c.expression)


def _sources(contributions: Sequence[Contribution]) -> list[str]:
    """`through z` for each; numbered where several come through one tensor."""
    sources = [c.source for c in contributions]
    labels: list[str] = []
    for place, source in enumerate(sources):
        label = f"through {source}" if source else ""
        if label and sources.count(source) > 1:
            label += f" ({sources[: place + 1].count(source)})"
        labels.append(label)
    return labels


def _product(operands: Sequence[Operand]) -> float:
    """Their product; a bracket that is false makes it 0 whatever the others are."""
    values = [o.value for o in operands]
    false = any(isinstance(o.factor.expression, Bracket) and not o.value for o in operands)
    return 0.0 if false else math.prod(values)


def _share(amount: float, magnitude: float) -> float:
    return abs(amount) / magnitude if magnitude else 0.0


def _exact_sum(values: Array) -> float:
    """Their sum, rounded once."""
    try:
        return math.fsum(values.tolist())
    except (OverflowError, ValueError):  # fsum refuses ∞ - ∞ and sums beyond the largest float
        return float(np.sum(values))
