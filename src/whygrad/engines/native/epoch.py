"""Epochs in machine code: the loop over batches, and what Python does before and after it."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import TYPE_CHECKING

import numpy as np

from ...errors import SizeError
from ..base import Array
from ..request import Request
from .arrays import Unusual, row_numbers
from .binding import Binding
from .build import build
from .executable import Executable
from .layouts import Layout, Layouts
from .memory import ELEMENTS
from .names import ALL, rows, whole
from .work import operations, worthwhile

if TYPE_CHECKING:
    from ..reference import ReferenceProgram

NOISE = 1 << 24
"""Noise is drawn for several steps ahead, but for no more than about so many bytes."""


class Epochs:
    """A training step as machine code, and the loop over it.

    A step that sets a flag is undone and left to the reference engine, which says what is wrong
    with it. It is undone by going back to a copy and running up to that step again.
    """

    def __init__(
        self, request: Request, reference: Callable[[], ReferenceProgram], threads: int | None
    ) -> None:
        """`request` is that of a step; `reference` gives a program that takes the same steps."""
        self._batch = request.whole.batch or ""
        self._fixed = request.sizes.get(self._batch)
        self._request = request.with_open_batch()
        self._reference = reference
        self._threads = threads
        self._build = build(self._request, in_place=True)
        self._executable = Executable(
            self._build.code, self._build.machine_code, self._build.symbols
        )
        self._layouts = Layouts(self._request, self._build.code)
        self._rows = rows(self._batch)
        self._cost = self._build.results[request.wanted[0]]
        self._noise = request.system.of_kind("noise")
        elements = {
            b.tensor.removesuffix(ALL): ELEMENTS[b.element]
            for b in self._build.code.buffers
            if b.external
        }
        self._binding = Binding(self._request, elements)

    def run(
        self,
        arrays: MutableMapping[str, Array],
        order: Array,
        batch_size: int,
        seed: int,
        step: int,
    ) -> Array:
        """See `engines.base.Program.epoch`; raises Unusual before anything has changed."""
        if self._cost not in self._executable.external:  # there is nothing to train
            raise Unusual
        samples = self._samples(arrays)
        order = row_numbers(order, samples if self._batch else None, batch_size)
        if not len(order):
            return np.empty(0)
        full, last = divmod(len(order), batch_size)
        layouts = {
            size: self._layout(size, samples)
            for size, some in ((batch_size, full), (last, last))
            if some
        }
        addresses = self._bind(arrays, layouts, samples)
        costs = np.empty(full + (last > 0), self._request.dtype)
        taken = 0
        try:
            while taken < len(costs):
                size, left = (batch_size, full - taken) if taken < full else (last, 1)
                layout, part = layouts[size], order[taken * batch_size :]
                some = costs[taken : taken + min(left, self._ahead(layout))]
                done = self._steps(layout, addresses, part, size, some, seed, step + taken)
                taken += done
                if done < len(some):
                    part = order[taken * batch_size :][:size]
                    costs[taken] = self._refer(arrays, part, seed, step + taken)
                    taken += 1
        finally:
            self._binding.give_back(arrays)
        return costs.astype(np.float64)

    def _steps(
        self,
        layout: Layout,
        addresses: dict[str, int],
        order: Array,
        size: int,
        costs: Array,
        seed: int,
        step: int,
    ) -> int:
        """Take a step for each of the costs, with so many samples of the order each.

        Returns how many were taken: all, or those before one that sets a flag, which is undone.
        """
        moving = {self._rows: (order, size * order.itemsize), self._cost: (costs, costs.itemsize)}
        for t in self._noise:
            shape = layout.shapes[t.name]
            drawn = [self._request.noise(t.name, shape, seed, step + k) for k in range(len(costs))]
            moving[t.name] = np.stack(drawn), drawn[0].nbytes
        pointers = addresses | {name: array.ctypes.data for name, (array, _) in moving.items()}
        strides = {n: stride for n, (_, stride) in moving.items() if n in self._executable.external}
        threads = self._threads or worthwhile(operations(self._build.work, layout.sizes))

        def call(count: int) -> int:
            return self._executable.call(layout.values, pointers, count, strides, threads).steps

        values = self._binding.values()
        before = [array.copy() for array in values]
        done = call(len(costs))
        if done < len(costs):
            for array, old in zip(values, before, strict=True):
                array[...] = old
            if done:
                call(done)
        return done

    def _refer(
        self, arrays: MutableMapping[str, Array], batch: Array, seed: int, step: int
    ) -> float:
        """Let the reference engine take a step; its cost."""
        self._binding.give_back(arrays)
        cost = float(self._reference().epoch(arrays, batch, len(batch), seed, step)[0])
        self._binding.take_up(arrays)
        return cost

    def _samples(self, arrays: MutableMapping[str, Array]) -> int:
        """How many samples the arrays hold; 0 where there is no batch index."""
        samples = self._request.samples(arrays)
        if self._batch and samples is None:
            raise Unusual
        return samples or 0

    def _layout(self, size: int, samples: int) -> Layout:
        """The layout of a step with so many samples out of all."""
        if self._fixed not in (None, size):
            raise Unusual
        try:
            return self._layouts.find(size if self._batch else None, samples)
        except SizeError:
            raise Unusual from None

    def _bind(
        self, arrays: MutableMapping[str, Array], layouts: dict[int, Layout], samples: int
    ) -> dict[str, int]:
        """The addresses of the caller's arrays; those with samples have all of them."""
        gathered = {}
        addresses: dict[str, int] = {}
        for layout in layouts.values():
            shapes = {}
            for name, tensor in self._binding.tensors.items():
                shape = layout.shapes[name]
                if tensor.kind == "given" and self._batch in tensor.indices:
                    axis = tensor.indices.index(self._batch)
                    shape = (*shape[:axis], samples, *shape[axis + 1 :])
                    gathered[name] = whole(name)
                shapes[name] = shape
            addresses = self._binding.bind(arrays, layout.sizes, shapes)
        return {gathered.get(name, name): address for name, address in addresses.items()}

    def _ahead(self, layout: Layout) -> int:
        """For how many steps noise is drawn at once."""
        numbers = sum(int(np.prod(layout.shapes[t.name])) for t in self._noise)
        return max(1, NOISE // max(1, numbers * self._request.dtype.itemsize))
