"""The memory of a program's own buffers: one block, shared by buffers that never meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ..base import Array
from .code import Buffer, Code

LINE = 64
"""Every buffer begins at a multiple of so many bytes: a cache line, and the widest vector."""

SLACK = 1024
"""Bytes behind the last buffer, since a vector may be read that begins in it and ends beyond."""

KEPT = 64
"""For so many sets of sizes it is remembered where the buffers are."""

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
    shape = list(stored_shape(buffer, sizes))
    if shape:
        shape[-1] += -shape[-1] % buffer.multiple + buffer.extra
    return tuple(shape)


def size_of(buffer: Buffer, sizes: Mapping[str, int]) -> int:
    """The bytes of a buffer, of a thread's own if it is private."""
    return prod(memory_shape(buffer, sizes)) * ELEMENTS[buffer.element].itemsize


def stored_shape(buffer: Buffer, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """The number of places on each axis in memory that belong to the tensor, starts included."""
    return tuple(
        (sizes[a.index] if a.size is None else a.size) + a.before + a.after for a in buffer.axes
    )


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


class Memory:
    """The internal buffers of a program, for the sizes of one call after the other.

    The block grows when a call needs more, and is kept. It is cleared when the sizes change, since
    what was padding may now be elsewhere.
    """

    def __init__(self, code: Code) -> None:
        self.buffers = [b for b in code.buffers if not b.external]
        self._names = code.runtime_sizes
        self._block = zeros(0)
        self._call: tuple[tuple[int, ...], int] | None = None
        self._addresses: list[list[int]] = []
        self._known: dict[tuple[tuple[int, ...], int], Places] = {}

    def addresses(self, sizes: tuple[int, ...], threads: int = 1) -> list[list[int]]:
        """Where each thread has the buffers, with these run-time sizes: a new list if they move."""
        if (sizes, threads) != self._call:
            self._call = None  # if Ctrl-C comes before all is in its place
            places = self.places(sizes, threads)
            if places.size > self._block.size:
                self._block = zeros(places.size)
            else:
                self._block[:] = 0
            start = self._block.ctypes.data
            self._addresses = [
                [start + o + k * step for o, step in zip(places.offsets, places.steps, strict=True)]
                for k in range(threads)
            ]
            self._call = sizes, threads
        return self._addresses

    def places(self, sizes: tuple[int, ...], threads: int = 1) -> Places:
        """Where in the block the buffers are."""
        key = sizes, threads
        if key not in self._known:
            if len(self._known) == KEPT:
                self._known.clear()
            self._known[key] = placed(self.buffers, self._named(sizes), threads)
        return self._known[key]

    def view(self, tensor: str) -> Array:
        """A tensor after a call, for which addresses were asked; the next call overwrites it."""
        assert self._call is not None
        k = next(k for k, b in enumerate(self.buffers) if b.tensor == tensor)
        sizes, threads = self._call
        offset = self.places(sizes, threads).offsets[k]
        return view(self.buffers[k], self._named(sizes), self._block, offset)

    def _named(self, sizes: tuple[int, ...]) -> dict[str, int]:
        return dict(zip(self._names, sizes, strict=True))


class Places(NamedTuple):
    """Offsets of buffers in a block, from a thread's to the next one's, and the bytes of all."""

    offsets: tuple[int, ...]
    steps: tuple[int, ...]
    size: int


def placed(buffers: Sequence[Buffer], sizes: Mapping[str, int], threads: int = 1) -> Places:
    """Where each buffer has its place: first those that keep theirs, behind them the others."""
    own = [size_of(b, sizes) for b in buffers]
    steps = tuple(rounded(n) if b.private else 0 for b, n in zip(buffers, own, strict=True))
    room = [n + step * (threads - 1) for n, step in zip(own, steps, strict=True)]
    found: dict[int, int] = {}
    end = 0
    for k, buffer in enumerate(buffers):
        if buffer.alive is None:
            found[k] = end
            end += rounded(room[k])
    sharing = {k: Lifetime(*b.alive, room[k]) for k, b in enumerate(buffers) if b.alive is not None}
    lifetimes = list(sharing.values())
    places = offsets(lifetimes)
    found |= {k: end + place for k, place in zip(sharing, places, strict=True)}
    end += extent(lifetimes, places) + SLACK
    return Places(tuple(found[k] for k in range(len(buffers))), steps, end)


def zeros(size: int) -> Array:
    """So many bytes of zeros, beginning with a cache line."""
    block = np.zeros(size + LINE, np.uint8)
    return block[-block.ctypes.data % LINE :][:size]


def view(buffer: Buffer, sizes: Mapping[str, int], block: Array, offset: int) -> Array:
    """The tensor that a buffer holds, as an array with the tensor's axes, padding left out."""
    shape = memory_shape(buffer, sizes)
    element = ELEMENTS[buffer.element]
    flat: Array = block[offset : offset + size_of(buffer, sizes)].view(element)
    inside: Any = (..., *map(slice, stored_shape(buffer, sizes)))  # with ... it is an array
    places: Array = flat.reshape(shape)[inside]
    return places.transpose([buffer.order.index(k) for k in range(len(buffer.order))])
