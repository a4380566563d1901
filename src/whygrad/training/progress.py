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
        from rich.live import Live
        from rich.text import Text

        with Live(auto_refresh=False) as live:
            yield lambda history: live.update(Text(history.line(epochs)), refresh=True)
    else:
        every = max(1, epochs // LINES)

        def write(history: History) -> None:
            done = len(history)
            if done == 1 or done == epochs or done % every == 0:
                print(history.line(epochs), flush=True)

        yield write
