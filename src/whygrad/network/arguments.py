"""What kind of thing an argument is: each check gives it back, or says what it has to be."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Mapping
from typing import TypeGuard, TypeVar

import numpy as np

from ..errors import DataError, WhygradError, nearest

T = TypeVar("T")

LARGEST_SEED = 2**64 - 1


def is_number(value: object) -> TypeGuard[float]:
    """Whether it is a real number of Python's or NumPy's that a float can hold.

    True and False are none.
    """
    if isinstance(value, int | np.integer):
        return not isinstance(value, bool) and abs(int(value)) <= sys.float_info.max
    return isinstance(value, float | np.floating)


def whole_number(name: str, value: object, low: int, high: int | None = None) -> int:
    """A whole number within its limits; True and False are none."""
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        number = int(value)
        if number >= low and (high is None or number <= high):
            return number
    upward = "on" if high is None else f"to {high}"
    raise DataError(f"{name} has to be a whole number from {low} {upward}, not {value!r}")


def checked_seed(seed: object) -> int:
    """A seed of random numbers: a whole number of 64 bits."""
    return whole_number("seed", seed, 0, LARGEST_SEED)


def one_of(what: str, value: object, known: Collection[str]) -> str:
    """A name among those that are known."""
    if not isinstance(value, str) or value not in known:
        raise WhygradError(f"unknown {what} {value!r}; {nearest(str(value), known)}")
    return value


def by_name(name: str, value: Mapping[str, T] | None, example: str) -> dict[str, T]:
    """A mapping whose keys are names; None is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        kind = type(value).__name__
        raise DataError(f"{name} has to go by names, as in {example}, and is of type {kind}")
    for key in value:
        if not isinstance(key, str):
            raise DataError(f"{name} has to go by names, as in {example}, and has the key {key!r}")
    return dict(value)


def names(name: str, value: object) -> tuple[str, ...]:
    """One name or several, at least one."""
    given = (value,) if isinstance(value, str) else value
    found = tuple(given) if isinstance(given, Iterable) else (given,)
    if not found:
        raise DataError(f"{name} is empty: it has to name at least one tensor")
    for part in found:
        if not isinstance(part, str):
            raise DataError(f"{name} has to be a tensor's name or a list of names, not {value!r}")
    return found


def check_kind(value: object, kind: type, hint: str) -> None:
    """Raise WhygradError unless the object is of a kind; a class that makes such ones is not."""
    if isinstance(value, type) or not isinstance(value, kind):
        raise WhygradError(f"{value!r} is no {kind.__name__.lower()}: write for example {hint}")
