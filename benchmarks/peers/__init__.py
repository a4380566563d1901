"""Who takes part: a file for each, which does the work as a user who knows it well would."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from time import perf_counter
from typing import Protocol

from ..workloads import Array, Workload


class Contender(Protocol):
    """Trains one workload."""

    def __init__(self, workload: Workload) -> None:
        """Bring the data where they are needed.

        Raises Unable for a workload that it has no means for.
        """

    def tune(self) -> None:
        """Try several ways to do it, and keep the fastest."""

    def train(self, epochs: int) -> None:
        """Train from the first weights on, and come back when it is done."""

    def weights(self) -> list[tuple[Array, Array]]:
        """W[in, out] and b[out] of each layer as the last training left them."""


@dataclass(frozen=True)
class Peer:
    """A contender that may not be installed.

    Args:
        title: for the tables.
        package: to which it belongs.
        module: of that package, by which it is found to be installed.
        place: where its contender is in this package, as "file.Class".
        threads: numbers of threads to try, the best of which counts; None leaves it to choose.
        start: its script in `first_steps/`, if it has one.
        compiles: whether it makes code for a network, and takes its time for it.
    """

    title: str
    package: str
    module: str
    place: str
    threads: tuple[int | None, ...] = (1, 2)
    start: str = ""
    compiles: bool = False

    @property
    def installed(self) -> bool:
        return find_spec(self.module) is not None

    def load(self) -> type[Contender]:
        """The class that does the work."""
        file, name = self.place.split(".")
        kind: type[Contender] = getattr(import_module(f"{__name__}.{file}"), name)
        return kind


_WHYGRAD = ("whygrad", "whygrad")
OURS = Peer("whygrad", *_WHYGRAD, "whygrad.Train", (None,), "with_whygrad", compiles=True)
ENGINE = Peer("whygrad's engine", *_WHYGRAD, "whygrad.Engine", (None,))
TRUTH = Peer("whygrad in double precision", *_WHYGRAD, "whygrad.Truth", (None,))
_COMPILED = "with_pytorch_compiled"
PEERS = (
    Peer("PyTorch", "torch", "torch", "pytorch.Eager", start="with_pytorch"),
    Peer("PyTorch compiled", "torch", "torch", "pytorch.Compiled", start=_COMPILED, compiles=True),
    Peer("JAX", "jax", "jax", "jax.Scan", start="with_jax", compiles=True),
    Peer(
        "scikit-learn",
        "scikit-learn",
        "sklearn",
        "scikit_learn.PartialFit",
        start="with_scikit_learn",
    ),
)


def fastest(ways: Sequence[Callable[[], object]]) -> int:
    """Which of several ways to do the same is the fastest, each tried after a first time."""

    def seconds(way: Callable[[], object]) -> float:
        start = perf_counter()
        way()
        return perf_counter() - start

    for way in ways:
        way()
    times = [min(seconds(way) for _ in range(3)) for way in ways]
    return times.index(min(times))
