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
        self.batch_size = trainer.batch_size
        self.rows = len(trainer.rows)
        self.score = trainer.score
        self.cost = str(trainer.system.cost)
        if self.score:
            targets = trainer.samples.one(self.score.target.name, trainer.rows)
            self._scale = self.score.scale(targets)
        self._begun: list[Arrays] = []

    def take(self, told: Arrays) -> list[Mean]:
        """Note some more steps, within an epoch or up to the end of one: the means of the epochs
        that they finish.

        No bit depends on how many steps are told of at once.
        """
        done = sum(len(each[self.cost]) for each in (*self._begun, told))
        if done % self.steps:
            # the next steps are told of in the same memory
            self._begun.append({name: values.copy() for name, values in told.items()})
            return []
        if self._begun:
            parts, self._begun = [*self._begun, told], []
            told = {name: np.concatenate([part[name] for part in parts]) for name in told}
        return self._means(told)

    def _means(self, told: Arrays) -> list[Mean]:
        """Of whole epochs."""
        whole = {name: v.reshape(-1, self.steps, *v.shape[1:]) for name, v in told.items()}
        costs = whole[self.cost]
        missing = self.steps * self.batch_size - self.rows  # from the last batch
        sums = self.batch_size * _summed(costs) - missing * costs[:, -1]
        means = (sums / self.rows).tolist()
        if self.score is None:
            return [(mean, None) for mean in means]
        scores = self.score.values(_summed(whole[TOTAL]), self._scale).tolist()
        return list(zip(means, scores, strict=True))


def _summed(totals: Array) -> Array:
    """Sums over the second axis, pairwise as NumPy adds along memory."""
    return np.asarray(np.ascontiguousarray(np.moveaxis(totals, 1, -1)).sum(axis=-1))
