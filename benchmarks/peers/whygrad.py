"""whygrad: `net.train` with all that it does, and the engine's epoch alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import whygrad as wg
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

    def tune(self) -> None:
        """See `Contender.tune`: there is one way."""

    def restart(self) -> None:
        """Take the first weights."""
        for number, (w, b) in enumerate(self.workload.weights(), start=1):
            self.net.params[f"w{number}"], self.net.params[f"b{number}"] = w, b

    def net_train(self, epochs: int, rows: int | None = None) -> None:
        """Call `net.train`, on the first rows alone if so many are given."""
        self.net.train(
            x=self.x[:rows],
            y=self.y[:rows],
            epochs=epochs,
            batch_size=self.workload.batch,
            optimizer=self.optimizer,
            dtype=self.dtype,
            engine=self.engine,
        )


class Train(_Ours):
    """From the call of `net.train` until it returns: data, equations, history, all of it."""

    def train(self, epochs: int) -> None:
        """See `Contender.train`."""
        self.restart()
        self.net_train(epochs)

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
        self.net_train(1, rows=workload.batch)
        assert self.net.run
        data = self.net.bind({}, {"x": self.x, "y": self.y})
        self.trainer = Trainer(self.net, self.net.run, data)
        self.room: dict[str, Any] = {}

    def train(self, epochs: int) -> None:
        """See `Contender.train`."""
        trainer = self.trainer
        for epoch in range(epochs):
            trainer.program.epoch(
                trainer.values,
                self.order,
                self.workload.batch,
                step=epoch * self.workload.steps,
                room=self.room,
            )

    def weights(self) -> list[tuple[Array, Array]]:
        """See `Contender.weights`."""
        return _layers(self.trainer.values)


def _layers(arrays: Mapping[str, Any]) -> list[tuple[Array, Array]]:
    numbers = range(1, 1 + sum(name.startswith("w") and name[1:].isdigit() for name in arrays))
    return [(np.asarray(arrays[f"w{i}"]), np.asarray(arrays[f"b{i}"])) for i in numbers]
