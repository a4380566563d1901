"""The means of cost and score over an epoch, from what an engine tells of single steps."""

from __future__ import annotations

import numpy as np

from ..network.data import Array, Arrays
from .score import TOTAL
from .trainer import Trainer

Mean = tuple[float, float | None]
"""Of cost and score; the score is None where there is none."""


class Means:
    """Notes what is told of steps, and gives the means of each epoch that is over.

    A step counts by the rows of its batch.
    """

    def __init__(self, trainer: Trainer) -> None:
        self.steps = trainer.steps_an_epoch
        self.score = trainer.score
        self.cost = str(trainer.system.cost)
        starts = trainer.batch_size * np.arange(self.steps)
        rows = len(trainer.rows)
        self._shares = np.diff(starts, append=rows) / rows
        if self.score:
            targets = trainer.samples.one(self.score.target.name, trainer.rows)
            self._scale = self.score.scale(targets)
        self._begun: list[Arrays] = []

    def take(self, told: Arrays) -> list[Mean]:
        """Note some more steps: the means of the epochs that they finish.

        No bit depends on how many steps are told of at once.
        """
        found: list[Mean] = []
        start, count = 0, len(told[self.cost])
        left = self.steps - sum(len(each[self.cost]) for each in self._begun)
        if self._begun and left <= count:
            parts = [*self._begun, _between(told, 0, left)]
            found += self._means({name: np.concatenate([p[name] for p in parts]) for name in told})
            self._begun, start = [], left
        if not self._begun and count - start >= self.steps:
            end = count - (count - start) % self.steps
            found += self._means(_between(told, start, end))
            start = end
        if start < count:
            rest = _between(told, start, count)
            self._begun.append({name: values.copy() for name, values in rest.items()})
        return found

    def _means(self, told: Arrays) -> list[Mean]:
        """Of whole epochs."""
        whole = {name: v.reshape(-1, self.steps, *v.shape[1:]) for name, v in told.items()}
        costs = np.einsum("es,s->e", whole[self.cost], self._shares).tolist()
        if self.score is None:
            return [(cost, None) for cost in costs]
        scores = self.score.values(_summed(whole[TOTAL]), self._scale).tolist()
        return list(zip(costs, scores, strict=True))


def _between(told: Arrays, start: int, end: int) -> Arrays:
    return {name: values[start:end] for name, values in told.items()}


def _summed(totals: Array) -> Array:
    """Sums over the second axis, pairwise as NumPy adds along memory."""
    return np.asarray(np.ascontiguousarray(np.moveaxis(totals, 1, -1)).sum(axis=-1))
