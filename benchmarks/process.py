"""The near end of a worker: starts it, asks it, and stops it while others are measured."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

CORES = 2
ROOT = Path(__file__).parent.parent

# These make OpenBLAS take kernels of another processor.
HARMFUL = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
POOLS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


def environment(threads: int | None) -> dict[str, str]:
    """Variables for a process whose libraries are to use so many threads."""
    kept = {name: value for name, value in os.environ.items() if name not in HARMFUL}
    if threads is not None:
        kept.update({pool: str(threads) for pool in POOLS})
    if threads == 1:
        kept["XLA_FLAGS"] = f"{kept.get('XLA_FLAGS', '')} {ONE_THREAD}".strip()
    return kept


def use_two_cores() -> None:
    """Keep this process and all it starts to two cores, where the system can do that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-CORES:])


class Process:
    """An object in a process of its own, which stands still unless it is asked something."""

    def __init__(
        self,
        kind: type,
        *arguments: object,
        threads: int | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.threads = threads
        self._child = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(threads) | dict(variables or {}),
            cwd=ROOT,
        )
        self._send((kind, arguments))

    def ask(self, method: str, *arguments: object) -> Any:
        """What the method gives back; raises what it raises."""
        self._child.send_signal(signal.SIGCONT)
        assert self._child.stdout
        try:
            self._send((method, arguments))
            answer = pickle.load(self._child.stdout)
        except (BrokenPipeError, EOFError):
            raise ChildProcessError(f"the process ended with {self._child.wait()}") from None
        if isinstance(answer, Exception):
            raise answer
        # the threads of some pools spin for a while after their work
        self._child.send_signal(signal.SIGSTOP)
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.send_signal(signal.SIGCONT)
        self._child.kill()
        self._child.communicate()

    def _send(self, message: object) -> None:
        assert self._child.stdin
        pickle.dump(message, self._child.stdin)
        self._child.stdin.flush()
