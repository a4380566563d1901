"""How long the native engine's functions take: `python -m benchmarks.functions [NAME ...]`.

Prints nanoseconds an element over an array in the first-level cache, for vectors of 64 bytes, and
how many instructions the loop has; beside it NumPy or SciPy. The least of several rounds.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from scipy import special
from tests.engines.native.compiled import HOST, assembly, engine

from whygrad.engines.native.functions import NAMES, arguments

PEERS: dict[str, Callable[..., object]] = {
    "sigmoid": special.expit,
    "erf": special.erf,
    "pow": np.power,
    "softplus": lambda x: np.logaddexp(0, x),
}
ELEMENTS = {"float": np.float32, "double": np.float64}
COUNT, AGAIN, ROUNDS = 1024, 50, 40


def least(work: Callable[[], object]) -> float:
    """The shortest of several runs, each below a slice of the scheduler's time, in nanoseconds."""
    times = []
    for _ in range(ROUNDS):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return 1e9 * min(times)


def instructions(name: str, element: str, lanes: int) -> int:
    """How many there are in the inner loop: from its label to the jump back to it."""
    text = assembly(name, element, lanes, HOST).split("\nloop:")[1]
    body = re.search(r"^(\.LBB\S+):((?:(?!^\.LBB).)*?)\tjl\t\1$", text, re.M | re.S)
    assert body
    return len(re.findall(r"^\t[a-z]", body[2], re.M)) + 1


def arrays(dtype: type) -> list[NDArray[np.floating]]:
    """Two arguments and a place for the results, on cache lines that do not collide."""
    size = COUNT * np.dtype(dtype).itemsize
    memory = np.empty(4 * size + 1024, np.uint8)
    start = -memory.ctypes.data % 64
    places = [start + i * (size + 256) for i in range(3)]
    x, y, out = (memory[place : place + size].view(dtype) for place in places)
    x[:], y[:] = np.random.default_rng(0).uniform(0.1, 4, (2, COUNT))
    return [x, y, out]


def measure(name: str, element: str) -> str:
    """One line of the table."""
    dtype = ELEMENTS[element]
    x, y, out = arrays(dtype)
    lanes = 64 // x.itemsize
    _keep, run = engine(name, element, lanes, HOST, AGAIN)
    pointers = [a.ctypes.data for a in (out, x, y)]
    own = least(lambda: run(*pointers, COUNT // lanes)) / AGAIN / COUNT
    peer, args = PEERS.get(name) or getattr(np, name), (x, y)[: arguments(name)]
    other = least(lambda: [peer(*args) for _ in range(AGAIN // 5)]) / (AGAIN // 5) / COUNT
    count = instructions(name, element, lanes)
    return f"{name:10}{element:8}{own:8.3f}{other:8.3f}{count:6}"


def main(names: list[str]) -> None:
    print(f"{'':18}{'own':>8}{'peer':>8}  ns an element, and instructions for a vector")
    for name in names or sorted(NAMES):
        for element in ELEMENTS:
            print(measure(name, element), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
