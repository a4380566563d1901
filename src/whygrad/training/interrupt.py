"""Ctrl-C: noted, so that the work at hand ends in good order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def noted() -> Iterator[Callable[[], None]]:
    """Note a first Ctrl-C; the function given raises KeyboardInterrupt once there was one.

    A second one has its usual effect at once. A handler that the program has set itself stays,
    and in a thread other than the main one there is nothing to note.
    """
    usual = signal.default_int_handler
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not usual
    ):
        yield lambda: None
        return
    came = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal came
        came = True
        signal.signal(signal.SIGINT, usual)

    def ask() -> None:
        if came:
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, note)
    try:
        yield ask
    finally:
        signal.signal(signal.SIGINT, usual)


@contextmanager
def ignored() -> Iterator[None]:
    """Let no Ctrl-C through, for a short while: only for a program that has the main thread."""
    usual = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
