"""The largest size of an index for which a subscript stays inside its axis."""

from __future__ import annotations

from collections.abc import Mapping

from .affine import Affine, affine
from .expression import Expression, Index, Size, walk
from .intervals import LARGEST_GRID, interval, table
from .system import System

# a subscript that stays inside for so many values does so for any number
UNBOUNDED = 2**40


def largest_size(
    subscript: Expression,
    inside: tuple[int, int],
    indices: frozenset[str],
    sizes: Mapping[str, int],
    system: System,
) -> int | None:
    """The largest size that `indices`, all of one size, can have.

    `inside` is the first and the last value that the subscript may take;
    `sizes` has the sizes of its other indices. 0 where even a size of 1 is
    too large; None where any size will do, or where it cannot be told.
    """
    if any(isinstance(node, Size) and node.index in indices for node in walk(subscript)):
        return None
    form = affine(subscript, sizes)
    if form is not None:
        return _affine_size(form, inside, indices, sizes)
    used = sorted(indices & subscript.free)
    return _searched_size(subscript, inside, used[0], sizes, system) if len(used) == 1 else None


def _affine_size(
    form: Affine, inside: tuple[int, int], indices: frozenset[str], sizes: Mapping[str, int]
) -> int | None:
    low = high = form.constant
    up = down = 0
    for node, coefficient in form.coefficients.items():
        assert isinstance(node, Index)
        if node.name in indices:
            up, down = up + max(0, coefficient), down + max(0, -coefficient)
        else:
            reach = coefficient * (sizes[node.name] - 1)
            low, high = low + min(0, reach), high + max(0, reach)
    first, last = inside
    if low < first or high > last:
        return 0
    limits = [(last - high) // up + 1] if up else []
    if down:
        limits.append((low - first) // down + 1)
    return min(limits, default=None)


def _searched_size(
    subscript: Expression,
    inside: tuple[int, int],
    index: str,
    sizes: Mapping[str, int],
    system: System,
) -> int | None:
    """The first value of the index with which the subscript leaves, which is the size.

    Bounds tell up to where it surely stays inside; from there on its values
    are looked at.
    """

    def stays(size: int) -> bool:
        found = interval(subscript, {**sizes, index: size}, system)
        return found is not None and inside[0] <= found[0] and found[1] <= inside[1]

    size = 1
    while size < UNBOUNDED and stays(size):
        size *= 2
    if size >= UNBOUNDED:
        return None
    sure, unsure = size // 2, size
    while unsure - sure > 1:
        middle = (sure + unsure) // 2
        sure, unsure = (middle, unsure) if stays(middle) else (sure, middle)
    return _first_outside(subscript, inside, index, sure, sizes, system)


def _first_outside(
    subscript: Expression,
    inside: tuple[int, int],
    index: str,
    start: int,
    sizes: Mapping[str, int],
    system: System,
) -> int | None:
    one = table(subscript, sizes, system, {index: range(start, start + 1)})
    if one is None:
        return None
    count = max(1, LARGEST_GRID // one.size)
    values = table(subscript, sizes, system, {index: range(start, start + count)})
    if values is None:
        return None
    outside = ((values < inside[0]) | (values > inside[1])).reshape(count, -1).any(axis=1)
    return start + int(outside.argmax()) if outside.any() else None
