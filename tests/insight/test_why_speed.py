"""After one pass, each step of `why` in a large network takes milliseconds."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import TypeVar

import numpy as np

import whygrad as wg
from whygrad.insight import Explanation

T = TypeVar("T")


def timed(ask: Callable[[], T]) -> tuple[float, T]:
    """The shortest of several times: a busy machine makes some of them longer."""
    times = []
    for _ in range(15):
        start = perf_counter()
        answer = ask()
        times.append(perf_counter() - start)
    return min(times), answer


def test_each_step_from_a_weight_to_the_cost() -> None:
    rng = np.random.default_rng(0)
    data = {"x": rng.normal(size=(10_000, 784)), "y": rng.integers(0, 10, size=10_000)}
    layers = [wg.Dense(512, "tanh"), wg.Dense(512, "tanh"), wg.Dense(10)]
    net = wg.Sequential(layers, cost="cross_entropy").init(seed=0, data=data)
    explainer = net.explainer(data=data)
    seconds, e = timed(lambda: explainer.why("w1[3,5]"))
    steps: list[tuple[str, float, Explanation]] = [(e.title, seconds, e)]
    for _ in range(3):
        factor = next(f for f in e.terms[0].factors if f.expand)
        seconds, e = timed(factor.why)
        steps.append((e.title, seconds, e))
    assert [title.partition("[")[0] for title, _, _ in steps] == [
        "∂J/∂w1",
        "∂J/∂z1",
        "∂J/∂z2",
        "∂J/∂z3",
    ]
    for title, seconds, e in steps:
        printing, _ = timed(lambda e=e: str(e))
        assert seconds < 0.01 and printing < 0.01, (title, seconds, printing)
