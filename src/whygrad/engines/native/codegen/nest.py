"""A nest as a function: loops over blocks of points, and the steps at each block."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from ....language.expression import Reference, references
from ..code import Buffer
from .accumulators import spans
from .ahead import Ahead
from .body import NestBody
from .evaluator import Evaluator
from .exchange import exchange
from .factor import beside
from .finite import Check
from .flags import anywhere
from .function import Function
from .grid import Grid, columns
from .packed import Packed
from .panel import make_panel, paneled
from .schedule import Tiled
from .sparse import Lists, SparseStrips
from .strip import Strips, stripped
from .transposed import make_transposed
from .value import Value
from .writer import Loop

OPEN = -1
"""The number of lanes of a last vector that may have fewer of them."""

Pack = Strips | Lists
"""What is made ready for some rows before tiles read it."""

Body = Callable[[int, int | None], None]
"""Writes blocks of so many vectors, the last of which may have fewer lanes (None: it has all)."""


class NestWriter:
    """Writes one nest."""

    def __init__(
        self,
        tiled: Tiled,
        element: str,
        lanes: int,
        memory: Mapping[str, Buffer],
        constants: Mapping[str, int],
        trusted: Callable[[Reference, int], bool],
        checked: frozenset[str],
        single: bool,
    ) -> None:
        self.tiled, self.nest = tiled, tiled.nest
        self.element, self.lanes = element, lanes
        self.memory, self.trusted, self.checked = memory, trusted, checked
        self.f = Function(memory, constants)
        self.paneled = paneled(tiled, memory, constants)
        self.panels: dict[Reference, Packed] = {}
        self.share: tuple[Value, Value] | None = None
        self.packed: Pack | None = None
        self.indices: dict[str, Value] = {}
        self.inner_lane = tiled.lane if tiled.lane in self.nest.indices else None
        own = {i for e in self.nest.reductions for i in e.indices}
        known = {*self.nest.indices, *own}
        for step in self.nest.steps:
            for name in sorted(step.value.free | step.target.free):
                if name not in known:
                    self.indices[name] = self.f.outer_index(name)

        self.others = [i for i in self.nest.indices if i not in (self.inner_lane, tiled.row)]
        # of sums along lanes: what a tile of rows reads is read for all of them, and stays near
        self.rows_first = tiled.row is not None and self.inner_lane is None
        blocks = 0 if single else columns(tiled, memory, constants, lanes)
        self.grid = Grid(self.f, blocks, single)

    def write(self) -> Function:
        """Write the loops, from the outside inwards."""
        if self.tiled.exchange:
            with self._each(self.others):
                exchange(self.f, self.tiled, self.grid, self.element, self.lanes, self.indices)
        else:
            with self._each(() if self.rows_first else self.others):
                self.packed = self._pack()
                if self.packed is None:
                    self._through_lanes(self._through_rows)
                else:
                    self._through_packs(self.packed)
        return self.f

    @contextmanager
    def _each(self, indices: Sequence[str]) -> Iterator[None]:
        """Inside, loops over some indices."""
        opened: list[tuple[Loop, str]] = []
        for index in indices:
            start, stop = self.f.integer(0), self.f.size(index)
            if index == self.tiled.split:
                start, stop = self.grid.down(stop, 1)
            loop = self.f.begin(start, stop, 1, may_be_empty=index == self.tiled.split)
            self.indices[index] = loop.counter
            opened.append((loop, index))
        yield
        for loop, index in reversed(opened):
            self.f.end(loop)
            del self.indices[index]

    @contextmanager
    def _loop(self, index: str, start: Value, stop: Value, step: int) -> Iterator[Loop]:
        loop = self.f.begin(start, stop, step, may_be_empty=True)
        self.indices[index] = loop.counter
        yield loop
        self.f.end(loop)
        del self.indices[index]

    # Lanes

    def _through_lanes(self, body: Body) -> None:
        """Blocks of so many vectors along the lane index; the last one may be smaller."""
        index, f = self.inner_lane, self.f
        if index is None:
            body(1, None)
            return
        size, vectors = f.size(index), self.tiled.vectors
        span = vectors * self.lanes
        if size.constant is None:
            with self._loop(index, f.integer(0), size, span):
                body(vectors, OPEN)
            return
        whole, rest = divmod(-(-size.constant // self.lanes), vectors)
        last = size.constant % self.lanes or None
        place, shared = f.integer(whole * span), self.grid.columns > 0
        start, stop = self.grid.across(f.integer((whole + bool(rest)) * span), span)
        if whole == 1 and not shared:
            self.indices[index] = f.integer(0)
            body(vectors, None if rest else last)
        elif whole:
            with self._loop(index, start, f.minimum(stop, place) if shared else place, span):
                body(vectors, None if rest or last is None else OPEN)
        if rest:
            only = (
                f.begin(f.maximum(start, place), stop, span, may_be_empty=True) if shared else None
            )
            self.indices[index] = place
            body(rest, last)
            if only:
                f.end(only)
        self.indices.pop(index, None)

    # Rows

    def _through_packs(self, packed: Pack) -> None:
        """This thread's share of the rows, as many at a time as there is room for in a pack."""
        f, row, rows = self.f, self.tiled.row, self.tiled.rows
        assert row is not None
        start, stop = self.grid.down(f.size(row), rows)
        step = packed.at_once
        loop = f.begin(start, stop, step, may_be_empty=True)
        packed.start = loop.counter
        self.share = loop.counter, f.minimum(stop, f.add(loop.counter, f.integer(step)))
        self._tiles(
            *self.share,
            lambda rows, many: packed.make(self.indices[row], rows, many),
            packed.together,
        )
        self._through_lanes(self._through_rows)
        f.end(loop)

    def _pack(self) -> Pack | None:
        """The pack of this nest, if its tiles read one."""
        f, tiled = self.f, self.tiled
        e = stripped(tiled, self.memory, f.constants)
        if tiled.skips is None:
            return Strips(f, e, tiled.rows) if e else None
        if e is None:
            return Lists(f, tiled.skips, tiled.rows, self._evaluator)
        ahead = Ahead(f, e, tiled, self.grid, self.lanes)
        return SparseStrips(f, e, tiled.rows, self._zero(e), ahead)

    def _zero(self, e: Reference) -> Value:
        """0, or NaN where not all is finite that a sum multiplies by its factor from the data."""
        f, total = self.f, self.nest.reductions[0]
        factors, zero = beside(total, e), f.real(0.0, self.element)
        cell, nan = f.cell(zero), f.real(math.nan, self.element)

        def look(vectors: int, last: int | None) -> None:
            block, points = self._block_of(vectors, last), [(0, v) for v in range(vectors)]
            check = Check(block, points)
            for point in points:
                check.take_in(block.number(factors, point), point)
            for wrong, point in check.found():
                f.when(anywhere(block, wrong, point), f"store {nan}, ptr {cell.text}")

        with self._loop(total.indices[0], f.integer(0), f.size(total.indices[0]), 1):
            self._through_lanes(look)
        return f.emit(f"load {self.element}, ptr {cell.text}", self.element, 1, [cell], here=True)

    def _through_rows(self, vectors: int, last: int | None) -> None:
        """Tiles of rows: this thread's share."""
        index, f, rows = self.tiled.row, self.f, self.tiled.rows
        if index is None:
            self._block(1, vectors, last)
            return
        start, stop = self.share or self.grid.down(f.size(index), rows)
        if e := self.tiled.transposed:
            assert self.inner_lane is not None
            panel = make_transposed(f, e, self.indices, self.inner_lane, vectors, self.lanes)
            self.panels[e] = panel
        if e := self.paneled:
            share = f.subtract(stop, start)
            tiled = replace(self.tiled, vectors=vectors)
            self.panels[e] = make_panel(f, e, self.indices, tiled, share, self.lanes)
        self._tiles(start, stop, lambda rows, _: self._block(rows, vectors, last))

    def _tiles(
        self, start: Value, stop: Value, body: Callable[[int, int], None], many: int = 1
    ) -> None:
        """Go through rows in tiles, up to so many at a time.

        `body` writes what is done for so many rows in each of so many tiles.
        """
        index, f, rows = self.tiled.row, self.f, self.tiled.rows
        assert index is not None
        size = f.size(index)
        rest = f.remainder(size, rows)
        if self._reads_itself or self.packed is not None or rest.constant == 0:
            whole = f.subtract(size, rest)
            for count, first, end in spans(f, start, f.minimum(stop, whole), many, rows):
                with self._loop(index, first, end, count * rows):
                    body(rows, count)
            few = 1 if rest.constant is None else rest.constant
            if few:
                first = f.maximum(start, whole)
                with self._loop(index, first, stop, few):
                    body(few, 1)
            return
        # The last tile is moved back to end with the last row: some rows are computed twice.
        enough = f.integer(1)
        if size.constant is None:
            text = f"icmp sge i64 {size.text}, {rows}"
            enough = f.emit(text, "i1", 1, [size])
            middle = f.emit(f"select {enough}, {stop}, {start}", "i64", 1, [enough, stop, start])
        else:
            middle = stop if size.constant >= rows else start
        with self._loop(index, start, middle, rows) as loop:
            last_start = f.subtract(size, f.integer(rows))
            self.indices[index] = f.minimum(loop.counter, last_start)
            body(rows, 1)
        if size.constant is None:
            with self._loop(index, middle, stop, 1):
                body(1, 1)

    @property
    def _reads_itself(self) -> bool:
        """Whether a step changes what another run of it would read."""
        done: set[str] = set()
        written = {s.name for s in self.nest.steps}
        for step in self.nest.steps:
            if any(r.tensor in written - done for r in references(step.value)):
                return True
            done.add(step.name)
        return False

    # Blocks

    def _block(self, rows: int, vectors: int, last: int | None) -> None:
        """One tile, for each value of the indices that neither rows nor lanes run along."""
        with self._each(self.others if self.rows_first else ()):
            self._tile(rows, vectors, last)

    def _tile(self, rows: int, vectors: int, last: int | None) -> None:
        block = self._block_of(vectors, last)
        block.packed.update(self.panels)
        if self.packed is not None and self.tiled.row is not None:
            self.packed.read(block, self.indices[self.tiled.row], rows)
        points = [(k, v) for k in range(rows) for v in range(vectors)]
        NestBody(self.tiled, self.memory, self.checked).write(block, points)

    def _block_of(self, vectors: int, last: int | None) -> Evaluator:
        """What finds values on a block of so many vectors, see `Body`."""
        block = self._evaluator(self.tiled.lane)
        if last == OPEN:
            block.tails.update({v: partial(block.inside, v) for v in range(vectors)})
        elif last is not None:
            block.tails[vectors - 1] = partial(block.first_lanes, last)
        return block

    def _evaluator(self, lane: str | None) -> Evaluator:
        row = self.tiled.row
        return Evaluator(self.f, self.element, self.lanes, self.indices, row, lane, self.trusted)
