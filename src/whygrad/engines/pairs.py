"""In which order the factors of a sum of products are multiplied: pair by pair, cheapest first."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import combinations
from math import prod

EXHAUSTIVE = 5
"""Up to so many factors every order is looked at; beyond it the cheapest pair comes next."""

Names = frozenset[str]


@lru_cache(maxsize=4096)
def pairs(
    operands: tuple[Names, ...], keep: Names, lengths: tuple[tuple[str, int], ...]
) -> tuple[tuple[int, int], ...]:
    """Which two operands to multiply, step by step.

    Both leave the list and their product is put at its end.
    """
    return _best(operands, keep, dict(lengths))[1]


def _best(
    operands: tuple[Names, ...], keep: Names, lengths: Mapping[str, int]
) -> tuple[int, tuple[tuple[int, int], ...]]:
    if len(operands) < 2:
        return 0, ()
    options = []
    for i, j in combinations(range(len(operands)), 2):
        rest = (*operands[:i], *operands[i + 1 : j], *operands[j + 1 :])
        both = operands[i] | operands[j]
        result = both & keep.union(*rest)
        cost = prod(lengths[n] for n in both)
        options.append((cost, prod(lengths[n] for n in result), (i, j), (*rest, result)))
    if len(operands) > EXHAUSTIVE:
        options = [min(options, key=lambda option: option[:3])]
    found = []
    for cost, _, pair, remaining in options:
        later, steps = _best(remaining, keep, lengths)
        found.append((cost + later, (pair, *steps)))
    return min(found)
