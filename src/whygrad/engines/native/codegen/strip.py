"""Strips: a few numbers of every row of a batch, copied so that they lie in one piece.

The rows that a sum over samples reads lie anywhere in the data. A tile reads some neighbours in
each, number by number: to go through all rows for so few costs more in looking up pages of memory
than in arithmetic (packing, as in Goto and van de Geijn, "Anatomy of high-performance matrix
multiplication", 2008). Each thread copies what its own tiles read. One copy for all would be less
work, but each line of it has to come from another processor's cache, and has to be taken back from
there before the next step can write to it.
"""

from __future__ import annotations

from collections.abc import Mapping

from ....language.expression import Reference
from ..code import Axis, Buffer
from .block import Block
from .factor import begin, data_factor, parts
from .function import SIZES, Function
from .packed import Packed
from .schedule import Tiled
from .value import Value, vector

STRIPS = "strips·"
"""Begins the name of the buffer with strips; it ends with that of their index."""

WIDE = 320
"""Numbers that are copied for a sample before the tiles that read them; then come the next ones."""


def stripped(
    tiled: Tiled, memory: Mapping[str, Buffer], constants: Mapping[str, int]
) -> Reference | None:
    """`x·all[rows·n[n], i]` where a nest for i and j sums its product with a[n,j] over n."""
    e = data_factor(tiled.nest, tiled.row, tiled.lane, constants)
    if e is None or parts(e)[2] != tiled.row or memory[e.tensor].element == "i64":
        return None
    return e


def strip_buffer(e: Reference, element: str, constants: Mapping[str, int]) -> Buffer:
    """The memory of strips."""
    _, sample, _ = parts(e)
    axes = Axis(STRIPS, WIDE), Axis(sample, constants.get(sample), before=1)
    return Buffer(STRIPS + sample, STRIPS + sample, element, axes, (0, 1), private=True)


class Strips:
    """The strips of a nest in tiles of `rows`; `start` is set where a share of a row begins."""

    together = 1

    def __init__(self, f: Function, e: Reference, rows: int) -> None:
        self.f, self.e, self.rows = f, e, rows
        self.width = rows
        self.start = f.integer(0)
        _, self.sample, _ = parts(e)
        self.element = f.memory[e.tensor].element

    @property
    def at_once(self) -> int:
        """How many numbers of a row there is room for, in whole tiles."""
        return WIDE // self.width * self.rows

    def read(self, block: Block, place: Value, rows: int) -> None:
        """Let a block read the strip of so many numbers of each row, beginning at a place of it."""
        block.packed[self.e] = self._lines(place, rows)

    def make(self, place: Value, rows: int, many: int) -> None:
        """Write the loop over samples that copies so many strips, one beside the other."""
        f, size = self.f, SIZES[self.element]
        places = [f.add(place, f.integer(k * rows)) for k in range(many)]
        loop = f.begin(f.integer(0), f.size(self.sample), 1, [f.integer(0)] * many)
        first = begin(f, self.e, loop.counter, place)
        counts = []
        for k, (p, count) in enumerate(zip(places, loop.carried, strict=True)):
            old = f.offset(first, f.integer(k * rows), size)
            text = f"load {vector(self.element, rows)}, ptr {old.text}, align {size}"
            value = f.emit(text, self.element, rows, [old])
            counts.append(self._keep(p, value, loop.counter, count))
        for p, count in zip(places, f.end(loop, counts), strict=True):
            self._close(p, rows, count)

    def _lines(self, place: Value, rows: int) -> Packed:
        before = self.f.multiply(self.f.subtract(place, self.start), self.f.size(self.sample))
        start = self.f.offset(self._memory, before, SIZES[self.element])
        return Packed(start, self.f.integer(rows), self.sample, 1)

    @property
    def _memory(self) -> Value:
        return self.f.pointer(STRIPS + self.sample)

    def _keep(self, place: Value, value: Value, sample: Value, count: Value) -> Value:
        """Write the line of a sample; gives how many lines there are then."""
        f, size, lines = self.f, SIZES[self.element], self._lines(place, value.lanes)
        new = f.offset(lines.base, f.multiply(sample, lines.step), size)
        f.command(f"store {value}, ptr {new.text}, align {size}")
        return count

    def _close(self, place: Value, rows: int, count: Value) -> None:
        """Note how many lines a strip has."""
