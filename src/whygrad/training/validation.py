"""Cost and score on the rows held out."""

from __future__ import annotations

from ..engines import find
from ..language.order import prerequisites
from ..network.data import Arrays
from ..network.network import BaseNetwork
from .trainer import Trainer


class Validation:
    """The forward pass over the rows that a trainer holds out, compiled as for prediction."""

    def __init__(self, net: BaseNetwork, trainer: Trainer, arrays: Arrays) -> None:
        self.trainer = trainer
        self.score = trainer.score
        self.cost = str(net.system.cost)
        wanted = [self.cost, self.score.prediction.name] if self.score else [self.cost]
        system = prerequisites(net.stable_system(), wanted)
        dtype = trainer.run.dtype
        self.program = find(trainer.run.engine, trainer.run.threads).compile(
            system, net.open_sizes_for(system, arrays), wanted, dtype=dtype, training=False
        )
        self.arrays = {
            name: array.astype(dtype, copy=False) if array.dtype.kind == "f" else array
            for name, array in trainer.samples.take(trainer.held_out).items()
        }

    def measure(self) -> tuple[float, float | None]:
        """Cost and score, if there is one, at the values that the trainer has reached."""
        values = self.program.run({**self.trainer.values, **self.arrays})
        score = self.score.measure(values, self.arrays) if self.score else None
        return float(values[self.cost]), score
