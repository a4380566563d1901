"""Ctrl-C: the values of the last finished step, and a network that can be saved and trained on."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

import whygrad as wg
from whygrad.training.trainer import Trainer

from .problems import PROGRAMS, regression, same, values

STEPS = 6  # of ten rows to an epoch


@pytest.fixture(autouse=True)
def usual_handler() -> Iterator[None]:
    """Python's own handler: what is started in the background ignores Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(params=PROGRAMS)
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine in turn."""
    return request.param


def reached(net: wg.Network, data: dict) -> bool:
    """Whether the network has the values that there are after the steps kept."""
    assert net.run is not None
    trainer = Trainer(net, net.run, net.bind(data, {}))
    trainer.go_to(net.run.kept)
    found = values(net)
    return same({name: trainer.values[name] for name in found}, found)


@pytest.mark.parametrize("at", [0, 1, 5, 6, 17])
@pytest.mark.parametrize("torn", [False, True])
def test_in_the_midst_of_a_step(at: int, torn: bool, engine: str, monkeypatch) -> None:
    """The interrupt comes in step `at`; torn: between the updates of two parameters."""
    original = PROGRAMS[engine].epoch
    seen = []

    def epoch(self, arrays, order, batch_size, seed, step, room):
        if step + len(order) // batch_size > at and not seen:
            seen.append(step)
            original(self, arrays, order[: (at - step) * batch_size], batch_size, seed, step)
            if torn:
                arrays["w1"][...] = 77
            raise KeyboardInterrupt
        return original(self, arrays, order, batch_size, seed, step, room)

    monkeypatch.setattr(PROGRAMS[engine], "epoch", epoch)
    net, data = regression()
    options = {"optimizer": wg.SGD(0.1, momentum=0.9), "engine": engine}
    history = net.train(data=data, epochs=4, batch_size=10, **options)
    assert history.interrupted and net.history is history
    assert net.run is not None and net.run.kept == net.run.taken == seen[0] <= at
    assert len(history) == seen[0] // STEPS
    assert reached(net, data)


def test_with_patience_the_best_values_are_kept(monkeypatch) -> None:
    original = PROGRAMS["native"].epoch

    def epoch(self, arrays, order, batch_size, seed, step, room):
        if step >= 18:
            raise KeyboardInterrupt
        return original(self, arrays, order, batch_size, seed, step, room)

    net, data = regression()
    options = {"validation": 0.3, "patience": 50, "optimizer": wg.SGD(0.9), "seed": 3}
    monkeypatch.setattr(PROGRAMS["native"], "epoch", epoch)
    history = net.train(data=data, epochs=50, **options)
    monkeypatch.undo()
    assert history.interrupted and len(history) == 9
    assert history.best == int(np.argmin(history.validation_cost)) + 1 < 9
    assert history.note == (
        f"interrupted after epoch 9: the values kept are those of epoch {history.best}, "
        "the best on rows held out"
    )
    other, _ = regression()
    other.train(data=data, epochs=history.best, validation=0.3, optimizer=wg.SGD(0.9), seed=3)
    assert same(values(net), values(other))
    assert reached(net, data)


def test_a_signal_lets_the_slice_at_work_end(engine: str, monkeypatch) -> None:
    ends: list[int] = []
    original = PROGRAMS[engine].epoch

    def epoch(self, arrays, order, batch_size, seed, step, room):
        end = step + len(order) // batch_size
        if step <= 8 < end:
            ends.append(end)
            signal.raise_signal(signal.SIGINT)
        return original(self, arrays, order, batch_size, seed, step, room)

    monkeypatch.setattr(PROGRAMS[engine], "epoch", epoch)
    net, data = regression()
    history = net.train(data=data, epochs=10**6, batch_size=10, engine=engine)
    monkeypatch.undo()
    assert net.run is not None and [net.run.kept] == ends
    assert history.interrupted and len(history) == net.run.kept // 6
    assert reached(net, data)
    assert "interrupted" in history.note and history.note in str(history)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_signal_does_not_wait(engine: str, monkeypatch) -> None:
    original = PROGRAMS[engine].epoch
    seen = []

    def epoch(self, arrays, order, batch_size, seed, step, room):
        if step >= 3:
            seen.append(step)
            monkeypatch.undo()
            signal.raise_signal(signal.SIGINT)
            arrays["w1"][...] = 77
            signal.raise_signal(signal.SIGINT)
            raise AssertionError("the second signal comes through")
        return original(self, arrays, order, batch_size, seed, step, room)

    monkeypatch.setattr(PROGRAMS[engine], "epoch", epoch)
    net, data = regression()
    history = net.train(data=data, epochs=40, batch_size=10, engine=engine)
    assert history.interrupted
    assert net.run is not None and net.run.kept == seen[0]
    assert reached(net, data)


def test_after_a_training_ctrl_c_is_what_it_was() -> None:
    net, data = regression()
    net.train(data=data, epochs=1)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_the_program_is_left_in_place(engine: str, monkeypatch) -> None:
    came = []
    monkeypatch.setattr(PROGRAMS[engine], "epoch", _with_signal(PROGRAMS[engine].epoch))
    before = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        net, data = regression()
        history = net.train(data=data, epochs=2, batch_size=10, engine=engine)
    finally:
        signal.signal(signal.SIGINT, before)
    assert came and not history.interrupted and len(history) == 2


def _with_signal(original):
    def epoch(self, arrays, order, batch_size, seed, step, room):
        if step >= 1:
            signal.raise_signal(signal.SIGINT)
        return original(self, arrays, order, batch_size, seed, step, room)

    return epoch


def test_training_in_a_thread_leaves_signals_alone() -> None:
    net, data = regression()
    histories = []
    thread = threading.Thread(target=lambda: histories.append(net.train(data=data, epochs=2)))
    thread.start()
    thread.join()
    assert len(histories[0]) == 2 and not histories[0].interrupted


def test_an_error_of_another_kind_keeps_the_values_and_comes_through(
    engine: str, monkeypatch
) -> None:
    original = PROGRAMS[engine].epoch

    seen = []

    def epoch(self, arrays, order, batch_size, seed, step, room):
        if step >= 3 and not seen:
            seen.append(step)
            arrays["w1"][...] = 77
            raise MemoryError
        return original(self, arrays, order, batch_size, seed, step, room)

    net, data = regression()
    with monkeypatch.context() as patch, pytest.raises(MemoryError):
        patch.setattr(PROGRAMS[engine], "epoch", epoch)
        net.train(data=data, epochs=40, batch_size=10, engine=engine)
    assert net.run is not None and net.run.kept == seen[0]
    assert reached(net, data)


def test_ctrl_c_in_a_process_of_its_own() -> None:
    code = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from tests.training.problems import regression
from tests.training.test_interrupt import reached
import whygrad as wg
net, data = regression()
print("ready", flush=True)
history = net.train(data=data, epochs=10**6, batch_size=10)
assert history.interrupted and 0 < len(history) < 10**6
assert reached(net, data), "other values"
again = net.train(data=data, epochs=1)
assert not again.interrupted
print("kept", net.run.kept, flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and out.startswith("kept")
