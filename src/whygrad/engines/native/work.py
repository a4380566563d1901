"""How much there is to do in a step of some sizes, and how many threads that is worth."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from .threads import cores

Work = tuple[tuple[int, tuple[str, ...]], ...]
"""Operations as a sum: a number, times the sizes of some run-time indices."""

ENOUGH = 8_000_000
"""With fewer operations to each thread (some 80 µs), handing numbers over costs more than it gains.
"""


def operations(work: Work, sizes: Mapping[str, int]) -> int:
    """The work for given sizes."""
    return sum(count * prod(sizes[i] for i in indices) for count, indices in work)


def worthwhile(operations: int) -> int:
    """How many threads a step with so many operations is worth."""
    wanted = 1 + operations // ENOUGH
    return min(cores(), wanted) if wanted > 1 else 1
