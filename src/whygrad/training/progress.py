"""How a running training shows itself: a bar on a terminal, else a few plain lines.

It is written to the standard error, so that a program's own output stays by itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from .history import History

LINES = 10
# seconds between two looks of the bar
PERIOD = 0.1

# is told after each slice of work how much of the epoch under way is done, from 0 to 1
Report = Callable[[float], None]


@contextmanager
def reporting(wanted: bool, history: History, epochs: int) -> Iterator[Report]:
    """A report on the history of a training of so many epochs, while it grows."""
    if not wanted:
        yield lambda share: None
        return
    report = Bar(history, epochs) if sys.stderr.isatty() else Lines(history, epochs)
    try:
        yield report
    finally:
        report.close()


class Lines:
    """A line for one epoch in several, the first and the last among them."""

    def __init__(self, history: History, epochs: int) -> None:
        self.history, self.epochs = history, epochs
        self.every = max(1, epochs // LINES)
        self.written = 0

    def __call__(self, share: float) -> None:
        """See `Report`."""
        done = len(self.history)
        if share == 0 and (done == 1 or done % self.every == 0):
            self.close()

    def close(self) -> None:
        """Write the last epoch, if it is not written yet."""
        if len(self.history) > self.written:
            self.written = len(self.history)
            print(self.history.line(self.epochs), file=sys.stderr, flush=True)


class Bar:
    """A bar of all epochs, with what was measured in the last one."""

    def __init__(self, history: History, epochs: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self.history, self.epochs = history, epochs
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=10),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            TextColumn("{task.fields[state]}"),
            console=Console(stderr=True),
            auto_refresh=False,
        )
        self.task = self.progress.add_task(f"epoch 1/{epochs}", total=epochs, state="")
        self.shown = monotonic()
        self.progress.start()

    def __call__(self, share: float) -> None:
        """See `Report`."""
        now = monotonic()
        if now - self.shown >= PERIOD:
            self.shown = now
            self._show(share)

    def close(self) -> None:
        """Leave the last look where it is."""
        self._show(0.0)
        self.progress.stop()

    def _show(self, share: float) -> None:
        done = len(self.history)
        self.progress.update(
            self.task,
            description=f"epoch {done + (share > 0)}/{self.epochs}",
            completed=done + share,
            state=self.history.state() if done else "",
            refresh=True,
        )
