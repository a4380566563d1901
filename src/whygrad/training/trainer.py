"""Runs epochs of training steps, and goes back where numbers are no longer finite."""

from __future__ import annotations

import numpy as np

from ..engines.base import Program
from ..engines.reference import ReferenceEngine
from ..errors import TrainingError
from ..network.data import Arrays
from ..network.network import BaseNetwork
from ..network.optimizers import Optimizer
from .batches import BATCH_SIZE, Rows, Samples
from .score import RIGHTS, Score
from .step import step_system


class Trainer:
    """A network's training step, compiled, and the values it has reached."""

    def __init__(
        self,
        net: BaseNetwork,
        optimizer: Optimizer,
        arrays: Arrays,
        score: Score | None,
        batch_size: int | None,
        dtype: str,
        seed: int,
    ) -> None:
        self.net, self.score, self.seed = net, score, seed
        self.samples = Samples(net.system, arrays)
        self.batch_size = batch_size or BATCH_SIZE
        self.steps = 0
        self.trail: list[tuple[Arrays, Rows, int]] = []
        whole = BaseNetwork(step_system(net, optimizer, score))
        whole.init(sizes=net.sizes, data=arrays)
        whole.settings.update(net.settings)
        self.cost = str(whole.system.cost)
        updates = [f"{u.name} <-" for u in whole.system.updates]
        self.updated = [u.name for u in whole.system.updates]
        self.program: Program = ReferenceEngine().compile(
            whole.system,
            whole.open_sizes_for(whole.system, arrays),
            (self.cost, *updates),
            dtype=dtype,
            training=True,
        )
        everything = {**whole.values(), **net.params, **net.states, **arrays}
        self.values = {
            name: array.astype(dtype, copy=name in self.updated)
            if array.dtype.kind == "f"
            else array
            for name, array in everything.items()
        }

    def epoch(self, order: Rows) -> tuple[float, float]:
        """Train on the rows in this order; the means of cost and accuracy over them.

        Accuracy is 0 where there is none. Raises TrainingError; the values are then the last
        ones whose cost was finite.
        """
        self.trail = [*self.trail[-1:], (self._snapshot(), order, self.steps)]
        if self.score:
            self.values[RIGHTS][...] = 0
        try:
            costs = self.program.epoch(
                self.values, order, self.batch_size, seed=self.seed, step=self.steps
            )
        except TrainingError as error:
            self.values.update(self._last_good())
            raise TrainingError(
                f"{error}\nThe network keeps the last parameters whose cost was finite. "
                "Try a smaller learning rate, or look for a log, a root, a division or an exp "
                "that leaves its range."
            ) from None
        finally:
            self._store()
        self.steps += len(costs)
        counts = np.diff([*range(0, len(order), self.batch_size), len(order)])
        right = float(self.values[RIGHTS]) if self.score else 0.0
        return float(np.average(costs, weights=counts)), right / len(order)

    def _snapshot(self) -> Arrays:
        return {name: self.values[name].copy() for name in self.updated}

    def _last_good(self) -> Arrays:
        """Run the last two epochs once more, up to the last values whose cost was finite."""
        good = self.trail[0][0]
        self.values.update(good)
        for _, order, steps in self.trail:
            for first in range(0, len(order), self.batch_size):
                rows = order[first : first + self.batch_size]
                before = self._snapshot()
                batch = {**self.values, **self.samples.take(rows)}
                step = steps + first // self.batch_size
                if not np.isfinite(self.program.run(batch, seed=self.seed, step=step)[self.cost]):
                    return good
                good = before
                try:
                    self.program.epoch(self.values, rows, len(rows), seed=self.seed, step=step)
                except TrainingError:
                    return good
        return good

    def _store(self) -> None:
        """Hand the values to the network."""
        for kept in (self.net.params, self.net.states):
            kept.update({name: self.values[name] for name in kept})
