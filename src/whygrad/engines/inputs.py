"""The arrays that go into a run: checked, and in the type that the run computes with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..errors import DataError
from ..language.expression import references
from ..language.system import System, Tensor
from .base import Array, check_shape


def needed(system: System, wanted: Iterable[str]) -> tuple[Tensor, ...]:
    """The declared tensors whose arrays a system needs, noise excepted."""
    for name in sorted(system.readers):
        if name not in system.tensors:
            raise DataError(f"{name} is read, but the system has no such tensor")
    names = {*system.readers, *wanted}
    return tuple(
        t
        for t in system.tensors.values()
        if t.name in names and t.kind not in ("equation", "noise")
    )


def subscripts(system: System) -> frozenset[str]:
    """The tensors that stand in subscripts."""
    return frozenset(
        inner.tensor
        for e in system.expressions()
        for r in references(e)
        for s in r.subscripts
        for inner in references(s)
    )


def prepared(
    tensor: Tensor,
    arrays: Mapping[str, Array],
    shape: tuple[int, ...],
    classes: int | None,
    whole: bool,
    dtype: np.dtype[Any],
) -> Array:
    """The array of one tensor.

    `classes` is the size of the index whose values it holds, if it holds
    such; `whole` says that whole numbers are to stay whole numbers.
    """
    if tensor.name not in arrays:
        declaration = tensor.declaration
        if declaration is not None and declaration.value is not None:
            return np.asarray(declaration.value, dtype)
        raise DataError(f"no array was given for {tensor.name} ({tensor.kind})")
    array = np.asarray(arrays[tensor.name])
    if array.dtype.kind not in "fiub":
        raise DataError(f"{tensor.name} holds {array.dtype}, but it should hold numbers")
    check_shape(tensor.name, tensor.indices, array, shape)
    if classes is not None:
        return _class_numbers(tensor, array, classes)
    if whole and array.dtype.kind in "iu":
        return array.astype(np.int64, copy=False)
    return array.astype(dtype, copy=False)


def _class_numbers(tensor: Tensor, array: Array, size: int) -> Array:
    """The array as whole numbers from 0 to size - 1."""
    whole = array.astype(np.int64, copy=False)
    wrong = (whole != array) | (whole < 0) | (whole >= size)
    if wrong.any():
        place = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
        at = f"[{', '.join(map(str, place))}]" if place else ""
        raise DataError(
            f"{tensor.name}{at} is {array[place]}, but {tensor.name} holds values of "
            f"{tensor.within}: whole numbers from 0 to {size - 1}"
        )
    return whole
