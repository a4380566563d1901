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


def row_numbers(order: Array, samples: int | None, batch_size: int) -> Array:
    """The numbers of samples as compiled code takes them; they must be below `samples`."""
    rows = np.asarray(order)
    if rows.ndim != 1 or rows.dtype.kind not in "iu" or batch_size < 1:
        raise Unusual
    if samples is not None and rows.size and (rows.min() < 0 or rows.max() >= samples):
        raise Unusual
    return np.ascontiguousarray(rows, np.int64)
