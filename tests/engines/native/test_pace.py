"""The number of threads follows what steps take, and is left alone where it is given."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import whygrad as wg
from whygrad.engines.native import epoch, pace
from whygrad.engines.native.pace import EVERY, TRIAL, WARM, Pace


class Machine:
    """A clock, and steps that take so long in so many threads."""

    def __init__(self, seconds: Callable[[int], float]) -> None:
        self.now, self.seconds = 100.0, seconds
        self.calls: list[tuple[int, int]] = []

    def run(self, pace: Pace, steps: int) -> None:
        while steps:
            threads, count = pace.next(steps)
            assert 0 < count <= steps
            assert pace.least <= threads <= pace.most
            self.calls.append((threads, count))
            self.now += count * self.seconds(threads)
            pace.note(count)
            steps -= count

    def pace(self, least: int, most: int) -> Pace:
        return Pace(least, most, lambda: self.now)

    def steps_in(self, threads: int) -> int:
        return sum(count for n, count in self.calls if n == threads)


def test_the_faster_number_takes_nearly_all_steps() -> None:
    for fast in (1, 2):
        machine = Machine(lambda n, fast=fast: 1e-4 if n == fast else 2e-4)
        machine.run(machine.pace(1, 2), 200_000)
        assert machine.steps_in(fast) > 0.99 * 200_000
        assert machine.calls[0] == (1, WARM)


def test_it_follows_when_another_number_becomes_the_faster_one() -> None:
    machine = Machine(lambda n: 1e-4 * (n if 105 < machine.now < 115 else 1 / n))
    pace = machine.pace(1, 2)
    seen = []
    while machine.now < 125:
        machine.run(pace, 1000)
        seen.append((machine.now, pace.threads))
    assert {n for t, n in seen if 105 + 2 * EVERY < t < 115} == {1}
    assert {n for t, n in seen if 102 < t < 105 or t > 115 + 2 * EVERY} == {2}


@pytest.mark.parametrize("best", [1, 2, 4, 8, 12])
def test_among_many_it_climbs_to_the_best(best: int) -> None:
    machine = Machine(lambda n: 1e-3 * (1 + abs(np.log2(n / best))))
    pace = machine.pace(1, 12)
    machine.run(pace, 60_000)
    assert pace.threads == best


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.integers(1, 12), st.floats(1e-7, 1.0), st.integers(1, 10_000))
def test_all_steps_are_taken_and_no_call_lasts_longer_than_a_trial_is_away(
    most: int, seconds: float, steps: int
) -> None:
    machine = Machine(lambda n: seconds)
    machine.run(machine.pace(1, most), steps)
    assert sum(count for _, count in machine.calls) == steps
    if most > 1:
        longest = max(count for _, count in machine.calls) * seconds
        assert longest <= max(EVERY, WARM * seconds) + seconds


def test_there_is_no_trial_of_fewer_steps_than_tell() -> None:
    """As where each call is for the few batches of a short epoch."""
    machine = Machine(lambda n: 1e-4)
    pace = machine.pace(1, 2)
    for _ in range(10_000):
        machine.run(pace, 5)
    assert machine.steps_in(2) == 0
    machine.run(pace, 75)
    assert machine.steps_in(2) == 2 * int(TRIAL / 1e-4)


@pytest.mark.parametrize("threads", [1, 3])
def test_a_number_that_is_given_is_kept(threads: int) -> None:
    machine = Machine(lambda n: 1e-6)
    machine.run(machine.pace(threads, threads), 10**6)
    assert machine.calls == [(threads, 10**6)]


def trained(threads: int | None) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(300, 20)), rng.integers(0, 3, 300)
    net = wg.Sequential([wg.Dense(40, "tanh"), wg.Dense(3)], cost="cross_entropy")
    net.init(x=x, y=y)
    net.train(x=x, y=y, epochs=20, batch_size=32, optimizer=wg.SGD(0.1), threads=threads)
    return dict(net.params)


def test_trials_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = trained(1)
    tried: list[int] = []

    def noted(self: Pace, left: int) -> tuple[int, int]:
        threads, count = following(self, left)
        tried.append(threads)
        return threads, min(count, 3)

    following = Pace.next
    monkeypatch.setattr(Pace, "next", noted)
    monkeypatch.setattr(pace, "EVERY", 0.0)
    monkeypatch.setattr(pace, "TRIAL", 1e-9)
    monkeypatch.setattr(epoch, "LEAST", 1)
    monkeypatch.setattr("whygrad.engines.native.work.cores", lambda: 4)
    found = trained(None)
    assert {1, 2} <= set(tried)
    for name, array in wanted.items():
        np.testing.assert_array_equal(found[name], array)
