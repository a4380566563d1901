"""Data on their way into a network: arrays by the names of the given tensors.

What is bound is an array of numbers with as many axes as its tensor, all of it finite: int64 where
the tensor holds whole numbers (`y[n] in k`, or a tensor used as a subscript), else float64, or
float32 if it was given as that, since another type would take a second array of the same size.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, nearest
from ..language.expression import ONE, Reference, references, walk
from ..language.system import System, Tensor
from .arguments import by_name

Array = NDArray[Any]
Arrays = dict[str, Array]

# up to here every whole number is a float64
LARGEST = 2**53


def merge(data: Mapping[str, object] | None, named: Mapping[str, object]) -> dict[str, object]:
    """The arrays given in one mapping and those given by name, together.

    Those by name that are None count as not given.
    """
    merged = by_name("data", data, "{'x': X}")
    for name, value in named.items():
        if name in merged:
            raise DataError(f"'{name}' is given twice: by its name and in data")
        if value is not None:
            merged[name] = value
    return merged


def bind(system: System, data: Mapping[str, object], needed: Iterable[str]) -> Arrays:
    """Check and convert what is given; `needed` names the tensors that must be there.

    Raises DataError, which names the tensor and the first place at fault.
    """
    given = {t.name: t for t in system.of_kind("given")}
    for name in data:
        if name not in given:
            raise DataError(f"the network has no given '{name}'; {nearest(name, given)}")
    for name in needed:
        if name not in data:
            tensor = given[name]
            raise DataError(f"'{name}' is missing: pass {name}=..., {_form(tensor)}")
    whole = whole_numbered(system)
    return {
        name: _bind_one(system, given[name], value, whole=name in whole)
        for name, value in data.items()
    }


def whole_numbered(system: System) -> frozenset[str]:
    """The given tensors that hold whole numbers."""
    found = {t.name for t in system.of_kind("given") if t.within}
    for reference, _ in _subscripting(system):
        found.add(reference.tensor)
    return frozenset(found)


def check_whole_numbers(system: System, arrays: Arrays, sizes: Mapping[str, int]) -> None:
    """Raise DataError for a class or word number outside the range of its index."""
    ranges = {t.name: t.within for t in system.of_kind("given") if t.within}
    for reference, index in _subscripting(system):
        if index is not None:
            ranges.setdefault(reference.tensor, index)
    for name, index in ranges.items():
        if name not in arrays or index not in sizes:
            continue
        array = arrays[name]
        outside = (array < 0) | (array >= sizes[index])
        if outside.any():
            place, value = first_place(name, array, outside)
            raise DataError(
                f"{place} is {value}, but {name} holds values of {index}, "
                f"which go from 0 to {sizes[index] - 1}"
            )


def class_counts(system: System, arrays: Arrays) -> dict[str, int]:
    """For each index of `y[n] in k`: one more than the largest number in the data."""
    counts: dict[str, int] = {}
    for tensor in system.of_kind("given"):
        if tensor.within is not None and tensor.name in arrays:
            largest = int(arrays[tensor.name].max()) + 1
            counts[tensor.within] = max(counts.get(tensor.within, 1), largest)
    return counts


def number_array(name: str, value: object) -> Array:
    """A finite array of numbers, int64, float32 or float64, with any number of axes."""
    array = _as_array(name, value)
    if array.size == 0:
        raise DataError(f"{name} is empty: its shape is {array.shape}")
    if np.can_cast(array.dtype, np.int64):
        return array.astype(np.int64, copy=False)
    if array.dtype != np.float32:
        array = array.astype(np.float64, copy=False)
    finite = np.isfinite(array)
    if not finite.all():
        place, number = first_place(name, array, ~finite)
        raise DataError(f"{place} is {number}: data have to be finite")
    return array


def _bind_one(system: System, tensor: Tensor, value: object, *, whole: bool) -> Array:
    array = number_array(tensor.name, value)
    axes = len(tensor.indices)
    if array.ndim == axes - 1 and system.sizes.get(tensor.indices[-1]) == ONE:
        array = array[..., np.newaxis]  # the text says that the last axis has size 1
    if array.ndim != axes:
        hint = ""
        if array.ndim == axes + 1 and array.shape[-1] == 1:
            hint = f"; drop its last axis: {tensor.name}[..., 0]"
        elif whole and array.ndim == axes + 1:
            hint = f"; one-hot rows become numbers by {tensor.name}.argmax(axis=-1)"
        raise DataError(f"{_form(tensor)}, but the shape given is {array.shape}{hint}")
    if not whole:
        return array if array.dtype.kind == "f" else array.astype(np.float64)
    for wrong, right in (
        (array != np.floor(array), "holds whole numbers"),
        (np.abs(array) > LARGEST, f"holds whole numbers up to {LARGEST}: it is out of range"),
    ):
        if wrong.any():
            place, number = first_place(tensor.name, array, wrong)
            raise DataError(f"{place} is {number}, but {tensor.name} {right}")
    return array.astype(np.int64, copy=False)


def _as_array(name: str, value: object) -> Array:
    plain = type(value) is np.ndarray  # then numpy.ma, which takes 7 ms, need not be imported
    if not plain and isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        place, _ = first_place(name, value.data, np.ma.getmaskarray(value))
        raise DataError(f"{place} is masked, so it is missing: leave its row out, or fill it in")
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, RuntimeError) as error:
        raise DataError(f"{name} is no array of numbers: {error}") from None
    if array.dtype.kind == "O":
        try:
            array = array.astype(np.float64)
        except (ValueError, TypeError, OverflowError):
            if any(isinstance(v, str) for v in array.flat):
                array = array.astype(str)
    if array.dtype.kind in "US":
        raise DataError(
            f"{name} holds text ('{array.flat[0] if array.size else ''}'), not numbers; "
            f"class names become numbers by names, {name} = "
            f"numpy.unique({name}, return_inverse=True)"
        )
    if array.dtype.kind not in "buif":
        raise DataError(f"{name} is no array of numbers: its type is {array.dtype}")
    return array


def _subscripting(system: System) -> Iterable[tuple[Reference, str | None]]:
    """Each given tensor that stands in a subscript, and the index of that axis if alone there."""
    tensors = system.tensors
    given = {t.name for t in system.of_kind("given")}
    for e in system.expressions():
        for outer in (node for node in walk(e) if isinstance(node, Reference)):
            for axis, subscript in enumerate(outer.subscripts):
                for inner in references(subscript):
                    if inner.tensor in given:
                        alone = inner is subscript and outer.tensor in tensors
                        yield inner, tensors[outer.tensor].indices[axis] if alone else None


def _form(tensor: Tensor) -> str:
    if not tensor.indices:
        return f"{tensor.name} is a single number"
    return f"{tensor} is an array of {len(tensor.indices)} axes ({','.join(tensor.indices)})"


def first_place(name: str, array: Array, at: NDArray[np.bool_]) -> tuple[str, object]:
    """The first place of those marked, written `x[3,1]`, and the number there."""
    position = tuple(int(p) for p in np.argwhere(at)[0])
    subscripts = f"[{','.join(map(str, position))}]" if position else ""
    return name + subscripts, array[position].item()
