"""How much there is to do in a step of some sizes, and how many threads that is worth."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from .threads import cores

Work = tuple[tuple[int, tuple[str, ...]], ...]
"""Operations as a sum: a number, times the sizes of some run-time indices."""

ENOUGH = 8_000_000
"""With so many operations to each (some 80 µs), threads surely gain; with fewer it depends on where
the machine puts them."""

LEAST = 500_000
"""With fewer to each (some 5 µs), handing numbers over surely costs more than it gains."""


def operations(work: Work, sizes: Mapping[str, int]) -> int:
    """The work for given sizes."""
    return sum(count * prod(sizes[i] for i in indices) for count, indices in work)


def worthwhile(operations: int, each: int = ENOUGH) -> int:
    """How many threads a step with so many operations is worth, if each has so many at least."""
    wanted = 1 + operations // each
    return min(cores(), wanted) if wanted > 1 else 1
