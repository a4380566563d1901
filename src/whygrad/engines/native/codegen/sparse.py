"""What tiles need to leave zeros out: lists of the turns of a sum in which they read others.

A list of samples stands in a strip, with what is read of them. Along rows of data, a list is all
that a tile needs: it reads the rows where they lie.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from ....language.expression import Reference
from ..code import Axis, Buffer
from ..zeros import TOGETHER
from .ahead import Ahead
from .block import Block
from .evaluator import Evaluator
from .factor import parts
from .function import SIZES, Function
from .listing import Listing
from .packed import Packed
from .strip import Strips
from .value import Value

LISTS = "lists·"
"""Begins the name of the buffer with lists; it ends with that of their index."""

TILES = 16
"""For so many tiles lists are made before the tiles that need them; then come the next ones."""


class SparseStrips(Strips):
    """Strips with the rows alone in which a number is not 0.

    A number is taken for 0 if it equals `zero`, which is NaN where all rows have to be there.
    """

    together = TOGETHER  # what they copy lies in the same lines of memory

    def __init__(self, f: Function, e: Reference, rows: int, zero: Value, ahead: Ahead) -> None:
        super().__init__(f, e, rows)
        self.width = rows + 1  # a sample's number stands in each line, too
        self.zero, self.ahead = zero, ahead

    def read(self, block: Block, place: Value, rows: int) -> None:
        """See `Strips.read`."""
        self.ahead.ask()
        super().read(block, place, rows)
        block.listings[self.sample] = self._listing(place, rows)

    def _listing(self, place: Value, rows: int) -> Listing:
        f = self.f
        before = f.divide(f.subtract(place, self.start), self.rows)
        for more in (f.add(f.size(self.sample), f.integer(1)), f.integer(self.width)):
            before = f.multiply(before, more)
        return Listing(
            f.offset(self._memory, before, SIZES[self.element]), self.sample, rows, self.element
        )

    def _lines(self, place: Value, rows: int) -> Packed:
        return self._listing(place, rows).packed(self.f)

    def _keep(self, place: Value, value: Value, sample: Value, count: Value) -> Value:
        f, rows = self.f, value.lanes
        self._listing(place, rows).put(f, count, value, sample)
        zero = f.spread(self.zero, rows)
        some = f.any(f.emit(f"fcmp une {value}, {zero.text}", "i1", rows, [value, zero]))
        return f.add(count, f.emit(f"zext {some} to i64", "i64", 1, [some]))

    def _close(self, place: Value, rows: int, count: Value) -> None:
        self._listing(place, rows).close(self.f, count)


def list_buffer(e: Reference, element: str, constants: Mapping[str, int], lanes: int) -> Buffer:
    """The memory of lists, in which whole vectors of places are written."""
    _, _, place = parts(e)
    axes = Axis(LISTS, TILES + TOGETHER), Axis(place, constants.get(place), before=1, after=lanes)
    return Buffer(LISTS + place, LISTS + place, element, axes, (0, 1), private=True)


class Lists:
    """Lists of a nest in tiles of `rows` of data; `start` is set where a share of these begins.

    Each has the places at which one of the rows of its tile is not 0. An evaluator for lanes along
    an index is made by `evaluator`.
    """

    together = 1

    def __init__(
        self,
        f: Function,
        e: Reference,
        rows: int,
        evaluator: Callable[[str], Evaluator],
    ) -> None:
        self.f, self.e, self.rows, self.evaluator = f, e, rows, evaluator
        self.start = f.integer(0)
        _, _, self.place = parts(e)

    @property
    def at_once(self) -> int:
        """How many rows there is room for, in whole tiles."""
        return TILES * self.rows

    def read(self, block: Block, row: Value, rows: int) -> None:
        """Let a block go through the list of the tile that begins at a row."""
        block.listings[self.place] = self._listing(row, block.element)

    def make(self, row: Value, rows: int, many: int) -> None:
        """Write the loop over places that lists those of a tile of so many rows."""
        f, block, size = self.f, self.evaluator(self.place), self.f.size(self.place)
        loop = f.begin(f.integer(0), size, block.lanes, [f.integer(0)])
        block.indices[self.place] = loop.counter
        if size.constant is None or size.constant % block.lanes:
            block.tails[0] = partial(block.inside, 0)
        zero = f.real(0.0, block.element)
        some = [
            block.instruction("fcmp une", [block.number(self.e, (k, 0)), zero], "i1")
            for k in range(rows)
        ]
        for other in some[1:]:
            some[0] = block.instruction("or", [some[0], other], "i1")
        listing = self._listing(row, block.element)
        new = listing.put_all(f, loop.carried[0], loop.counter, some[0])
        listing.close(f, *f.end(loop, [new]))

    def _listing(self, row: Value, element: str) -> Listing:
        f, size = self.f, SIZES[element]
        rows = f.subtract(row, self.start)
        # behind those of whole tiles, those of single rows
        number = f.add(f.divide(rows, self.rows), f.remainder(rows, self.rows))
        lists = LISTS + self.place
        before = f.multiply(number, f.strides(lists)[0])
        return Listing(f.offset(f.pointer(lists), before, size), self.place, 0, element)
