"""Progress: a bar on a terminal that moves within an epoch, a few plain lines elsewhere."""

import io
import re

import pytest

import whygrad as wg
from whygrad.training import History
from whygrad.training.progress import Bar, Lines
from whygrad.training.trainer import Trainer

from .problems import PROGRAMS, classification, regression, same, values


def test_a_few_plain_lines_where_there_is_no_terminal(capsys) -> None:
    net, data = classification()
    net.train(data=data, epochs=25, progress=True, validation=0.2)
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == ""
    assert re.fullmatch(
        r"epoch 1/25: cost [\d.]+, accuracy [\d.]+%; held out [\d.]+, [\d.]+%", lines[0]
    )
    assert lines[-1].startswith("epoch 25/25: ")
    assert 10 <= len(lines) <= 14 and len(set(lines)) == len(lines)


def test_where_it_ends_early_the_last_line_is_that_of_the_last_epoch(capsys) -> None:
    history = History(cost=[1.0])
    report = Lines(history, epochs=100)
    report(0.5)
    report(0)
    for _ in range(12):
        history.cost.append(0.5)
        report(0.5)
        report(0)
    report.close()
    epochs = [line.split(":")[0] for line in capsys.readouterr().err.splitlines()]
    assert epochs == ["epoch 1/100", "epoch 10/100", "epoch 13/100"]


class Terminal(io.StringIO):
    """A terminal that notes what is written to it."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def on_a_terminal(monkeypatch) -> Terminal:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    return terminal


def looks(terminal: Terminal) -> list[str]:
    """What stood on the line of the bar, one after the other."""
    plain = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", terminal.getvalue())
    return [line.strip() for line in re.split(r"[\r\n]+", plain) if line.strip()]


def test_on_a_terminal_a_bar_with_cost_and_score(monkeypatch, capsys) -> None:
    terminal = on_a_terminal(monkeypatch)
    net, data = regression()
    history = net.train(data=data, epochs=3, progress=True, validation=0.2)
    last = looks(terminal)[-1]
    assert last.startswith("epoch 3/3 ") and "━━━" in last
    assert f"cost {history.cost[-1]:.3g}, R² {history.score[-1]:.3g}" in last
    assert f"held out {history.validation_cost[-1]:.3g}, " in last
    assert capsys.readouterr().out == ""


def test_the_bar_moves_within_an_epoch(monkeypatch) -> None:
    terminal = on_a_terminal(monkeypatch)
    monkeypatch.setattr("whygrad.training.progress.PERIOD", 0)
    report = Bar(History(cost=[0.5]), epochs=2)
    for share in (0.25, 0.75):
        report(share)
    report.close()
    bars = [look for look in looks(terminal) if "epoch 2/2" in look]
    assert len(set(bars)) == 2


def test_in_an_epoch_of_long_steps_it_is_told_after_each(monkeypatch) -> None:
    """Where a step takes longer than a slice may, each step is a slice of its own."""
    clock = iter(range(10**6))
    monkeypatch.setattr("whygrad.training.trainer.perf_counter", lambda: next(clock))
    net, data = regression()
    net.train(data=data, epochs=1, batch_size=6)
    assert net.run is not None
    trainer = Trainer(net, net.run, net.bind(data, {}))
    seen = []
    while trainer.steps < 10:
        trainer.advance(10)
        seen.append(trainer.steps)
    assert seen == list(range(1, 11))


@pytest.mark.parametrize("batch_size", [6, 7])
@pytest.mark.parametrize("pace", [1, 2, 3, 4, 10, 1000])
@pytest.mark.parametrize("engine", [("reference", None), ("native", 1), ("native", 2)])
def test_results_do_not_depend_on_the_slices(
    pace: int, batch_size: int, engine: tuple[str, int | None], monkeypatch
) -> None:
    """Batches of 6 are all alike, so a slice goes on into the next epochs; of 7 one is smaller."""
    name, threads = engine
    options = {"epochs": 3, "batch_size": batch_size, "optimizer": wg.Adam(0.1)}
    options |= {"validation": 0.2} if batch_size == 7 else {}
    options |= {"engine": name, "threads": threads}
    net, data = regression()
    history = net.train(data=data, **options)
    original, lengths = PROGRAMS[name].epoch, set()

    def epoch(self, arrays, order, batch_size, seed, step, room):
        lengths.add(length := -(-len(order) // batch_size))
        an_epoch = 7 if batch_size == 7 else 10
        assert step % an_epoch + length <= an_epoch or (step + length) % an_epoch == 0
        return original(self, arrays, order, batch_size, seed, step, room)

    monkeypatch.setattr(PROGRAMS[name], "epoch", epoch)
    monkeypatch.setattr(
        Trainer, "_pace", property(lambda self: pace, lambda self, value: None), raising=False
    )
    other, _ = regression()
    assert other.train(data=data, **options) == history
    assert same(values(net), values(other))
    assert max(lengths) == min(pace, 7 if batch_size == 7 else 30)
