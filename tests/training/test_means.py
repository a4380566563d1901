"""The means of epochs, from the numbers of single steps."""

from __future__ import annotations

import numpy as np
import pytest

import whygrad as wg
from whygrad.training.means import Means
from whygrad.training.trainer import Trainer


def means(rows: int, batch_size: int, outputs: int) -> Means:
    """Those of a training with an R² of so many outputs."""
    rng = np.random.default_rng(0)
    data = {"x": rng.normal(size=(rows, 2)), "y": rng.normal(size=(rows, outputs))}
    net = wg.Sequential([wg.Dense(outputs)], cost="half_squared_error").init(**data)
    net.train(**data, epochs=1, batch_size=batch_size)
    assert net.run is not None
    return Means(Trainer(net, net.run, net.bind(data, {})))


@pytest.mark.parametrize(("rows", "batch_size"), [(7, 3), (6, 2), (20_001, 1), (30_001, 2)])
@pytest.mark.parametrize("outputs", [1, 3])
def test_no_bit_depends_on_how_many_steps_are_told_of_at_once(
    rows: int, batch_size: int, outputs: int
) -> None:
    of = means(rows, batch_size, outputs)
    epochs, rng = 4, np.random.default_rng(1)
    told = {
        "J": rng.normal(size=epochs * of.steps),
        "score.total": rng.normal(size=(epochs * of.steps, outputs)) ** 2,
    }
    at_once = of.take(told)
    weights = np.full(of.steps, batch_size / rows)
    weights[-1] = (rows - batch_size * (of.steps - 1)) / rows
    costs = told["J"].reshape(epochs, -1) @ weights
    assert [cost for cost, _ in at_once] == pytest.approx(costs.tolist(), rel=1e-12)
    for parts in (1, 2, 3, 7):
        found, memory = [], {name: np.empty_like(values) for name, values in told.items()}
        for epoch in np.split(np.arange(epochs * of.steps), epochs):
            for some in np.array_split(epoch, min(parts, of.steps)):
                for name, values in told.items():
                    memory[name][: len(some)] = values[some]
                found += of.take({name: values[: len(some)] for name, values in memory.items()})
        assert found == at_once
