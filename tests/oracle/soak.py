"""Many random systems: `python -m tests.oracle.soak 10000 [first seed] [processes]`.

Each number is the seed of one system: `python -m tests.oracle.soak 1 4711` tries
number 4711 again and prints it. At the end stands how often each feature of the
language was drawn; the exit code is 1 if anything disagreed.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from multiprocessing import get_context

from tests.oracle.random_systems import random_case
from tests.oracle.trial import Outcome, report, trial


def attempt(seed: int) -> tuple[int, Outcome]:
    return seed, trial(random_case(random.Random(seed)))


def main(count: int, first: int = 0, processes: int = 2) -> int:
    started = time.perf_counter()
    drawn: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    faults = 0
    with get_context("spawn").Pool(processes) as pool:
        for seed, outcome in pool.imap_unordered(attempt, range(first, first + count), 8):
            drawn.update(outcome.features)
            if outcome.skipped:
                skipped[outcome.skipped] += 1
            if outcome.faults:
                faults += 1
                print(f"=== number {seed}\n{outcome}\n", flush=True)
            if count == 1:
                print(outcome)
    print(report(drawn))
    for reason, times in skipped.items():
        print(f"  {times:7}  left out: {reason}")
    seconds = time.perf_counter() - started
    print(f"{count} systems in {seconds:.0f} s, {faults} of them disagree")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
