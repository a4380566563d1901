"""How much an engine is asked to do at once."""

import numpy as np
import pytest

import whygrad as wg
from whygrad.training import trainer

from .problems import PROGRAMS


def test_slices_grow_by_the_steps_that_were_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """An epoch has slices that are alike, none of one step at its end; going to a step, too.

    Steps that become slower are taken fewer at once.
    """
    clock, counts, seconds = [0.0], [], []

    def epoch(self, arrays, order, batch_size, seed, step, room):
        steps = -(-len(order) // batch_size)
        counts.append(steps)
        seconds.append(steps * (1e-3 if step < 15_000 else 4e-3))
        clock[0] += seconds[-1] + 5e-3
        return {"J": np.zeros(steps), "score.total": np.zeros((steps, 1))}

    monkeypatch.setattr(trainer, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(PROGRAMS["native"], "epoch", epoch)
    net = wg.Sequential([wg.Dense(1)], cost="half_squared_error")
    rows = np.random.default_rng(0).normal(size=(10_051, 3))
    net.init(x=rows, y=rows[:, :1])
    net.train(x=rows, y=rows[:, :1], epochs=4, batch_size=2)
    assert net.run is not None
    trainer.Trainer(net, net.run, net.bind({}, {"x": rows, "y": rows[:, :1]})).go_to(20_000)
    assert sum(counts) == 4 * 5026 + 20_000
    assert sum(each > trainer.SLICE for each in seconds) <= 4  # twice, until it is noticed
    assert max(seconds) <= 4 * trainer.SLICE
    assert max(counts) * 1e-3 <= trainer.SLICE
    pace = max(counts[:20])
    ends = np.flatnonzero(np.cumsum(counts[:200]) % 5026 == 0)
    assert len(ends) == 2
    assert all(counts[k] <= pace <= counts[k + 1] + 1 for k in ends)
    second = counts[ends[0] + 1 : ends[1] + 1]
    assert max(second) - min(second) <= 1


def test_an_engine_is_given_and_tells_a_bounded_amount_at_once(monkeypatch) -> None:
    """Many outputs make a long score of each step; many rows make a long order."""
    monkeypatch.setattr(trainer, "SLICE", 1e9)
    calls = []
    original = PROGRAMS["native"].epoch

    def epoch(self, arrays, order, *rest, **named):
        told = original(self, arrays, order, *rest, **named)
        calls.append((len(order), sum(array.size for array in told.values())))
        return told

    monkeypatch.setattr(PROGRAMS["native"], "epoch", epoch)
    y = np.random.default_rng(0).normal(size=(50, 500))
    net = wg.Sequential([wg.Dense(500)], cost="half_squared_error").init(x=y[:, :1], y=y)
    net.train(x=y[:, :1], y=y, epochs=20, batch_size=1, dtype="float32")
    assert trainer.NUMBERS / 2 < max(numbers for _, numbers in calls) <= trainer.NUMBERS
    calls.clear()
    net = wg.Sequential([wg.Dense(1)], cost="half_squared_error").init(x=y[:, :2], y=y[:, :1])
    net.train(x=y[:, :2], y=y[:, :1], epochs=6000, batch_size=50)
    assert trainer.ROWS / 2 < max(rows for rows, _ in calls) <= trainer.ROWS
