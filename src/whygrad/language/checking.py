"""Whether a system makes sense as a whole; a fault is shown at its place."""

from __future__ import annotations

from .system import System


def check(system: System) -> None:
    """Raise LanguageError at the first fault."""
