"""All contenders on the same work in turn, and their weights compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from math import ceil
from statistics import median
from typing import Self

import numpy as np

from .errors import Disagreement, Unable
from .peak import Peak
from .peers import ENGINE, OURS, PEERS, TRUTH, Peer
from .process import CORES, Process
from .timed import Timed
from .workloads import Array, Workload

COMPARED = 40
"""Steps after which weights are compared: few enough for rounding to stay rounding."""

TOLERANCE = 1e-2
"""How far from those in double precision they may be, as a share of the way they have gone.

Most are nearer by three digits, but a relu whose argument is nearly 0 may open in one precision
alone, and among millions of them some do.
"""

SHARE = 20
"""How many times as long as what is done only once (data checked, equations read) a round lasts."""

ROUNDING = float(np.finfo(np.float32).eps) * COMPARED**0.5
"""How far so many roundings lead, each in a direction of its own, as a share of the length."""

Weights = list[tuple[Array, Array]]


@dataclass(frozen=True)
class Entry:
    """A contender in its process."""

    peer: Peer
    process: Process


@dataclass
class Result:
    """What was measured on one workload.

    Args:
        seconds: a step, in each round, by title and number of threads.
        distances: of the weights from those in double precision, likewise.
        sgemm, arithmetic: GFLOP/s on all cores, in each round.
    """

    workload: Workload
    seconds: dict[tuple[str, int | None], list[float]] = field(default_factory=dict)
    distances: dict[tuple[str, int | None], float] = field(default_factory=dict)
    sgemm: list[float] = field(default_factory=list)
    arithmetic: list[float] = field(default_factory=list)

    def best(self, title: str) -> tuple[float, int | None] | None:
        """The median of a contender in its best number of threads, and that number."""
        found = [
            (median(seconds), threads)
            for (name, threads), seconds in self.seconds.items()
            if name == title
        ]
        return min(found, key=lambda pair: pair[0], default=None)

    @property
    def ratio(self) -> float | None:
        """How many times faster than the fastest peer `net.train` is."""
        peers = [best[0] for peer in PEERS if (best := self.best(peer.title))]
        ours = self.best(OURS.title)
        return min(peers) / ours[0] if peers and ours else None

    @property
    def speed(self) -> float | None:
        """GFLOP/s of `net.train`."""
        ours = self.best(OURS.title)
        return self.workload.operations / ours[0] / 1e9 if ours else None


class Contest:
    """The processes of all who are installed, alive for as long as this is entered."""

    def __init__(self, peers: Sequence[Peer] = (OURS, ENGINE, *PEERS)) -> None:
        self._peers = [peer for peer in peers if peer.installed]
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        def start(kind: type, argument: object, threads: int | None) -> Process:
            return self._stack.enter_context(Process(kind, argument, threads=threads))

        self._truth = Entry(TRUTH, start(Timed, TRUTH, None))
        self._peak = start(Peak, CORES, CORES)
        self._entries = [
            Entry(peer, start(Timed, peer, threads))
            for peer in self._peers
            for threads in peer.threads
        ]
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(
        self, workload: Workload, rounds: int, seconds: float, note: Callable[[str], None]
    ) -> Result:
        """Measure a workload in rounds of about so many seconds for each contender."""
        result = Result(workload)
        note(f"{workload.name}: in double precision")
        short = workload.short(COMPARED)
        truth = _trained(self._truth, short)
        given: dict[Entry, Workload] = {}
        epochs: dict[Entry, int] = {}
        for entry in self._entries:
            key = (entry.peer.title, entry.process.threads)
            note(f"{workload.name}: {entry.peer.title} prepares")
            try:
                distance = distances(_trained(entry, short), truth, short.weights())
            except Unable:
                continue
            if not distance <= TOLERANCE:
                raise Disagreement(
                    f"after {COMPARED} steps the weights of {entry.peer.title} are {distance:.1e} "
                    f"of their way from those in double precision, and {TOLERANCE:.0e} is tolerated"
                )
            result.distances[key] = distance
            given[entry] = _bounded(entry.process, workload, seconds)
            entry.process.ask("begin", given[entry])
            epochs[entry] = _enough(entry.process, seconds)
        for turn in range(1, rounds + 1):
            for entry, count in epochs.items():
                note(f"{workload.name}: round {turn}/{rounds}, {entry.peer.title}")
                taken = entry.process.ask("train", count) / (count * given[entry].steps)
                key = (entry.peer.title, entry.process.threads)
                result.seconds.setdefault(key, []).append(taken)
            result.sgemm.append(self._peak.ask("sgemm"))
            result.arithmetic.append(self._peak.ask("arithmetic"))
        return result


def distances(weights: Weights, truth: Weights, start: Weights) -> float:
    """The largest distance of an array from the truth, as a share of the way it went there.

    Weights that hardly move cannot do so exactly: `ROUNDING` of an array's length is rounding, and
    so much is added to the way that it counts no more than what is tolerated.
    """

    def all_of(layers: Weights) -> Iterable[Array]:
        return (array.astype(np.float64) for layer in layers for array in layer)

    shares = []
    for ours, true, first in zip(all_of(weights), all_of(truth), all_of(start), strict=True):
        way = np.linalg.norm(true - first) + ROUNDING / TOLERANCE * np.linalg.norm(true)
        shares.append(np.linalg.norm(ours - true) / way)
    return float(np.max(shares))


def _trained(entry: Entry, workload: Workload) -> Weights:
    entry.process.ask("begin", workload)
    entry.process.ask("train", 1)
    weights: Weights = entry.process.ask("weights")
    return weights


def _bounded(process: Process, workload: Workload, seconds: float) -> Workload:
    """The workload, with fewer rows for a contender whose epoch would last longer than a round.

    The contender is prepared for a short one.
    """
    one, three = process.ask("train", 1), process.ask("train", 3)
    step = (three - one) / (2 * COMPARED)
    if step * workload.steps <= seconds:
        return workload
    return workload.short(max(COMPARED, ceil(seconds / step)))


def _enough(process: Process, seconds: float) -> int:
    """How many epochs last about so long, and much longer than what a training does only once.

    Each number tried warms up, too.
    """
    process.ask("train", 1)
    one: float = process.ask("train", 1)
    more, taken = 0, one
    while taken < max(seconds / 2, 2 * one):
        more = 2 * more or 1
        taken = process.ask("train", 1 + more)
    epoch = (taken - one) / more if more else one
    return max(1, round(max(seconds, SHARE * (one - epoch)) / epoch))
