"""The sizes and shapes of a program, for one number of samples after the other."""

from __future__ import annotations

from typing import NamedTuple

from ...language.sizes import extents
from ..request import Request
from .arrays import Unusual
from .build import Build
from .names import ALL, original
from .work import operations

KEPT = 64
"""So many numbers of samples are remembered."""


class Layout(NamedTuple):
    """What follows from a number of samples.

    All sizes by index, all shapes by tensor, the run-time sizes in the code's order, and how many
    operations a run takes.
    """

    sizes: dict[str, int]
    shapes: dict[str, tuple[int, ...]]
    values: tuple[int, ...]
    operations: int


class Layouts:
    """Finds the layout for a number of samples."""

    def __init__(self, request: Request, build: Build) -> None:
        self._request = request
        self._build = build
        self._known: dict[tuple[int | None, int], Layout] = {}

    def find(self, samples: int | None, rows: int = 0) -> Layout:
        """The layout for a batch of so many samples, taken from arrays with so many rows.

        Raises Unusual where that says nothing of the size of some index.
        """
        key = samples, rows
        if key not in self._known:
            if len(self._known) == KEPT:
                self._known.clear()
            self._known[key] = self._layout(samples, rows)
        return self._known[key]

    def _layout(self, samples: int | None, rows: int) -> Layout:
        batch = self._request.whole.batch
        if batch is not None and samples is None and batch not in self._request.sizes:
            raise Unusual
        sizes = self._request.sizes_with(samples)
        names = self._build.code.runtime_sizes
        for index in names:
            sizes[index] = rows if index.endswith(ALL) else sizes[original(index)]
        axes = extents(self._request.system, sizes)
        shapes = {name: tuple(map(len, extent)) for name, extent in axes.items()}
        values = tuple(sizes[i] for i in names)
        return Layout(sizes, shapes, values, operations(self._build.work, sizes))
