"""How long the core takes: `python -m benchmarks.core`.

Prints the median of several rounds in milliseconds. The large network has the
layers 784-512-512-10 and 10,000 samples, in float64 on the reference engine.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np

import whygrad as wg
from whygrad.calculus import derive


def milliseconds(work: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return 1000 * median(times)


def show(what: str, work: Callable[[], object], rounds: int = 9) -> None:
    print(f"{milliseconds(work, rounds):10.1f} ms  {what}", flush=True)


def python(code: str) -> Callable[[], object]:
    return lambda: subprocess.run([sys.executable, "-c", code], check=True)


def main() -> None:
    show("starting Python", python("pass"))
    show(
        "starting Python, import whygrad and wg.Network", python("import whygrad; whygrad.Network")
    )
    layers = [wg.Dense(16, "tanh")] * 9 + [wg.Dense(3, "softmax")]
    ten = wg.Sequential(layers, cost="cross_entropy").system
    show("derive ten layers, both forms", lambda: derive(ten).simplified_system)

    rng = np.random.default_rng(0)
    data = {"x": rng.normal(size=(10_000, 784)), "y": rng.integers(0, 10, size=10_000)}
    large = wg.Sequential(
        [wg.Dense(512, "tanh"), wg.Dense(512, "tanh"), wg.Dense(10)], cost="cross_entropy"
    ).init(seed=0, data=data)
    show("all gradients of the large network", lambda: large.gradients(data=data), rounds=3)
    explainer = large.explainer(data=data)
    e = explainer.why("w1[3,5]")
    show(f"why {e.title}, printed", lambda: str(explainer.why("w1[3,5]")))
    for _ in range(3):
        factor = next(f for f in e.terms[0].factors if f.expand)
        show(f"  then {factor.text}, printed", lambda f=factor: str(f.why()))
        e = factor.why()


if __name__ == "__main__":
    main()
