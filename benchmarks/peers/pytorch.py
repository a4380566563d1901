"""PyTorch, step by step as in its tutorials, and with the whole step compiled."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..workloads import Array, Workload
from . import fastest

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}


def half_squared_error(values: Tensor, y: Tensor) -> Tensor:
    return ((values - y) ** 2).sum(1).mean() / 2


class _PyTorch(ABC):
    at_once = False

    def __init__(self, workload: Workload) -> None:
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        self.workload = workload
        x, y = workload.samples()
        self.x, self.y = torch.from_numpy(x), torch.from_numpy(y)
        logits = workload.cost == "cross_entropy"
        self.cost = F.cross_entropy if logits else half_squared_error
        parts: list[nn.Module] = []
        for a, b in pairwise(workload.widths):
            parts += [nn.Linear(a, b), ACTIVATIONS[workload.activation]()]
        self.model = nn.Sequential(*parts[: -1 if logits else None])
        self.linear = [part for part in parts if isinstance(part, nn.Linear)]

    def tune(self) -> None:
        """See `Contender.tune`."""
        self.at_once = fastest([partial(self.epochs, 1, way) for way in (False, True)]) == 1

    @abstractmethod
    def epochs(self, epochs: int, at_once: bool) -> None:
        """Go on from the weights at hand; `at_once` is that of `batches`."""

    def restart(self) -> None:
        """Take the first weights."""
        with torch.no_grad():
            for part, (w, b) in zip(self.linear, self.workload.weights(), strict=True):
                part.weight.copy_(torch.from_numpy(w.T))
                part.bias.copy_(torch.from_numpy(b))

    def batches(self, epochs: int, at_once: bool) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches in order: each is taken out of the data by itself, or an epoch at once."""
        batch = self.workload.batch
        for order in self.workload.orders(epochs):
            rows = torch.from_numpy(order)
            if at_once:
                x, y = self.x.index_select(0, rows), self.y.index_select(0, rows)
                yield from zip(x.split(batch), y.split(batch), strict=True)
            else:
                for some in rows.split(batch):
                    yield self.x.index_select(0, some), self.y.index_select(0, some)

    def train(self, epochs: int) -> None:
        """See `Contender.train`."""
        self.restart()
        self.epochs(epochs, self.at_once)

    def weights(self) -> list[tuple[Array, Array]]:
        """See `Contender.weights`."""
        return [
            (part.weight.detach().numpy().T.copy(), part.bias.detach().numpy().copy())
            for part in self.linear
        ]


class Eager(_PyTorch):
    """`backward` and an optimiser, fused into one kernel as it can be."""

    def epochs(self, epochs: int, at_once: bool) -> None:
        """See `_PyTorch.epochs`."""
        kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
        kind = kinds[self.workload.optimizer]
        optimizer = kind(self.model.parameters(), lr=self.workload.lr, fused=True)
        total = torch.zeros(())
        for x, y in self.batches(epochs, at_once):
            optimizer.zero_grad()
            cost = self.cost(self.model(x), y)
            cost.backward()
            optimizer.step()
            total += cost.detach()


class Compiled(_PyTorch):
    """The whole step, its derivative and update too, as one function for `torch.compile`."""

    def __init__(self, workload: Workload) -> None:
        super().__init__(workload)
        torch.compiler.reset()  # of one function it keeps what it compiled for 8 workloads at most
        names = [name for name, _ in self.model.named_parameters()]
        self.parameters = [p.detach() for p in self.model.parameters()]
        update = _adam if workload.optimizer == "adam" else _sgd

        def cost(parameters: list[Tensor], x: Tensor, y: Tensor) -> Tensor:
            named = dict(zip(names, parameters, strict=True))
            return self.cost(torch.func.functional_call(self.model, named, (x,)), y)

        def step(
            parameters: list[Tensor], memory: list[Tensor], total: Tensor, x: Tensor, y: Tensor
        ) -> None:
            slopes, value = torch.func.grad_and_value(cost)(parameters, x, y)
            update(parameters, slopes, memory, workload.lr)
            total += value

        self.step = torch.compile(step, fullgraph=True, dynamic=False)

    def epochs(self, epochs: int, at_once: bool) -> None:
        """See `_PyTorch.epochs`."""
        zeros = [torch.zeros_like(p) for p in self.parameters * 2]
        memory = [torch.zeros(()), *zeros] if self.workload.optimizer == "adam" else []
        total = torch.zeros(())
        with torch.no_grad():
            for x, y in self.batches(epochs, at_once):
                self.step(self.parameters, memory, total, x, y)


def _sgd(parameters: list[Tensor], slopes: list[Tensor], memory: list[Tensor], lr: float) -> None:
    for w, slope in zip(parameters, slopes, strict=True):
        w -= lr * slope


def _adam(parameters: list[Tensor], slopes: list[Tensor], memory: list[Tensor], lr: float) -> None:
    count, *rest = memory
    count += 1
    means, squares = rest[: len(parameters)], rest[len(parameters) :]
    for w, slope, m, v in zip(parameters, slopes, means, squares, strict=True):
        m += 0.1 * (slope - m)
        v += 0.001 * (slope**2 - v)
        mean, square = m / (1 - 0.9**count), v / (1 - 0.999**count)
        w -= lr * mean / (square.sqrt() + 1e-8)
