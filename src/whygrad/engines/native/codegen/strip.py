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
from math import prod

from ....language.expression import Index, Multiply, Reference
from ..code import Axis, Buffer
from ..names import ALL
from .function import SIZES, Function
from .panel import Packed
from .schedule import Tiled
from .value import Value, vector

STRIPS = "strips·"
"""Begins the name of the buffer with strips; it ends with that of their index."""

LARGE = 1 << 15
"""So many sums have to read strips before the copy pays."""

WIDE = 256
"""Numbers of a row that are copied before the tiles that read them; then come the next ones."""


def stripped(
    tiled: Tiled, memory: Mapping[str, Buffer], constants: Mapping[str, int]
) -> Reference | None:
    """`x·all[rows·n[n], i]` where a nest for i and j sums its product with a[n,j] over n."""
    sums, indices = tiled.nest.reductions, tiled.nest.indices
    if tiled.row is None or tiled.lane not in indices or len(sums) != 1:
        return None
    (e,) = sums
    if e.operation != "sum" or not isinstance(e.body, Multiply):
        return None
    if prod(constants.get(i, 0) for i in indices) < LARGE:
        return None
    for factor in e.body.factors:
        match factor:
            case Reference(
                tensor=tensor,
                subscripts=(Reference(subscripts=(Index(name=down),)), Index(name=tiled.row)),
            ) if tensor.endswith(ALL) and e.indices == (down,) and memory[tensor].element != "i64":
                return factor
    return None


def strip_buffer(e: Reference, element: str, constants: Mapping[str, int]) -> Buffer:
    """The memory of strips."""
    _, down, _ = _parts(e)
    axes = Axis(STRIPS, WIDE), Axis(down, constants.get(down))
    return Buffer(STRIPS + down, STRIPS + down, element, axes, (0, 1), private=True)


def at_once(rows: int) -> int:
    """How many numbers of a row are copied at once, for tiles of so many."""
    return WIDE // rows * rows


class Strips:
    """The strips of a nest, for a share of each row: from a place of it to another."""

    def __init__(self, f: Function, e: Reference, share: tuple[Value, Value]) -> None:
        self.f, self.e, self.share = f, e, share
        self.number, self.down, self.row = _parts(e)
        self.element = f.memory[e.tensor].element

    def of(self, place: Value, rows: int) -> Packed:
        """The strip of so many numbers of each row, beginning at a place of it."""
        f, size, length = self.f, SIZES[self.element], self.f.size(self.down)
        before = f.multiply(f.subtract(place, self.share[0]), length)
        start = f.offset(f.pointer(STRIPS + self.down), before, size)
        return Packed(start, f.integer(rows), self.down, 1)

    def copy(self, place: Value, rows: int) -> None:
        """Write the loop that makes it."""
        f, size, strip = self.f, SIZES[self.element], self.of(place, rows)
        loop = f.begin(f.integer(0), f.size(self.down), 1)
        at = f.corner(self.number, {self.down: loop.counter})
        number = f.emit(f"load i64, ptr {at.text}, align {SIZES['i64']}", "i64", 1, [at])
        neighbours = Reference(self.e.tensor, (Index(self.down), Index(self.row)))
        old = f.corner(neighbours, {self.down: number, self.row: place})
        new = f.offset(strip.base, f.multiply(loop.counter, strip.step), size)
        text = f"load {vector(self.element, rows)}, ptr {old.text}, align {size}"
        value = f.emit(text, self.element, rows, [old])
        f.command(f"store {value}, ptr {new.text}, align {size}")
        f.end(loop)


def _parts(e: Reference) -> tuple[Reference, str, str]:
    """The numbers of the rows, their index, and that of the numbers in a row."""
    match e.subscripts:
        case (Reference(subscripts=(Index(name=down),)) as number, Index(name=row)):
            return number, down, row
    raise AssertionError(e)
