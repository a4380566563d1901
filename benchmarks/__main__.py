"""whygrad against other frameworks on the same work."""

from __future__ import annotations

import argparse
import json
import platform
import signal
import sys
from collections.abc import Sequence
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import TypeVar

from . import compiling, starting
from .contest import Contest
from .errors import Disagreement, WorkerError
from .peers import ENGINE, OURS, PEERS, Peer
from .process import use_two_cores
from .report import contest_json, contest_table
from .workloads import TABLE, Workload, drawn

PARTS = ("contest", "start", "compile")
T = TypeVar("T")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = ", ".join(workload.name for workload in TABLE)
    parser.add_argument("--only", metavar="NAMES", help=f"workloads, with commas: {names}")
    parser.add_argument("--peers", metavar="NAMES", help="as 'JAX,PyTorch'; '' for none")
    parser.add_argument("--parts", metavar="NAMES", help=f"of {', '.join(PARTS)}; by default all")
    parser.add_argument("--random", type=int, default=4, metavar="K", help="shapes to be drawn")
    parser.add_argument("--seed", type=int, default=0, help="by which they are drawn")
    parser.add_argument("--rounds", type=int, default=5, help="of start and compile at most 3")
    parser.add_argument("--seconds", type=float, default=0.5, help="a round, for each contender")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all rounds there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables there")
    return parser.parse_args()


def named(names: str | None, known: dict[str, T]) -> list[T]:
    """Those whose names stand between commas, or all; ends the program for an unknown name."""
    asked = list(known) if names is None else [name for name in names.split(",") if name]
    for name in asked:
        if name not in known:
            sys.exit(f"unknown: {name!r}; known are {', '.join(known)}")
    return [known[name] for name in asked]


def machine() -> str:
    """The processor, and the versions of all who take part."""
    processor = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        lines = (line.partition(":") for line in information.read_text().splitlines())
        about = {name.strip(): value.strip() for name, _, value in lines}
        keys = ("model name", "cpu family", "model", "cache size")
        processor = ", ".join(f"{key} {about[key]}" for key in keys if key in about)
    installed = dict.fromkeys(peer.package for peer in (OURS, *PEERS) if peer.installed)
    versions = ", ".join(f"{name} {version(name)}" for name in installed)
    return f"{processor}; Python {platform.python_version()}, {versions}"


def note(line: str) -> None:
    """Say what is going on, where somebody is looking."""
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)


def compete(
    workloads: Sequence[Workload], peers: Sequence[Peer], asked: argparse.Namespace
) -> tuple[str, object, int]:
    """The contest: its tables, all that was measured, and how many workloads failed."""
    results, faults = [], []
    with Contest((OURS, ENGINE, *peers)) as contest:
        for workload in workloads:
            outcome = f"{workload.name}: measured"
            try:
                results.append(contest.run(workload, asked.rounds, asked.seconds, note))
            except (Disagreement, WorkerError) as error:
                outcome = f"{workload.name}: {error}"
                faults.append(outcome)
            note("")
            print(outcome, file=sys.stderr, flush=True)
    text = "\n\n".join([*([contest_table(results)] if results else []), *faults])
    return text, contest_json(results), len(faults)


def main() -> None:
    asked = arguments()
    known = {w.name: w for w in chain(TABLE, drawn(asked.random, asked.seed))}
    workloads, peers = named(asked.only, known), named(asked.peers, {p.title: p for p in PEERS})
    parts = named(asked.parts, {part: part for part in PARTS})
    use_two_cores()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that no worker is left behind
    tables: list[str] = []
    facts: dict[str, object] = {"machine": machine()}

    def show(text: str) -> None:
        note("")
        print(f"{text}\n", flush=True)
        tables.append(text)

    show(machine())
    failed, fresh = 0, min(asked.rounds, 3)
    if "contest" in parts:
        text, facts["contest"], failed = compete(workloads, peers, asked)
        show(text)
    if "start" in parts:
        starts = starting.measure((OURS, *peers), fresh, note)
        facts["start"] = [vars(start) for start in starts]
        show(starting.start_table(starts))
    if "compile" in parts:
        compiled = compiling.measure((OURS, *peers), fresh, note)
        facts["compile"] = {c.workload.name: c.seconds for c in compiled}
        show(compiling.compiling_table(compiled))
    if asked.json:
        asked.json.write_text(json.dumps(facts, indent=1) + "\n")
    if asked.markdown:
        asked.markdown.write_text("\n\n".join(tables) + "\n")
    if failed:
        sys.exit(1)


if __name__ == "__main__":
    main()
