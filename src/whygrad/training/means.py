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
        self._told: list[Arrays] = []
        self._count = 0

    def take(self, told: Arrays) -> list[Mean]:
        """Note some more steps: the means of the epochs that they finish.

        No bit depends on how many steps are told of at once.
        """
        self._told.append(told)
        self._count += len(told[self.cost])
        epochs, self._count = divmod(self._count, self.steps)
        if not epochs:
            return []
        whole: Arrays = {}
        rest: Arrays = {}
        for name in told:
            values = np.concatenate([each[name] for each in self._told])
            end = epochs * self.steps
            whole[name] = values[:end].reshape(epochs, self.steps, *values.shape[1:])
            rest[name] = values[end:]
        self._told = [rest]
        costs = (whole[self.cost] * self._shares).sum(axis=1).tolist()
        if self.score is None:
            return [(cost, None) for cost in costs]
        scores = self.score.values(_summed(whole[TOTAL]), self._scale).tolist()
        return list(zip(costs, scores, strict=True))


def _summed(totals: Array) -> Array:
    """Sums over the second axis, pairwise as NumPy adds along memory."""
    return np.asarray(np.ascontiguousarray(np.moveaxis(totals, 1, -1)).sum(axis=-1))
