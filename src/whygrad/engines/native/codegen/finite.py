"""Looks for values that are not finite, and sets a flag for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..threads import INFINITE
from .accumulators import multiply_add
from .block import Block, Point
from .flags import raise_flag
from .value import Value

SUMS = 4
"""In so many sums, few additions wait for the one before."""


class Check:
    """The values of a block, each times 0, in sums that are NaN if one of them is not finite.

    Each vector has sums of its own, since lanes outside of the range may be anything; values take
    turns among them.
    """

    def __init__(self, block: Block, points: Sequence[Point]) -> None:
        self.block = block
        self.sums: dict[int, list[Value]] = {v: [] for _, v in points}

    def take_in(self, value: Value, point: Point) -> None:
        """Take in the value at a point."""
        block, mine = self.block, self.sums[point[1]]
        zero = block.f.real(0.0, block.element)
        full = len(mine) * len(self.sums) >= SUMS
        total = mine.pop(0) if full else block.spread(zero, value.lanes)
        mine.append(multiply_add(block, value, zero, total))

    def close(self) -> None:
        """Set the flag if a sum is NaN in a lane that counts."""
        for wrong, point in self.found():
            raise_flag(self.block, wrong, INFINITE, point)

    def found(self) -> Iterator[tuple[Value, Point]]:
        """Where a sum is NaN, in lanes that have the same tail."""
        block = self.block
        alike: dict[int | None, list[Value]] = {}
        for vector, values in self.sums.items():
            alike.setdefault(None if block.tail(vector) is None else vector, []).extend(values)
        for tail, values in alike.items():
            pairs = zip(values[::2], [*values[1::2], *values[-1:]], strict=False)
            wrong = [block.instruction("fcmp uno", pair, "i1") for pair in pairs]
            for other in wrong[1:]:
                wrong[0] = block.instruction("or", [wrong[0], other], "i1")
            if wrong:
                yield wrong[0], (0, tail or 0)
