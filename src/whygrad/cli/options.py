"""What the commands' options have in common."""

from __future__ import annotations

from math import nan
from typing import Any

import typer

from ..errors import WhygradError

LARGEST = 1e100


def number(text: str, *names: str) -> Any:
    """An option that takes a number."""
    return typer.Option(*names, callback=_moderate, metavar="NUMBER", help=text)


def whole(text: str, low: int = 1) -> Any:
    """An option that takes a whole number."""
    return typer.Option(min=low, metavar="N", help=text)


def _moderate(value: float) -> float:
    """NaN, infinity and the like are refused."""
    if not abs(value) <= LARGEST:
        raise typer.BadParameter(f"{value} is no number up to {LARGEST:g}")
    return value


def numbers(option: str, text: str) -> tuple[float, ...]:
    """The numbers of an option that takes several, between commas."""
    found = []
    for part in text.split(","):
        try:
            number = float(part)
        except ValueError:
            number = nan
        if not abs(number) <= LARGEST:
            hint = f"numbers up to {LARGEST:g}, such as 0.5 or 0.5,-1,2"
            raise WhygradError(f"{option} takes {hint}; not {part.strip()!r}")
        found.append(number)
    return tuple(found)
