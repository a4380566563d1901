"""whygrad: `net.train` with all that it does, and the engine's epoch alone."""

from __future__ import annotations

import whygrad as wg
from whygrad.training import Run
from whygrad.training.run import fingerprint
from whygrad.training.trainer import Trainer

from ..workloads import Array, Workload

OPTIMIZERS = {"sgd": wg.SGD, "adam": wg.Adam}


class _Ours:
    engine = "native"
    dtype = "float32"

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.x, self.y = workload.samples()
        *hidden, last = workload.widths[1:]
        end = None if workload.cost == "cross_entropy" else workload.activation
        layers = [wg.Dense(width, workload.activation) for width in hidden]
        self.net = wg.Sequential([*layers, wg.Dense(last, end)], cost=workload.cost)
        self.net.init(x=self.x, y=self.y)
        self.optimizer = OPTIMIZERS[workload.optimizer](lr=workload.lr)
        self.restart()

    def restart(self) -> None:
        for number, (w, b) in enumerate(self.workload.weights(), start=1):
            self.net.params[f"w{number}"], self.net.params[f"b{number}"] = w, b


class Train(_Ours):
    """From the call of `net.train` until it returns: derivation, data, history, all of it."""

    def train(self, epochs: int) -> None:
        """See `Contender.train`."""
        self.restart()
        self.net.train(
            x=self.x,
            y=self.y,
            epochs=epochs,
            batch_size=self.workload.batch,
            optimizer=self.optimizer,
            dtype=self.dtype,
            engine=self.engine,
        )

    def weights(self) -> list[tuple[Array, Array]]:
        """See `Contender.weights`."""
        return _layers(self.net.params)


class Truth(Train):
    """The reference engine in double precision, against which all weights are compared."""

    engine = "reference"
    dtype = "float64"


class Engine(_Ours):
    """The program's epochs alone, on rows in one order."""

    def __init__(self, workload: Workload) -> None:
        super().__init__(workload)
        self.order, *_ = workload.orders(1)
        self.arrays = self.net.bind({"x": self.x, "y": self.y}, {})
        self.trainer = self._trainer()

    def train(self, epochs: int) -> None:
        """See `Contender.train`."""
        trainer = self.trainer
        for epoch in range(epochs):
            trainer.program.epoch(
                trainer.values, self.order, self.workload.batch, step=epoch * self.workload.steps
            )

    def weights(self) -> list[tuple[Array, Array]]:
        """See `Contender.weights`."""
        return _layers(self.trainer.values)

    def _trainer(self) -> Trainer:
        run = Run(
            optimizer=self.optimizer,
            epochs=1,
            batch_size=self.workload.batch,
            validation=0.0,
            patience=None,
            seed=0,
            dtype=self.dtype,
            engine=self.engine,
            fingerprint=fingerprint(self.arrays),
            arrays={name: array.copy() for name, array in self.net.values().items()},
        )
        return Trainer(self.net, run, self.arrays)


def _layers(arrays: dict[str, Array]) -> list[tuple[Array, Array]]:
    numbers = range(1, 1 + sum(name.startswith("w") and name[1:].isdigit() for name in arrays))
    return [(arrays[f"w{i}"], arrays[f"b{i}"]) for i in numbers]
