"""The numbers of optimisers and schedules: checked, and written in a text."""

from __future__ import annotations

from decimal import Decimal

from ..errors import WhygradError
from .arguments import is_number


def positive(name: str, value: object) -> None:
    """Raise WhygradError unless it is a number above 0."""
    if not (is_number(value) and 0 < value < float("inf")):
        raise WhygradError(f"{name} has to be a number above 0, not {value!r}")


def not_negative(name: str, value: object) -> None:
    """Raise WhygradError unless it is a number from 0 on."""
    if not (is_number(value) and 0 <= value < float("inf")):
        raise WhygradError(f"{name} has to be a number from 0 on, not {value!r}")


def fraction(name: str, value: object) -> None:
    """Raise WhygradError unless it is a number from 0 up to, but not including, 1."""
    if not (is_number(value) and 0 <= value < 1):
        raise WhygradError(
            f"{name} has to be a number from 0 up to, but not including, 1; not {value!r}"
        )


def decimal(value: float) -> str:
    """The shortest decimal that is this number, without an exponent."""
    return format(Decimal(str(float(value))), "f")
