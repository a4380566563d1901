"""Panels: what all tiles of a block read, copied so that it lies in one piece.

The rows of a wide matrix lie on a page of memory each. Going down a few columns of it, tile after
tile, costs more in looking up pages than in arithmetic; a copy of those columns is looked up once
(Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", 2008).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from ....language.expression import Index, Reference, references
from ..code import Axis, Buffer
from .function import SIZES, Function
from .packed import Packed
from .schedule import Tiled
from .tiles import NOMINAL
from .value import Value, vector

PANEL = "panel·"
"""The buffer of panels."""

LARGEST = 1 << 17
"""Numbers in a panel; what is larger is read where it lies."""

FAR = 512
"""Rows that are fewer bytes apart are read where they lie."""

TILES = 4
"""So many tiles have to read a panel before the copy pays."""

WORK = 1 << 20
"""So many multiplications as well."""


def panel_buffer(element: str) -> Buffer:
    """The memory of panels."""
    return Buffer(PANEL, PANEL, element, (Axis(PANEL, LARGEST),), (0,), private=True)


def paneled(
    tiled: Tiled, memory: Mapping[str, Buffer], constants: Mapping[str, int]
) -> Reference | None:
    """The reference for which a nest makes panels, or None."""
    sums = tiled.nest.reductions
    if tiled.row is None or tiled.lane not in tiled.nest.indices or tiled.exchange:
        return None
    if len(sums) != 1 or len(sums[0].indices) != 1 or sums[0].operation != "sum":
        return None
    (e,) = sums
    (down,) = e.indices
    if prod(constants.get(i, NOMINAL) for i in (*tiled.nest.indices, down)) < WORK:
        return None
    return next((r for r in references(e.body) if _is_far(r, tiled, down, memory)), None)


def _is_far(e: Reference, tiled: Tiled, down: str, memory: Mapping[str, Buffer]) -> bool:
    """Whether it goes down a few columns, to rows that lie far apart."""
    buffer = memory.get(e.tensor)
    names = [s.name for s in e.subscripts if isinstance(s, Index)]
    if buffer is None or buffer.external or buffer.block or buffer.element == "i64":
        return False
    if len(set(names)) < len(e.subscripts) or tiled.row in names or down not in names:
        return False
    order = [names[k] for k in buffer.order]
    if order[-1] != tiled.lane:
        return False
    after = buffer.axes[order.index(down) + 1 :]
    if any(a.size is None for a in after):
        return True  # seen when it runs
    distance = prod((a.size or 0) + a.before + a.after for a in after)
    return distance * SIZES[buffer.element] >= FAR


def make_panel(
    f: Function, e: Reference, indices: Mapping[str, Value], tiled: Tiled, share: Value, lanes: int
) -> Packed:
    """Copy the panel of a block if that pays for a share of so many rows."""
    element = f.memory[e.tensor].element
    size, kind = SIZES[element], vector(element, lanes)
    down = next(s.name for s in e.subscripts if isinstance(s, Index) and s.name not in indices)
    wide = tiled.vectors * lanes
    rows, stride = f.size(down), f.stride(e, down)
    pays = _all(
        f,
        f.emit(f"icmp sge i64 {stride.text}, {FAR // size}", "i1", 1, [stride]),
        f.emit(f"icmp sge i64 {share.text}, {TILES * tiled.rows}", "i1", 1, [share]),
        f.emit(f"icmp sle i64 {rows.text}, {LARGEST // wide}", "i1", 1, [rows]),
    )
    source = f.corner(e, {**indices, down: f.integer(0)})
    panel = f.pointer(PANEL)
    none = f.integer(0)
    count = f.emit(f"select {pays}, {rows}, {none}", "i64", 1, [pays, rows])
    loop = f.begin(none, count, 1, may_be_empty=True)
    old = f.offset(source, f.multiply(loop.counter, stride), size)
    new = f.offset(panel, f.multiply(loop.counter, f.integer(wide)), size)
    for v in range(tiled.vectors):
        step = f.integer(v * lanes)
        pointer = f.offset(old, step, size)
        value = f.emit(f"load {kind}, ptr {pointer.text}, align {size}", element, lanes, [pointer])
        f.command(f"store {value}, ptr {f.offset(new, step, size).text}, align {size}")
    f.end(loop)
    base = f.emit(f"select {pays}, {panel}, {source}", "ptr", 1, [pays, panel, source])
    apart = f.integer(wide)
    step = f.emit(f"select {pays}, {apart}, {stride}", "i64", 1, [pays, stride])
    return Packed(base, step, down, lanes)


def _all(f: Function, *conditions: Value) -> Value:
    total = conditions[0]
    for c in conditions[1:]:
        total = f.emit(f"and i1 {total.text}, {c.text}", "i1", 1, [total, c])
    return total
