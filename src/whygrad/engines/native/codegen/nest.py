"""A nest as a function: loops over blocks of points, and the steps at each block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from ....language.expression import Reduce, Reference, references
from ..code import Buffer
from ..plan import Assign
from . import access
from .block import Point
from .evaluator import Evaluator
from .exchange import exchange
from .finite import Check
from .function import Function
from .grid import Grid, columns
from .panel import Packed, make_panel, paneled
from .reduce import reduce
from .schedule import Tiled
from .strip import Strips, at_once, stripped
from .value import Value
from .writer import Loop

OPEN = -1
"""The number of lanes of a last vector that may have fewer of them."""

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
        self.stripped = stripped(tiled, memory, constants)
        self.strips: Strips | None = None
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
                if self.stripped is None:
                    self._through_lanes(self._through_rows)
                else:
                    self._through_strips(self.stripped)
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

    def _through_strips(self, e: Reference) -> None:
        """This thread's share of the rows, as many at a time as there are strips for."""
        f, row, rows = self.f, self.tiled.row, self.tiled.rows
        assert row is not None
        start, stop = self.grid.down(f.size(row), rows)
        step = at_once(rows)
        loop = f.begin(start, stop, step, may_be_empty=True)
        share = loop.counter, f.minimum(stop, f.add(loop.counter, f.integer(step)))
        strips = self.strips = Strips(f, e, share)
        self._tiles(*share, lambda rows: strips.copy(self.indices[row], rows))
        self._through_lanes(self._through_rows)
        f.end(loop)

    def _through_rows(self, vectors: int, last: int | None) -> None:
        """Tiles of rows: this thread's share."""
        index, f, rows = self.tiled.row, self.f, self.tiled.rows
        if index is None:
            self._block(1, vectors, last)
            return
        start, stop = self.strips.share if self.strips else self.grid.down(f.size(index), rows)
        if self.paneled is not None:
            share = f.subtract(stop, start)
            tiled = replace(self.tiled, vectors=vectors)
            panel = make_panel(f, self.paneled, self.indices, tiled, share, self.lanes)
            self.panels = {self.paneled: panel}
        self._tiles(start, stop, lambda rows: self._block(rows, vectors, last))

    def _tiles(self, start: Value, stop: Value, body: Callable[[int], None]) -> None:
        """Go through rows in tiles; `body` writes what is done for one of so many rows."""
        index, f, rows = self.tiled.row, self.f, self.tiled.rows
        assert index is not None
        size = f.size(index)
        rest = f.remainder(size, rows)
        if self._reads_itself or self.strips is not None or rest.constant == 0:
            whole = f.subtract(size, rest)
            with self._loop(index, start, f.minimum(stop, whole), rows):
                body(rows)
            few = 1 if rest.constant is None else rest.constant
            if few:
                first = f.maximum(start, whole)
                with self._loop(index, first, stop, few):
                    body(few)
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
            body(rows)
        if size.constant is None:
            with self._loop(index, middle, stop, 1):
                body(1)

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
        tiled = self.tiled
        block = Evaluator(
            self.f,
            self.element,
            self.lanes,
            self.indices,
            tiled.row,
            tiled.lane,
            self.trusted,
        )
        block.packed.update(self.panels)
        if self.strips is not None and tiled.row is not None:
            block.packed[self.strips.e] = self.strips.of(self.indices[tiled.row], rows)
        if last == OPEN:
            block.tails.update({v: partial(block.inside, v) for v in range(vectors)})
        elif last is not None:
            block.tails[vectors - 1] = partial(block.first_lanes, last)
        steps = [step for step in self.nest.steps if not self.nest.further(step)]
        self._run(block, steps, [(k, v) for k in range(rows) for v in range(vectors)])

    def _run(self, block: Evaluator, steps: Sequence[Assign], points: Sequence[Point]) -> None:
        """Do the steps at some points of a block."""
        check = Check(block, points)
        ahead: dict[Reference, Callable[[Point], Value]] = {}
        for step in steps:
            if step.target in ahead:  # until now, others read what it was before
                block.locals[step.target] = ahead.pop(step.target)
            elif step.target not in block.locals:
                self._compute(block, step, points, ahead)
            found = block.locals[step.target]
            if step.name not in self.memory:
                continue
            for point in points:
                value = found(point)
                access.store(block, step.target, value, point)
                if step.name in self.checked:
                    check.take_in(value, point)
        check.close()

    def _inside(self, block: Evaluator, points: Sequence[Point]) -> None:
        """In the loop of the reductions, do the steps that have their indices."""
        steps = [step for step in self.nest.steps if self.nest.further(step)]
        for step in steps:
            block.locals.pop(step.target, None)
        self._run(block, steps, points)

    def _compute(
        self,
        block: Evaluator,
        step: Assign,
        points: Sequence[Point],
        ahead: dict[Reference, Callable[[Point], Value]],
    ) -> None:
        """Note what a step computes; a reduction takes along, ahead, those that share its loops."""
        if isinstance(step.value, Reduce):
            group = [step, *self._companions(step)]
            values = [s.value for s in group if isinstance(s.value, Reduce)]
            found = reduce(block, values, points, self.tiled.vectors, partial(self._inside, block))
            ahead.update(zip((s.target for s in group), found, strict=True))
            block.locals[step.target] = ahead.pop(step.target)
            return
        whole = step.name in self.memory and self.memory[step.name].element == "i64"
        value = block.value if whole else block.number
        made = {p: value(step.value, p) for p in points}
        block.locals[step.target] = made.__getitem__

    def _companions(self, first: Assign) -> list[Assign]:
        """Later reductions over the same indices that need nothing that the nest computes."""
        written = {s.name for s in self.nest.steps if not self.nest.further(s)}
        return [
            s
            for s in self.nest.steps[self.nest.steps.index(first) + 1 :]
            if isinstance(s.value, Reduce)
            and isinstance(first.value, Reduce)
            and s.value.indices == first.value.indices
            and "argmax" not in (s.value.operation, first.value.operation)
            and written.isdisjoint(r.tensor for r in references(s.value))
        ]
