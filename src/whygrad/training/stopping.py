"""Early stopping: the values that were best on the rows held out."""

from __future__ import annotations

from math import inf

from .trainer import Checkpoint, Trainer


class Stopping:
    """Notes the best epoch, and says when there was none better for so many epochs."""

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.epoch = 0
        self.best = 0
        self._lowest = inf
        self._checkpoint: Checkpoint | None = None

    def over(self, cost: float, trainer: Trainer) -> bool:
        """Take in the validation cost of one more epoch; whether it is time to stop."""
        self.epoch += 1
        if cost < self._lowest:
            self.best, self._lowest, self._checkpoint = self.epoch, cost, trainer.checkpoint()
        return self.epoch - self.best >= self.patience

    def restore(self, trainer: Trainer) -> None:
        """Go back to the best values, if any had a finite cost."""
        if self._checkpoint:
            trainer.restore(self._checkpoint)
