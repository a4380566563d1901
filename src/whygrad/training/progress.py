"""How a running training shows itself: a bar on a terminal, else a few plain lines.

It is written to the standard error, so that a program's own output stays by itself.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Protocol

from .history import History

LINES = 10
# seconds between two looks of the bar
PERIOD = 0.1


class Report(Protocol):
    """Is told after each slice of work how much of the epoch under way is done, from 0 to 1."""

    def __call__(self, history: History, share: float) -> None: ...


@contextmanager
def reporting(wanted: bool, epochs: int) -> Iterator[Report]:
    """A report for a training of so many epochs."""
    if not wanted:
        yield lambda history, share: None
    elif sys.stderr.isatty():
        with _bar(epochs) as report:
            yield report
    else:
        yield _lines(epochs)


def _lines(epochs: int) -> Report:
    every = max(1, epochs // LINES)

    def write(history: History, share: float) -> None:
        done = len(history)
        if share == 0 and (done == 1 or done == epochs or done % every == 0):
            print(history.line(epochs), file=sys.stderr, flush=True)

    return write


@contextmanager
def _bar(epochs: int) -> Iterator[Report]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TimeRemainingColumn(elapsed_when_finished=True),
        TextColumn("{task.fields[state]}"),
    )
    shown = -PERIOD
    last = History()
    with Progress(*columns, console=Console(stderr=True), auto_refresh=False) as progress:
        task = progress.add_task(f"epoch 1/{epochs}", total=epochs, state="")

        def show(history: History, share: float) -> None:
            done = len(history)
            progress.update(
                task,
                description=f"epoch {min(done + (share > 0), epochs)}/{epochs}",
                completed=done + share,
                state=history.state() if history else "",
                refresh=True,
            )

        def report(history: History, share: float) -> None:
            nonlocal shown, last
            last = history
            now = monotonic()
            if now - shown >= PERIOD:
                shown = now
                show(history, share)

        yield report
        show(last, 0.0)
