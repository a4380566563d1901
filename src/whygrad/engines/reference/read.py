"""References: the elements of a tensor that a subscript selects.

Affine subscripts (`2*p + r`, `t - 1`, `3`) make a view of the tensor and copy
nothing; `pad` copies what is needed of it into zeros first. Any other
subscript is a gather.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ...errors import DataError
from ...language.affine import affine
from ...language.expression import Expression, Index, Pad, Reference
from .named import Array, Named, Ranges, expand, ordered

if TYPE_CHECKING:
    from .evaluate import Evaluator

LARGEST_PADDING = 4
"""A padded axis that would be longer than so many times what is read of it is gathered."""


@dataclass(frozen=True, slots=True)
class Walk:
    """An affine subscript: `constant` plus whole multiples of indices."""

    constant: int
    steps: tuple[tuple[str, int], ...]
    pad: bool

    def bounds(self, ranges: Ranges) -> tuple[int, int]:
        """The smallest and the largest value."""
        low = high = self.constant
        for index, step in self.steps:
            first, last = step * ranges[index].start, step * (ranges[index].stop - 1)
            low += min(first, last)
            high += max(first, last)
        return low, high


def walk(subscript: Expression, evaluator: Evaluator) -> Walk | None:
    """The subscript as an affine one, or None."""
    key = subscript
    if key in evaluator.walks:
        return evaluator.walks[key]
    inner = subscript.subscript if isinstance(subscript, Pad) else subscript
    form = affine(inner, evaluator.sizes)
    found = None
    if form is not None:
        steps = tuple((n.name, c) for n, c in form.coefficients.items() if isinstance(n, Index))
        if len(steps) == len(form.coefficients):
            found = Walk(form.constant, steps, isinstance(subscript, Pad))
    evaluator.walks[key] = found
    return found


def read(evaluator: Evaluator, reference: Reference, ranges: Ranges) -> Named:
    """The selected elements; a view of the tensor where that is possible."""
    array = evaluator.tensor(reference.tensor)
    if not reference.subscripts:
        return Named(array.view(), ())
    walks = [walk(s, evaluator) for s in reference.subscripts]
    places = [w for w in walks if w is not None]
    if len(places) == len(walks) and _compact(places, ranges):
        names = ordered((index for place in places for index, _ in place.steps), ranges)
        return _view(evaluator, reference, array, places, names, ranges)
    return _gather(evaluator, reference, array, ranges)


def is_view(evaluator: Evaluator, reference: Reference, ranges: Ranges) -> bool:
    """Whether reading it copies nothing."""
    origins = evaluator.origins.get(reference.tensor)
    shape = evaluator.tensor(reference.tensor).shape
    for axis, subscript in enumerate(reference.subscripts):
        place = walk(subscript, evaluator)
        if place is None:
            return False
        if place.pad:
            origin = origins[axis] if origins else 0
            low, high = place.bounds(ranges)
            if low < origin or high >= origin + shape[axis]:
                return False
    return True


def _compact(places: list[Walk], ranges: Ranges) -> bool:
    """Whether no padding is much longer than what is read of it."""
    for place in places:
        if place.pad:
            low, high = place.bounds(ranges)
            read = sum(len(ranges[index]) for index, _ in place.steps)
            if high - low > LARGEST_PADDING * read:
                return False
    return True


def _view(
    evaluator: Evaluator,
    reference: Reference,
    array: Array,
    places: list[Walk],
    names: tuple[str, ...],
    ranges: Ranges,
) -> Named:
    origins = evaluator.origins.get(reference.tensor) or (0,) * array.ndim
    starts: list[int] = []
    padding: list[tuple[int, int]] = []
    for axis, place in enumerate(places):
        low, high = place.bounds(ranges)
        low, high = low - origins[axis], high - origins[axis]
        if low < 0 or high >= array.shape[axis]:
            if not place.pad:
                return _gather(evaluator, reference, array, ranges)
            if high < 0 or low >= array.shape[axis]:
                zeros = np.zeros([1] * len(names), array.dtype)
                return Named(np.broadcast_to(zeros, [len(ranges[n]) for n in names]), names)
        starts.append(low)
        padding.append((low, high + 1))
    if any(
        low < 0 or high > length for (low, high), length in zip(padding, array.shape, strict=True)
    ):
        array = evaluator.meter.made(_padded(array, padding))
        starts = [0] * len(starts)
    plain = _plain_view(array, places, starts, names, ranges)
    return plain if plain is not None else _strided(array, places, starts, names, ranges)


def _plain_view(
    array: Array, places: list[Walk], starts: list[int], names: tuple[str, ...], ranges: Ranges
) -> Named | None:
    """The view as a slice, if each axis has an index of its own with a positive step."""
    found: list[str] = []
    cut: list[slice | int] = []
    for place, start in zip(places, starts, strict=True):
        if not place.steps:
            cut.append(start)
            continue
        (index, step), *more = place.steps
        if more or step < 1 or index in found:
            return None
        found.append(index)
        cut.append(slice(start, start + step * (len(ranges[index]) - 1) + 1, step))
    view = array[tuple(cut)]
    if tuple(found) == names:
        return Named(view, names)
    return Named(view.transpose([found.index(n) for n in names]), names)


def _strided(
    array: Array, places: list[Walk], starts: list[int], names: tuple[str, ...], ranges: Ranges
) -> Named:
    """Any affine subscripts: the steps of an index add up over the axes.

    `starts` are the lowest places on each axis; an index with a negative step
    begins at its highest.
    """
    strides = dict.fromkeys(names, 0)
    first = list(starts)
    for axis, place in enumerate(places):
        for index, step in place.steps:
            strides[index] += step * array.strides[axis]
            if step < 0:
                first[axis] -= step * (len(ranges[index]) - 1)
    corner = array[tuple(slice(f, None) for f in first)]
    shape = [len(ranges[n]) for n in names]
    return Named(as_strided(corner, shape, [strides[n] for n in names], writeable=False), names)


def _padded(array: Array, padding: list[tuple[int, int]]) -> Array:
    """What lies between the bounds on each axis, with zeros outside the array."""
    result = np.zeros([high - low for low, high in padding], array.dtype)
    source = tuple(
        slice(max(low, 0), min(high, length))
        for (low, high), length in zip(padding, array.shape, strict=True)
    )
    target = tuple(
        slice(s.start - low, s.stop - low) for s, (low, _) in zip(source, padding, strict=True)
    )
    result[target] = array[source]
    return result


def _gather(evaluator: Evaluator, reference: Reference, array: Array, ranges: Ranges) -> Named:
    """The elements by arrays of places, one for each axis that is not simply run through."""
    origins = evaluator.origins.get(reference.tensor) or (0,) * array.ndim
    axes: list[int] = []
    places: list[Named] = []
    whole: list[tuple[int, str]] = []
    cut: list[slice] = [slice(None)] * array.ndim
    inside: Named | None = None
    for axis in range(array.ndim):
        index = _own_index(reference, axis)
        if index is not None and _within(ranges[index], origins[axis], array.shape[axis]):
            start = ranges[index].start - origins[axis]
            cut[axis] = slice(start, start + len(ranges[index]))
            whole.append((axis, index))
            continue
        place, fits = _places(evaluator, reference, axis, array.shape[axis], origins[axis], ranges)
        axes.append(axis)
        places.append(place)
        if fits is not None:
            inside = fits if inside is None else evaluator.both(inside, fits, ranges)
    moved = array[tuple(cut)].transpose(axes + [axis for axis, _ in whole])
    names = ordered((n for p in places for n in p.names), ranges)
    picked = moved[tuple(expand(p, names) for p in places)]
    found = Named(picked, names + tuple(index for _, index in whole))
    order = ordered(found.names, ranges)
    result = picked.transpose([found.names.index(n) for n in order])
    if inside is not None:
        result = np.where(expand(inside, order), result, array.dtype.type(0))
    return Named(evaluator.meter.made(result), order)


def _own_index(reference: Reference, axis: int) -> str | None:
    """The index that runs along this axis and along no other."""
    subscript = reference.subscripts[axis]
    if not isinstance(subscript, Index):
        return None
    others = (s for k, s in enumerate(reference.subscripts) if k != axis)
    return None if any(subscript.name in s.free for s in others) else subscript.name


def _within(values: range, origin: int, length: int) -> bool:
    return origin <= values.start and values.stop <= origin + length


def _places(
    evaluator: Evaluator,
    reference: Reference,
    axis: int,
    length: int,
    origin: int,
    ranges: Ranges,
) -> tuple[Named, Named | None]:
    """Where on the axis to read, and where that is inside it (None: everywhere)."""
    subscript = reference.subscripts[axis]
    value = evaluator.evaluate(subscript, ranges)
    place = value.array - origin
    low, high = place.min(initial=0), place.max(initial=0)
    if place.dtype.kind in "iu" and low >= 0 and high < length:
        return Named(place, value.names), None
    whole = place == np.rint(place)
    inside = whole & (place >= 0) & (place < length)
    wrong = ~whole if isinstance(subscript, Pad) else ~inside
    _refuse(evaluator, reference, axis, Named(wrong, value.names), value, ranges)
    if length == 0:
        raise DataError(f"{reference.tensor} has no elements, but {reference} reads it")
    safe = np.where(inside, place, 0).astype(np.int64)
    return Named(safe, value.names), Named(inside, value.names)


def _refuse(
    evaluator: Evaluator,
    reference: Reference,
    axis: int,
    wrong: Named,
    value: Named,
    ranges: Ranges,
) -> None:
    """Raise DataError if a wrong place on the axis is really read: no condition excludes it."""
    bad = evaluator.reached(wrong, ranges)
    if not bad.array.any():
        return
    position = np.unravel_index(int(np.argmax(bad.array)), bad.array.shape)
    where = {n: ranges[n].start + int(p) for n, p in zip(bad.names, position, strict=True)}
    own = tuple(where[n] - ranges[n].start for n in value.names)
    subscript = reference.subscripts[axis]
    extent = evaluator.extent(reference.tensor, axis)
    at = ", ".join(f"{n} = {v}" for n, v in where.items())
    raise DataError(
        f"{reference} leaves its range{' at ' + at if at else ''}: "
        f"{subscript.subscript if isinstance(subscript, Pad) else subscript} is "
        f"{value.array[own]:g}, and this axis of {reference.tensor} takes whole numbers "
        f"from {extent.start} to {extent.stop - 1}"
    )
