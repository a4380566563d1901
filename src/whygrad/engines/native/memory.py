"""The memory of a program's own buffers: one block, shared by buffers that never meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ..base import Array
from .code import Buffer

LINE = 64
"""Every buffer begins at a multiple of so many bytes: a cache line, and the widest vector."""

ELEMENTS: dict[str, np.dtype[Any]] = {
    "float": np.dtype(np.float32),
    "double": np.dtype(np.float64),
    "i64": np.dtype(np.int64),
}


class Lifetime(NamedTuple):
    """A buffer of so many bytes, in use from part `first` to part `last` of a program."""

    first: int
    last: int
    size: int


def memory_shape(buffer: Buffer, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """The number of places on each axis in memory, padding included."""
    shape = [
        (sizes[a.index] if a.size is None else a.size) + a.before + a.after for a in buffer.axes
    ]
    if shape:
        shape[-1] += -shape[-1] % buffer.multiple
    return tuple(shape)


def offsets(lifetimes: Sequence[Lifetime]) -> tuple[int, ...]:
    """Where each buffer begins, in bytes, such that none overlaps another that is in use with it.

    The smallest packing is NP-hard to find. The large ones are placed first, each as low as it
    fits (greedy by size; Pisarchyk and Lee, "Efficient memory management for deep neural net
    inference", 2020), or the long-lived ones, whichever needs less.
    """
    orders = (
        lambda k: (-lifetimes[k].size, lifetimes[k].first, k),
        lambda k: (lifetimes[k].first, -lifetimes[k].size, k),
        lambda k: (lifetimes[k].first - lifetimes[k].last, -lifetimes[k].size, k),
    )
    packings = [_packed(lifetimes, sorted(range(len(lifetimes)), key=o)) for o in orders]
    return min(packings, key=lambda places: extent(lifetimes, places))


def extent(lifetimes: Sequence[Lifetime], places: Sequence[int]) -> int:
    """How many bytes buffers at these places need together."""
    return max((p + rounded(b.size) for b, p in zip(lifetimes, places, strict=True)), default=0)


def rounded(size: int) -> int:
    """The size, up to the end of the cache line."""
    return size + -size % LINE


def _packed(lifetimes: Sequence[Lifetime], order: Sequence[int]) -> tuple[int, ...]:
    """Each buffer in turn at the lowest place that is free for as long as it lives."""
    places: dict[int, int] = {}
    for k in order:
        own = lifetimes[k]
        taken = sorted(
            (place, place + rounded(lifetimes[j].size))
            for j, place in places.items()
            if lifetimes[j].first <= own.last and own.first <= lifetimes[j].last
        )
        place = 0
        for start, end in taken:
            if start - place >= own.size:
                break
            place = max(place, end)
        places[k] = place
    return tuple(places[k] for k in range(len(lifetimes)))


def zeros(size: int) -> Array:
    """So many bytes of zeros, beginning with a cache line."""
    block = np.zeros(size + LINE, np.uint8)
    return block[-block.ctypes.data % LINE :][:size]


def view(buffer: Buffer, sizes: Mapping[str, int], block: Array, offset: int) -> Array:
    """The tensor that a buffer holds, as an array with the tensor's axes, padding left out."""
    shape = memory_shape(buffer, sizes)
    element = ELEMENTS[buffer.element]
    flat: Array = block[offset : offset + prod(shape) * element.itemsize].view(element)
    inside = flat.reshape(shape)[
        tuple(
            slice(a.before, a.before + (sizes[a.index] if a.size is None else a.size))
            for a in buffer.axes
        )
    ]
    return inside.transpose([buffer.order.index(k) for k in range(len(buffer.order))])
