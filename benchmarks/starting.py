"""From the start of Python to the end of the first step of a small network, and its memory.

Each script in `first_steps/` runs in a process of its own, with its caches of compiled code in an
empty folder, and then once more with what the first left there.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import monotonic

from .peers import Peer
from .process import ROOT, environment
from .report import number, table

SCRIPTS = Path(__file__).parent / "first_steps"
CACHES = ("WHYGRAD_CACHE", "TORCHINDUCTOR_CACHE_DIR", "JAX_COMPILATION_CACHE_DIR")

# runs a script, then says what time it is and how much memory was the most, in KiB
RUN = """
import sys
exec(compile(open(sys.argv[1]).read(), sys.argv[1], "exec"))
import json, resource, time
most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([time.monotonic(), most / 1024 ** (sys.platform == "darwin")]))
"""


@dataclass
class Start:
    """Seconds with an empty and a filled cache, and MiB with an empty one, in each round."""

    title: str
    cold: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)


def measure(peers: Sequence[Peer], rounds: int, note: Callable[[str], None]) -> list[Start]:
    """The peers in turn, after a first time that fills the memory of the file system."""
    started = [peer for peer in peers if peer.installed and peer.start]
    found = {peer.title: Start(peer.title) for peer in started}
    for turn in range(rounds + 1):
        for peer in started:
            note(f"first step: round {turn}/{rounds}, {peer.title}")
            with TemporaryDirectory() as folder:
                cold, memory = first_step(peer, folder)
                warm, _ = first_step(peer, folder)
            if turn:
                start = found[peer.title]
                start.cold.append(cold)
                start.warm.append(warm)
                start.memory.append(memory)
    return list(found.values())


def first_step(peer: Peer, folder: str) -> tuple[float, float]:
    """Seconds to the end of the step, and MiB."""
    caches = {name: folder for name in CACHES} | {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    start = monotonic()
    done = subprocess.run(
        [sys.executable, "-P", "-c", RUN, str(SCRIPTS / f"{peer.start}.py")],
        env=environment(None) | caches,
        stdout=subprocess.PIPE,
        check=True,
        cwd=ROOT,
    )
    end, memory = json.loads(done.stdout.splitlines()[-1])
    return end - start, memory / 1024


def start_table(starts: Sequence[Start]) -> str:
    """Medians."""
    rows = [
        [s.title, number(median(s.cold)), number(median(s.warm)), number(median(s.memory))]
        for s in starts
    ]
    header = ["from starting Python to the first step", "cold, s", "warm, s", "memory, MiB"]
    return table(header, rows)
