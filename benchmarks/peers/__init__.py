"""Who takes part: a file for each, which does the work as a user who knows it well would."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from time import perf_counter
from typing import Protocol

from ..workloads import Array, Workload


class Unable(Exception):
    """Raised for a workload that a contender has no means for: it is then a blank."""


class Contender(Protocol):
    """Trains one workload."""

    def __init__(self, workload: Workload) -> None:
        """Do what is done once: bring the data where they are needed, compile."""

    def train(self, epochs: int) -> None:
        """Train from the first weights on, and come back when it is done."""

    def weights(self) -> list[tuple[Array, Array]]:
        """W[in, out] and b[out] of each layer as the last training left them."""


@dataclass(frozen=True)
class Peer:
    """A contender that may not be installed.

    `threads` are the numbers of threads to try, the best of which counts; None leaves it to choose.
    `start` is the script in `first_steps/` that takes one step, if there is one.
    """

    title: str
    module: str
    contender: str
    requires: str
    threads: tuple[int | None, ...] = (1, 2)
    start: str = ""

    @property
    def installed(self) -> bool:
        return find_spec(self.requires) is not None

    def load(self) -> type[Contender]:
        """The class that does the work."""
        kind: type[Contender] = getattr(
            import_module(f"{__name__}.{self.module}"), self.contender
        )
        return kind


OURS = Peer("whygrad", "whygrad", "Train", "whygrad", (None,), "with_whygrad")
ENGINE = Peer("whygrad's engine", "whygrad", "Engine", "whygrad", (None,))
TRUTH = Peer("float64", "whygrad", "Truth", "whygrad", (None,))
PEERS = (
    Peer("PyTorch", "pytorch", "Eager", "torch", start="with_pytorch"),
    Peer("PyTorch compiled", "pytorch", "Compiled", "torch", start="with_pytorch_compiled"),
    Peer("JAX", "jax", "Scan", "jax", start="with_jax"),
    Peer("scikit-learn", "scikit_learn", "PartialFit", "sklearn", start="with_scikit_learn"),
)


def fastest(ways: list[Callable[[], object]]) -> int:
    """Which of several ways to do the same is the fastest, each tried after a first time."""

    def seconds(way: Callable[[], object]) -> float:
        start = perf_counter()
        way()
        return perf_counter() - start

    for way in ways:
        way()
    times = [min(seconds(way) for _ in range(3)) for way in ways]
    return times.index(min(times))
