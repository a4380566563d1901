"""Arrays whose axes bear the names of indices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...language.expression import Value

Array = NDArray[Any]
Ranges = Mapping[str, range]
"""The part of each index that is being evaluated; its order is the order of axes."""


@dataclass(frozen=True, slots=True)
class Named:
    """An array with an axis for each index in `names`: those on which the value depends.

    The names stand in the order of the `Ranges` under which it was evaluated.
    """

    array: Array
    names: tuple[str, ...]


@dataclass(slots=True)
class Meter:
    """What an evaluation cost: multiplications and function values, and the largest array."""

    multiplications: int = 0
    largest: int = 0

    def made(self, array: Array, operations: int = 0) -> Array:
        """Note an array that was built, and the multiplications done for it."""
        self.largest = max(self.largest, array.nbytes)
        self.multiplications += operations
        return array


def as_float(value: Value) -> float:
    """The number as a float; an exact one that is too large becomes infinite."""
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def ordered(names: Iterable[str], ranges: Ranges) -> tuple[str, ...]:
    """The names in the order of the ranges."""
    names = frozenset(names)
    return tuple(n for n in ranges if n in names)


def expand(value: Named, names: tuple[str, ...]) -> Array:
    """The array with an axis for each of `names`, of length 1 where it does not depend on it."""
    if value.names == names or not value.names:
        return value.array
    return value.array[tuple(slice(None) if n in value.names else None for n in names)]


def transpose(value: Named, names: tuple[str, ...]) -> Named:
    """The same value with its axes in another order."""
    if value.names == names:
        return value
    return Named(value.array.transpose([value.names.index(n) for n in names]), names)


def align(values: list[Named], ranges: Ranges) -> tuple[list[Array], tuple[str, ...]]:
    """The arrays of several values, ready for broadcasting, and the names of the result."""
    first = values[0].names
    if all(v.names == first or not v.names for v in values):
        return [v.array for v in values], first
    names = ordered((n for v in values for n in v.names), ranges)
    return [expand(v, names) for v in values], names


def is_real(array: Array) -> bool:
    """Whether the array holds floating point numbers (not integers or truth values)."""
    return array.dtype.kind == "f"


def real(value: Named, dtype: np.dtype[Any]) -> Named:
    """The value as floating point numbers."""
    return value if is_real(value.array) else Named(value.array.astype(dtype), value.names)
