"""A contender whose work is timed, as it sits in a worker's process."""

from __future__ import annotations

from time import perf_counter

from .peers import Contender, Peer
from .workloads import Array, Workload


class Timed:
    """What a contender can be asked."""

    def __init__(self, peer: Peer) -> None:
        self.kind = peer.load()
        self.contender: Contender

    def begin(self, workload: Workload) -> None:
        """Prepare a workload."""
        self.contender = self.kind(workload)
        self.contender.tune()

    def train(self, epochs: int) -> float:
        """How many seconds so many epochs take."""
        start = perf_counter()
        self.contender.train(epochs)
        return perf_counter() - start

    def weights(self) -> list[tuple[Array, Array]]:
        """Those after the last training."""
        return self.contender.weights()

    def compiling(self, workload: Workload) -> float:
        """How many seconds longer the first training takes than the same once more."""
        start = perf_counter()
        self.contender = self.kind(workload)
        self.contender.train(1)
        return perf_counter() - start - self.train(1)
