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
COUNT, AGAIN, ROUNDS = 1024, 400, 9


def least(work: Callable[[], object]) -> float:
    """The shortest of several runs, in nanoseconds."""
    times = []
    for _ in range(ROUNDS):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return 1e9 * min(times)


def instructions(name: str, element: str, lanes: int) -> int:
    """The longest stretch without a label in the loop over a function: its body."""
    blocks = re.split(r"^\.LBB\S+:.*$", assembly(name, element, lanes, HOST), flags=re.M)
    return max(len(re.findall(r"^\t[a-z]", block, flags=re.M)) for block in blocks)


def main(names: list[str]) -> None:
    print(f"{'':10}{'':8}{'own':>8}{'peer':>8}  ns an element, and instructions for a vector")
    generator = np.random.default_rng(0)
    for name in names or sorted(NAMES):
        for element, dtype in ELEMENTS.items():
            x, y = generator.uniform(0.1, 4, (2, COUNT)).astype(dtype)
            out, lanes = np.empty_like(x), 64 // x.itemsize
            _keep, run = engine(name, element, lanes, HOST, AGAIN)
            own = least(lambda: run(out.ctypes.data, x.ctypes.data, y.ctypes.data, COUNT // lanes))
            peer = PEERS.get(name) or getattr(np, name)
            args = (x, y)[: arguments(name)]
            other = least(lambda: [peer(*args) for _ in range(AGAIN // 10)])
            print(
                f"{name:10}{element:8}{own / COUNT / AGAIN:8.3f}{10 * other / COUNT / AGAIN:8.3f}"
                f"{instructions(name, element, lanes):6}"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
