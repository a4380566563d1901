"""What is raised when a user made a mistake: what, where, and what would be right."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .language.expression import Span


_LONGEST_LINE = 120


class WhygradError(Exception):
    """Every error that a user's input can cause. Its text is fit to be shown as it is."""


class LanguageError(WhygradError):
    """A fault in a network's text, shown with its line and a caret under the place.

    `message` says what is wrong and `hint` what would be right.
    """

    def __init__(
        self, message: str, *, span: Span | None = None, source: str = "", hint: str = ""
    ) -> None:
        self.message = message
        self.span = span
        self.source = source
        self.hint = hint
        super().__init__(message)

    def __str__(self) -> str:
        parts = [self.message]
        lines = self.source.split("\n")
        if self.source and self.span is not None and self.span.line < len(lines):
            number = f"{self.span.line + 1}"
            line = lines[self.span.line].replace("\t", " ")
            shown, column = _window(line, self.span.column)
            width = max(1, min(self.span.end - self.span.column, len(shown) - column))
            parts.append(f"  {number} | {shown}")
            parts.append(f"  {' ' * len(number)} | {' ' * column}{'^' * width}")
        if self.hint:
            parts.append(f"  {self.hint}")
        return "\n".join(parts)


def _window(line: str, column: int) -> tuple[str, int]:
    """What is shown of a line, and where in it the column stands: a long line around it only."""
    if len(line) <= _LONGEST_LINE:
        return line, column
    start = max(0, column - _LONGEST_LINE // 2)
    shown = line[start : start + _LONGEST_LINE]
    before, after = ("…" if start else ""), ("…" if start + len(shown) < len(line) else "")
    return f"{before}{shown}{after}", column - start + len(before)


class SizeError(LanguageError):
    """Sizes that are missing or disagree, or a subscript that leaves its range."""


class DataError(WhygradError):
    """Data that do not fit the network: missing, of the wrong shape or type, NaN, infinite."""


class TrainingError(WhygradError):
    """A training that cannot go on, as when the cost is no longer finite.

    `step` is the number of the step that failed.
    """

    def __init__(self, message: str, step: int = 0) -> None:
        self.step = step
        super().__init__(message)


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint for a name that is unknown: the one it resembles, or else all that there are."""
    names = sorted(known)
    return resembling(name, names) or (f"known: {', '.join(names)}" if names else "")


def resembling(name: str, known: Iterable[str]) -> str:
    """A hint that names the known word most like `name`, or "" where none is like it."""
    from difflib import get_close_matches

    folded = {n.casefold(): n for n in known}
    close = get_close_matches(name.casefold(), folded, n=1, cutoff=0.5)
    return f"did you mean '{folded[close[0]]}'?" if close else ""
