"""Which part of a loop is whose: threads stand in a grid of columns and rows."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from ....language.expression import references
from ..code import Buffer
from .function import Function
from .schedule import Tiled
from .value import Value

UNEVEN = 0.53
"""If one of two threads gets a larger part of the columns than this, both had better transpose all
blocks, and share the rows."""


class Grid:
    """The threads that run a nest.

    `columns` is how many blocks of lanes there are to share out, or 0 where rows alone are shared;
    with `single` all is for one thread.
    """

    def __init__(self, function: Function, columns: int, single: bool) -> None:
        self.f, self.columns, self.single = function, columns, single

    def down(self, size: Value, step: int) -> tuple[Value, Value]:
        """From where to where this thread goes through the rows, in whole steps."""
        f = self.f
        if self.single:
            return f.integer(0), size
        if not self.columns:
            return self._part(size, step, f.thread, f.threads)
        columns = self._in_use
        texts = (f"udiv i64 {v.text}, {columns.text}" for v in (f.thread, f.threads))
        thread, threads = (f.emit(t, "i64", 1, [f.threads, columns]) for t in texts)
        return self._part(size, step, thread, threads)

    def across(self, size: Value, step: int) -> tuple[Value, Value]:
        """The same for the blocks of lanes."""
        f = self.f
        if not self.columns:
            return f.integer(0), size
        columns = self._in_use
        text = f"urem i64 {f.thread.text}, {columns.text}"
        return self._part(size, step, f.emit(text, "i64", 1, [f.thread, columns]), columns)

    @property
    def _in_use(self) -> Value:
        return self.f.minimum(self.f.threads, self.f.integer(self.columns))

    def _part(self, size: Value, step: int, thread: Value, threads: Value) -> tuple[Value, Value]:
        f = self.f
        steps = divided(f, size, f.integer(step))
        part = f.multiply(divided(f, steps, threads), f.integer(step))
        start = f.minimum(f.multiply(thread, part), size)
        return start, f.minimum(f.add(start, part), size)


def divided(f: Function, a: Value, b: Value) -> Value:
    """a / b, rounded up."""
    if b.constant == 1:
        return a
    if a.constant is not None and b.constant is not None:
        return f.integer(-(-a.constant // b.constant))
    more = f.subtract(f.add(a, b), f.integer(1))
    return f.emit(f"udiv i64 {more.text}, {b.text}", "i64", 1, [more, b])


def columns(
    tiled: Tiled, memory: Mapping[str, Buffer], sizes: Mapping[str, int], lanes: int
) -> int:
    """How many blocks of lanes threads share out, or 0 where they share rows.

    So each keeps to its own weights where these lie in blocks, and transposes them once; else that
    is done which comes out more even.
    """
    nest, lane, row = tiled.nest, tiled.lane, tiled.row
    if lane is None or lane not in nest.indices or lane not in sizes:
        return 0
    span = tiled.vectors * lanes
    blocks = ceil(sizes[lane] / span)
    if tiled.transposed:  # at best, each thread transposes its own
        return blocks if _half(sizes[lane], span) < UNEVEN else 0
    names = {s.name for s in nest.steps}.union(
        r.tensor for s in nest.steps for r in references(s.value)
    )
    if any(name in memory and memory[name].block for name in names):
        return blocks if blocks > 1 and sizes[lane] % span == 0 else 0
    if row is None or row not in sizes:
        return 0
    return blocks if _half(sizes[lane], span) < _half(sizes[row], tiled.rows) else 0


def _half(size: int, step: int) -> float:
    """What part of so many the first of two threads takes, in whole steps."""
    return ceil(ceil(size / step) / 2) * step / size
