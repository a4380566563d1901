"""How a running training shows itself: one living line on a terminal, else a few plain ones."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from .history import History

LINES = 10


class Report(Protocol):
    """Is told after each epoch."""

    def __call__(self, history: History) -> None: ...


@contextmanager
def reporting(wanted: bool, epochs: int) -> Iterator[Report]:
    """A report for a training of so many epochs."""
    if not wanted:
        yield lambda history: None
    elif sys.stdout.isatty():
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
        with Progress(*columns) as progress:
            task = progress.add_task("", total=epochs)

            def advance(history: History) -> None:
                progress.update(task, advance=1, description=history.line(len(history) - 1))

            yield advance
    else:
        every = max(1, epochs // LINES)

        def write(history: History) -> None:
            done = len(history)
            if done == 1 or done == epochs or done % every == 0:
                print(history.line(done - 1), flush=True)

        yield write
