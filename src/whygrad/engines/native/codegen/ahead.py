"""Asks for the rows of the next batch while tiles of this one are computed.

They lie anywhere in the data, which no cache holds. Whoever meets them first waits for each line,
unless there is so much to compute beside that it does not matter; with lists there is not.
"""

from __future__ import annotations

from math import ceil

from ....language.expression import Reference
from .factor import begin, parts
from .function import SIZES, Function
from .grid import Grid, divided
from .schedule import Tiled

LINE = 64
"""Bytes in a line of the cache."""


class Ahead:
    """The lines of this thread's samples in the next batch, some of them at each tile."""

    def __init__(self, f: Function, e: Reference, tiled: Tiled, grid: Grid, lanes: int) -> None:
        """`e` reads the data in a nest whose rows run along one of theirs."""
        self.f, self.e = f, e
        _, self.sample, place = parts(e)
        self.first, stop = grid.down(f.size(self.sample), 1)
        self.lines = ceil(f.constants[place] * SIZES[f.memory[e.tensor].element] / LINE)
        left = f.minimum(f.left, f.integer(1))
        lines = f.multiply(f.subtract(stop, self.first), f.integer(self.lines))
        self.total = f.multiply(lines, left)
        rows = divided(f, f.size(place), f.integer(tiled.rows))
        columns = divided(f, f.size(str(tiled.lane)), f.integer(tiled.vectors * lanes))
        down, across = (f.subtract(b, a) for a, b in (grid.down(rows, 1), grid.across(columns, 1)))
        self.each = divided(f, self.total, f.maximum(f.multiply(down, across), f.integer(1)))
        self.done = f.cell(f.integer(0))

    def ask(self) -> None:
        """Write the loop that asks for the lines of a tile."""
        f = self.f
        start = f.emit(f"load i64, ptr {self.done.text}, align 8", "i64", 1, [self.done], here=True)
        stop = f.minimum(f.add(start, self.each), self.total)
        loop = f.begin(start, stop, 1, may_be_empty=True)
        ahead, line = f.divide(loop.counter, self.lines), f.remainder(loop.counter, self.lines)
        sample = f.add(f.add(ahead, self.first), f.size(self.sample))
        pointer = f.offset(begin(f, self.e, sample, f.integer(0)), line, LINE)
        f.command(f"call void @llvm.prefetch.p0(ptr {pointer.text}, i32 0, i32 3, i32 1)")
        f.end(loop)
        f.command(f"store i64 {stop.text}, ptr {self.done.text}, align 8")
