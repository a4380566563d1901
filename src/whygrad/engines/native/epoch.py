"""Epochs in machine code: the loop over batches, and what Python does before and after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from ..base import Array
from ..request import Request
from .arrays import Unusual, row_numbers
from .batches import Batches, Division
from .binding import Binding
from .build import build
from .executable import Executable
from .jit import Target
from .layouts import KEPT, Layout
from .names import rows
from .pace import Pace
from .work import ENOUGH, LEAST, worthwhile
from .zeros import sparse

if TYPE_CHECKING:
    from ..reference import ReferenceProgram

NOISE = 1 << 24
"""Noise is drawn for several steps ahead, but for no more than about so many bytes."""


class Epochs:
    """A training step as machine code, and the loop over it.

    A step that sets a flag is undone and left to the reference engine, which says what is wrong
    with it. It is undone by running up to that step once more: nothing has come back of the first
    time.
    """

    def __init__(
        self,
        request: Request,
        reference: Callable[[], ReferenceProgram],
        threads: int | None,
        target: Target,
        arrays: Mapping[str, Array],
    ) -> None:
        """`request` is that of a step; `reference` gives a program that takes the same steps.

        The data among the arrays show in which of them many numbers are 0.
        """
        gaps = sparse(request.whole, arrays)
        self._request = request
        self._reference = reference
        self._threads = threads
        self._build = build(request.with_open_batch(), True, target, gaps)
        code = self._build.code
        self._executable = Executable(code, self._build.machine_code, self._build.symbols)
        self._binding = Binding(request, code, finite=bool(gaps))
        self._division = Division(request, self._build, self._binding.tensors)
        self._rows = rows(self._division.batch)
        self._followed = {name: self._build.results[name] for name in request.followed}
        self._noise = request.system.of_kind("noise")
        self._paces: dict[tuple[int, ...], Pace] = {}

    def run(
        self,
        arrays: MutableMapping[str, Array],
        order: Array,
        batch_size: int,
        seed: int,
        step: int,
        room: MutableMapping[str, Array],
    ) -> dict[str, Array]:
        """See `engines.base.Program.epoch`; raises Unusual before anything has changed."""
        followed = self._followed.values()
        if not len(order):
            raise Unusual
        samples = self._division.samples(arrays)
        order = row_numbers(order, samples, batch_size)
        parts = self._division.batches(samples, len(order), batch_size)
        steps = sum(part.count for part in parts)
        values = {t: self._values(t, parts, steps, room) for t in followed}
        self._binding.bind(arrays, parts[0].layout.sizes, parts[0].shapes)
        taken = 0
        try:
            for part in parts:
                end = taken + part.count
                pace = self._pace(part.layout)
                while taken < end:
                    threads, count = pace.next(min(end - taken, self._ahead(part)))
                    some = {t: found[taken:] for t, found in values.items()}
                    left = order[taken * batch_size :]
                    done = self._steps(part, count, threads, left, some, seed, step + taken)
                    taken += done
                    if done == count:
                        pace.note(count)
                    else:
                        batch = left[done * batch_size :][: part.size]
                        found = self._refer(arrays, batch, seed, step + taken)
                        for name, tensor in self._followed.items():
                            values[tensor][taken] = found[name][0]
                        taken += 1
        finally:
            self._binding.give_back(arrays)
        return {name: _doubled(values[t], room, t) for name, t in self._followed.items()}

    def _values(
        self,
        tensor: str,
        parts: Sequence[Batches],
        steps: int,
        room: MutableMapping[str, Array],
    ) -> Array:
        """Memory for the values of a tensor in so many steps."""
        shape, *others = {self._executable.shape(tensor, part.layout.sizes) for part in parts}
        if others:
            raise Unusual
        return _reused(room, tensor, (steps, *shape), self._executable.dtype(tensor))

    def _steps(
        self,
        part: Batches,
        count: int,
        threads: int,
        order: Array,
        values: Mapping[str, Array],
        seed: int,
        step: int,
    ) -> int:
        """Take so many steps, on the samples that the order begins with; their values are noted.

        Returns how many were taken: all, or those before one that sets a flag, which is undone.
        """
        moving = {name: (array, array.strides[0]) for name, array in values.items()}
        moving[self._rows] = order, part.size * order.itemsize
        for t in self._noise:
            shape = part.layout.shapes[t.name]
            drawn = [self._request.noise(t.name, shape, seed, step + k) for k in range(count)]
            moving[t.name] = np.stack(drawn), drawn[0].nbytes
        pointers = self._binding.addresses()
        strides = {}
        for name, (array, stride) in moving.items():
            if name in self._executable.external:
                pointers[name] = array.ctypes.data
                strides[name] = stride

        def call(steps: int) -> int:
            sizes = part.layout.values
            return self._executable.call(sizes, pointers, steps, strides, threads).steps

        done = call(count)
        if 0 < done < count:
            call(done)
        return done

    def _pace(self, layout: Layout) -> Pace:
        """What chooses the number of threads for steps of some sizes."""
        if layout.values not in self._paces:
            if len(self._paces) == KEPT:
                self._paces.clear()
            sure, most = (
                self._threads or worthwhile(layout.operations, each) for each in (ENOUGH, LEAST)
            )
            self._paces[layout.values] = Pace(sure, most)
        return self._paces[layout.values]

    def _refer(
        self, arrays: MutableMapping[str, Array], batch: Array, seed: int, step: int
    ) -> dict[str, Array]:
        """Let the reference engine take a step; what is followed in it."""
        self._binding.give_back(arrays)
        found = self._reference().epoch(arrays, batch, len(batch), seed, step)
        self._binding.take_up(arrays)
        return found

    def _ahead(self, part: Batches) -> int:
        """For how many steps noise is drawn at once."""
        if not self._noise:
            return part.count
        numbers = sum(prod(part.layout.shapes[t.name]) for t in self._noise)
        return max(1, NOISE // max(1, numbers * self._request.dtype.itemsize))


def _reused(
    room: MutableMapping[str, Array], name: str, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> Array:
    """Memory of that shape and type in a room, where it is kept for the next who asks.

    What is kept under a name may be longer on the first axis than it was asked for.
    """
    key = f"{name} {dtype}"
    kept = room.get(key)
    if kept is None or len(kept) < shape[0] or kept.shape[1:] != shape[1:]:
        kept = room[key] = np.empty(shape, dtype)
    return kept[: shape[0]]


def _doubled(values: Array, room: MutableMapping[str, Array], tensor: str) -> Array:
    """The values of a tensor in float64."""
    found = _reused(room, tensor, values.shape, np.dtype(np.float64))
    if found.dtype != values.dtype:
        found[...] = values
    return found
