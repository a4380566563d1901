"""Which batches make up an epoch: how many of which size, and what arrays they are taken from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...errors import SizeError
from ...language.system import Tensor
from ..base import Array
from ..request import Request
from .arrays import Unusual
from .build import Build
from .layouts import KEPT, Layout, Layouts

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Batches:
    """So many batches of one size, and the shapes of the caller's arrays."""

    size: int
    count: int
    layout: Layout
    shapes: Shapes


class Division:
    """Divides the samples of an epoch into batches."""

    def __init__(self, request: Request, build: Build, inputs: Mapping[str, Tensor]) -> None:
        """`request` is that of a step; the size of a batch may be fixed in it."""
        self.batch = request.whole.batch or ""
        self.gathered = {
            name: t.indices.index(self.batch)
            for name, t in inputs.items()
            if t.kind == "given" and self.batch in t.indices
        }
        self._inputs = inputs
        self._fixed = request.sizes.get(self.batch)
        self._layouts = Layouts(request.with_open_batch(), build)
        self._known: dict[tuple[int, int, int], tuple[Batches, ...]] = {}

    def samples(self, arrays: Mapping[str, Array]) -> int:
        """How many samples the arrays hold; 0 where no array has a batch index."""
        for name, axis in self.gathered.items():
            shape = np.shape(arrays[name]) if name in arrays else ()
            if axis >= len(shape):
                raise Unusual
            return int(shape[axis])
        return 0

    def batches(self, samples: int, length: int, size: int) -> tuple[Batches, ...]:
        """The batches of an epoch over `length` samples: the full ones, and a smaller last one.

        All of them are taken from the same arrays. Raises Unusual where that cannot be, and where
        a batch has not the size that it must have.
        """
        key = samples, length, size
        if key not in self._known:
            if len(self._known) == KEPT:
                self._known.clear()
            full, last = divmod(length, size)
            parts = [(size, full)] * (full > 0) + [(last, 1)] * (last > 0)
            found = tuple(self._of_size(s, count, samples) for s, count in parts)
            if any(part.shapes != found[0].shapes for part in found):
                raise Unusual
            self._known[key] = found
        return self._known[key]

    def _of_size(self, size: int, count: int, samples: int) -> Batches:
        if self._fixed not in (None, size):
            raise Unusual
        try:
            layout = self._layouts.find(size if self.batch else None, samples)
        except SizeError:
            raise Unusual from None
        shapes = {name: layout.shapes[name] for name in self._inputs}
        for name, axis in self.gathered.items():
            shapes[name] = (*shapes[name][:axis], samples, *shapes[name][axis + 1 :])
        return Batches(size, count, layout, shapes)
