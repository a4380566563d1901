"""Find the smallest set of mistakes that explains a wrong derivative.

Changes are tried until one gives the values of the true derivative, single
ones first, then two at a time. The number of tries is bounded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, islice

import numpy as np

from ..language.expression import Expression, multiply
from .mistakes import Edit, Mistakes
from .values import Array
from .worlds import World

_MOST_EDITS = 600
_MOST_PAIRS = 2500


class Diagnosis:
    """Diagnoses expressions of one derivative. The first world sifts, the others confirm."""

    def __init__(self, mistakes: Mistakes, worlds: Sequence[World]) -> None:
        self.mistakes = mistakes
        self.worlds = worlds
        self.first = worlds[0]
        self.multipliers: list[tuple[str, Expression, Array]] = []
        for finding, e in mistakes.multipliers():
            values = self.first.of(e)
            if values is not None and not np.all(values == 1):
                self.multipliers.append((finding, e, values))

    def findings(self, e: Expression) -> tuple[str, ...]:
        """What is wrong with `e`, or nothing where no small change makes it right."""
        return next(self._explanations(e), ())

    def _explanations(self, e: Expression) -> Iterator[tuple[str, ...]]:
        edits = list(islice(self.mistakes.edits(e), _MOST_EDITS))
        values = [self.first.of(edit.value) for edit in edits]
        yield from self._exact(edits, values)
        yield from self._both_too_much(e)
        yield from self._multiplied(e, self.first.of(e), 2)
        for count in (1, 2):
            if count == 2:
                yield from self._pairs(edits)
            for edit, v in zip(edits, values, strict=True):
                for rest in self._multiplied(edit.value, v, count):
                    yield (edit.finding, *rest)

    def _exact(
        self, edits: Sequence[Edit], values: Sequence[Array | None]
    ) -> Iterator[tuple[str, ...]]:
        for edit, v in zip(edits, values, strict=True):
            if v is not None and self.first.close(v) and self._confirmed(edit.value):
                yield (edit.finding,)

    def _both_too_much(self, e: Expression) -> Iterator[tuple[str, ...]]:
        for one in self.mistakes.factors_too_much(e):
            for other in self.mistakes.factors_too_much(one.value):
                if self.first.agrees(other.value) and self._confirmed(other.value):
                    yield (one.finding, other.finding)

    def _multiplied(
        self, e: Expression, values: Array | None, count: int
    ) -> Iterator[tuple[str, ...]]:
        """So many factors of the whole that make it right."""
        if values is None:
            return
        for chosen in combinations(self.multipliers, count):
            product = values
            for _, _, factor in chosen:
                product = product * factor
            if self.first.close(product) and self._confirmed(multiply(e, *(c[1] for c in chosen))):
                yield tuple(finding for finding, _, _ in chosen)

    def _pairs(self, edits: Sequence[Edit]) -> Iterator[tuple[str, ...]]:
        """Two changes inside, the likeliest first."""
        seen: set[Expression] = set()
        tries = ((first, second) for first in edits for second in self.mistakes.edits(first.value))
        for first, second in islice(tries, _MOST_PAIRS):
            if second.value in seen:
                continue
            seen.add(second.value)
            if self.first.agrees(second.value) and self._confirmed(second.value):
                yield (first.finding, second.finding)

    def _confirmed(self, e: Expression) -> bool:
        return all(w.agrees(e) for w in self.worlds[1:])
