"""The caller's arrays as compiled code takes them: in place where that is possible."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..base import Array


class Unusual(Exception):
    """The arrays are such that only the reference engine knows what to do, or what to say."""


def suited(array: Array, dtype: np.dtype[Any]) -> Array:
    """The array itself if it is of that type and lies in one piece, else a copy that is."""
    if array.dtype != dtype:
        if dtype.kind == "i" and array.dtype.kind == "f":
            with np.errstate(invalid="ignore"):
                whole = array.astype(dtype)
            if not (whole == array).all():
                raise Unusual
            return whole
        return array.astype(dtype, order="C")
    if array.flags.c_contiguous and array.flags.aligned:
        return array
    return array.copy(order="C")


def row_numbers(order: Array, samples: int, batch_size: int) -> Array:
    """The numbers of samples as compiled code takes them; they must be below `samples`, if any."""
    given = np.asarray(order)
    if given.ndim != 1 or given.dtype.kind not in "iu" or batch_size < 1:
        raise Unusual
    rows = np.ascontiguousarray(given, np.int64)
    # read as unsigned, a negative number is larger than all others
    if samples and rows.view(np.uint64).max(initial=0) >= samples:
        raise Unusual
    return rows
