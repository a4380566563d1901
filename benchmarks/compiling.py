"""How long a large and a deep network take to compile.

In a fresh process with an empty cache, after the imports: from the equations or the model, the data
at hand, to the end of the first step, less the same step again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from tempfile import TemporaryDirectory

from .peers import Peer
from .process import CORES, Process
from .report import number, table
from .starting import CACHES
from .timed import Timed
from .workloads import HUNDRED, TABLE, Workload

COMPILED = (*(w for w in TABLE if w.name == "wide"), HUNDRED)


@dataclass
class Compilation:
    """Seconds in each round, by title."""

    workload: Workload
    seconds: dict[str, list[float]] = field(default_factory=dict)


def measure(peers: Sequence[Peer], rounds: int, note: Callable[[str], None]) -> list[Compilation]:
    """The peers in turn."""
    compilers = [peer for peer in peers if peer.installed and peer.compiles]
    found = [Compilation(workload.short(1)) for workload in COMPILED]
    for compilation in found:
        for turn in range(1, rounds + 1):
            for peer in compilers:
                name = compilation.workload.name
                note(f"compiling {name}: round {turn}/{rounds}, {peer.title}")
                seconds = compilation.seconds.setdefault(peer.title, [])
                seconds.append(compiling(peer, compilation.workload))
    return found


def compiling(peer: Peer, workload: Workload) -> float:
    """Seconds."""
    with TemporaryDirectory() as folder:
        caches = dict.fromkeys(CACHES, folder)
        threads = None if peer.threads == (None,) else CORES
        with Process(Timed, peer, threads=threads, variables=caches) as process:
            return float(process.ask("compiling", workload))


def compiling_table(compilations: Sequence[Compilation]) -> str:
    """Medians in seconds."""
    titles = list(compilations[0].seconds)
    rows = [
        [c.workload.name, *(number(median(c.seconds[t])) for t in titles)] for c in compilations
    ]
    return table(["compiling, s", *titles], rows)
