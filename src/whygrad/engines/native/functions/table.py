"""A function as a table of cubics, for one float32: half as long to wait for as a formula.

A vector would fetch a row for each of its numbers, so it takes the formula.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .values import Value, at_least, at_most, fma

Array = NDArray[np.float64]

ROWS = 2048
WIDTH = 16
"""How many rows there are, and how many to an interval of length 1."""

POWERS = 4
SHIFT = 4
"""A row has four coefficients, and 2**SHIFT bytes."""


@dataclass(frozen=True)
class Table:
    """Row n, modulo ROWS, is for the numbers around n / WIDTH.

    Below `low` and above `high` the function does not change; less than ROWS are between them.
    While numbers below the normal range count as 0, results up to 32 times as large as those are
    exact only where a product with a sum is one instruction.
    """

    symbol: str
    function: Callable[[Array], Array]
    low: float
    high: float

    def value(self, x: Value) -> Value:
        """a + a·(b·r + c·r² + d·r³) with the nearest row to x, and r from the row's number to x."""
        w = x.writer
        inside = at_least(at_most(x, self.high), self.low)
        rounder = x.format.rounder / WIDTH
        t = inside + rounder
        r = inside - (t - rounder)
        # NaN has some row too; it comes back by r.
        place = (t.bits() & ROWS - 1) << SHIFT
        row = w.line("ptr", f"getelementptr i8, ptr {self.symbol}, i32 {place.name}")
        a, b, c, d = (
            w.line(x.element, f"load {x.element}, ptr {at.name}")
            for at in (
                w.line("ptr", f"getelementptr {x.element}, ptr {row.name}, i32 {power}")
                for power in range(POWERS)
            )
        )
        return fma(fma(r * r, fma(d, r, c), r * b), a, a)

    @cached_property
    def text(self) -> str:
        """The definition. A cubic meets the function at the Chebyshev nodes of its interval."""
        nodes = np.cos(np.pi * (np.arange(POWERS) + 0.5) / POWERS) / (2 * WIDTH)
        numbers = np.arange(ROWS)
        numbers = np.where(numbers > self.high * WIDTH, numbers - ROWS, numbers)
        values = self.function(numbers[:, None] / WIDTH + nodes)
        rows = values @ np.linalg.inv(np.vander(nodes, POWERS, increasing=True)).T
        rows[:, 1:] /= np.where(rows[:, :1], rows[:, :1], 1)
        data = rows.astype(np.float32).tobytes()
        return (
            f"{self.symbol} = internal constant [{len(data)} x i8] "
            f'c"\\{data.hex(chr(92))}", align 64\n'
        )
