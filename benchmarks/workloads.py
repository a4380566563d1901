"""What is trained: networks of dense layers, their data, first weights and order of samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice, pairwise

import numpy as np
from numpy.typing import NDArray

from . import data

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Workload:
    """A training, the same for all who take part.

    Args:
        name: for the table.
        widths: of the input, the hidden layers and the output.
        activation: of the hidden layers: relu, tanh or sigmoid.
        batch: rows to a step.
        rows: of the data; a multiple of the batch, so that all steps are alike.
        source: the function in `data` that makes or reads the data.
        cost: cross_entropy (of logits), or half_squared_error, before which the activation
            stands once more.
        optimizer: sgd or adam, with its textbook constants.
        lr: the learning rate.
        target: how many times faster than the fastest peer it should be.
    """

    name: str
    widths: tuple[int, ...]
    activation: str
    batch: int
    rows: int
    source: str = "random"
    cost: str = "cross_entropy"
    optimizer: str = "sgd"
    lr: float = 0.05
    target: float = 1.0

    @property
    def steps(self) -> int:
        """In an epoch."""
        return self.rows // self.batch

    @property
    def layers(self) -> str:
        """As in "2-16-2 relu, 32"."""
        adam = ", Adam" if self.optimizer == "adam" else ""
        return f"{'-'.join(map(str, self.widths))} {self.activation}, {self.batch}{adam}"

    @property
    def operations(self) -> int:
        """Multiplications and additions in the matrix products of a step.

        Each layer has three products: forward, the derivative of its weights, and that of its
        input, which the first layer does not need.
        """
        sizes = [a * b for a, b in pairwise(self.widths)]
        return 2 * self.batch * (3 * sum(sizes) - sizes[0])

    def short(self, steps: int) -> Workload:
        """The same with an epoch of so many steps."""
        return replace(self, rows=steps * self.batch)

    def samples(self) -> tuple[Array, NDArray[np.int64] | Array]:
        """x[rows, inputs], and the class numbers y[rows] or targets y[rows, outputs]."""
        x, y = getattr(data, self.source)(self.rows, self.widths[0], self.widths[-1])
        if self.cost == "half_squared_error":
            y = (y[:, None] == np.arange(self.widths[-1])).astype(np.float32)
        return x, y

    def weights(self) -> list[tuple[Array, Array]]:
        """The first W[in, out] and b[out] of each layer: Glorot's uniform ones, and zeros."""
        rng = np.random.default_rng(1)
        weights = []
        for a, b in pairwise(self.widths):
            limit = (6 / (a + b)) ** 0.5
            w = rng.uniform(-limit, limit, (a, b)).astype(np.float32)
            weights.append((w, np.zeros(b, np.float32)))
        return weights

    def orders(self, epochs: int) -> Iterator[NDArray[np.int64]]:
        """The order of the rows in each epoch: that of `net.train` with the seed 0."""
        from whygrad.training.batches import Shuffle

        shuffle = Shuffle(np.arange(self.rows), 0)
        starts = range(0, epochs * self.rows, self.rows)
        return (shuffle.places(start, start + self.rows) for start in starts)


_SEED = Workload(
    "seed", (1, 1, 1), "sigmoid", 1, 16_000, cost="half_squared_error", lr=0.5, target=1.2
)
_SPIRAL = Workload("spiral", (2, 16, 16, 2), "relu", 32, 16_000, "spiral", target=12)
_FASHION = Workload("fashion", (784, 128, 64, 10), "relu", 64, 60_000 // 64 * 64, "fashion")

TABLE = (
    _SEED,
    replace(_SEED, name="seed32", batch=32, target=10),
    _SPIRAL,
    replace(_SPIRAL, name="spiral-tanh", activation="tanh", target=8),
    Workload("digits", (64, 32, 32, 10), "relu", 32, 1792, "digits", target=3.5),
    replace(_FASHION, target=2.2),
    replace(_FASHION, name="fashion-adam", optimizer="adam", lr=0.001),
    Workload("wide", (784, 512, 512, 10), "relu", 128, 12_800, target=1.3),
)

HUNDRED = Workload("hundred layers", (64, *[64] * 99, 10), "relu", 32, 32)


def drawn(count: int, seed: int = 0) -> Iterator[Workload]:
    """Shapes drawn at random: odd widths, deep and thin, batch 1 and batch 1,000, in turn.

    They learn slowly, those with a batch of one still more so: labels are random, and larger steps
    diverge.
    """
    rng = np.random.default_rng(seed)

    def widths(depth: tuple[int, int], low: int, high: int) -> tuple[int, ...]:
        inner = rng.integers(low, high, size=rng.integers(*depth)) | 1
        return (int(rng.integers(3, 400)), *map(int, inner), int(rng.integers(2, 20)))

    def kinds() -> Iterator[tuple[str, tuple[int, ...], int]]:
        while True:
            yield "odd", widths((1, 4), 5, 400), int(rng.integers(8, 200))
            yield "deep", widths((6, 13), 4, 24), int(rng.integers(8, 64))
            yield "one", widths((1, 4), 4, 128), 1
            yield "thousand", widths((1, 4), 8, 256), 1000

    for number, (kind, sizes, batch) in enumerate(islice(kinds(), count), start=1):
        activation = str(rng.choice(["relu", "tanh", "sigmoid"]))
        rows = batch * max(10, 4000 // batch)
        lr = 0.001 if batch == 1 else 0.01
        yield Workload(f"{kind}-{number}", sizes, activation, batch, rows, lr=lr)
