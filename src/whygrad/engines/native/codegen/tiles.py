"""How large the tiles of a nest are: so many rows by so many vectors of lanes."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, prod
from typing import NamedTuple

from ....language.expression import Reduce, Reference, references
from ..plan import Nest

NOMINAL = 64
"""The number of samples for which choices are made."""


SIDE_BY_SIDE = 4
"""How many vectors hide the latency of what is done with each."""

USUAL = 32
"""A batch of so many samples is gone through in one turn."""

MANY = 8
"""Among so many tiles it does not matter that the last one is smaller."""


FEW = 4
"""So many rows of two vectors are enough that no addition waits for the one before."""

SHORT = 256
"""In a sum that is no longer, few rows to a tile do: fewer of the last ones are computed twice."""


class Tile(NamedTuple):
    """The index of the rows (None: point by point), how many, and how many vectors.

    A turn of the sum is left out where all it reads of `skips` is 0. What a block of lanes reads of
    `transposed` is transposed before its tiles read it.
    """

    row: str | None = None
    rows: int = 1
    vectors: int = 1
    skips: Reference | None = None
    transposed: Reference | None = None


def tile(
    nest: Nest, lane: str | None, constants: Mapping[str, int], lanes: int, registers: int
) -> Tile:
    """The tile of a nest: accumulators that fit the vector registers, and operands used again."""
    sums = nest.reductions
    if lane is None or not sums:
        return Tile()
    many = registers >= 32
    across = lane not in nest.indices
    options = [i for i in nest.indices if i != lane and constants.get(i, NOMINAL) > 1]
    row = min(options, key=lambda i: _loads(sums, i, lane), default=None)
    if row is None or not any(row not in r.free for e in sums for r in references(e.body)):
        if across:
            return Tile(vectors=_side_by_side(nest, lane, constants, lanes))
        return Tile(vectors=_vectors(lane, (4, 3, 2), constants, lanes))
    wide = 1 if across else _vectors(lane, (2, 3) if many else (2,), constants, lanes)
    size = constants.get(row)
    if many and wide == 1 and size is not None and size % 16 == 0:
        return Tile(row, 16, wide)
    if size is None and not many and wide == 2 and _is_short(sums, lane, constants, lanes):
        return Tile(row, FEW, wide)
    return Tile(row, _rows(size, 8 if many else 6), wide)


def _is_short(sums: list[Reduce], lane: str, constants: Mapping[str, int], lanes: int) -> bool:
    """Whether what tiles of two vectors read stays near, and there are no vectors left over."""
    turns = max(prod(constants.get(i, NOMINAL) for i in e.indices) for e in sums)
    vectors = ceil(constants.get(lane, 1) / lanes)
    return turns <= SHORT and vectors % 2 == 0


def _side_by_side(nest: Nest, lane: str, constants: Mapping[str, int], lanes: int) -> int:
    """How many vectors a reduction along the lanes takes in a turn.

    A lone one of a known size has accumulators side by side, so that no addition waits for the
    last. Over samples, steps in its loop are a long chain, and done for several vectors at once.
    """
    if lane in constants:
        return SIDE_BY_SIDE if len(nest.reductions) == 1 else 1
    busy = any(map(nest.further, nest.steps))
    return max(1, min(SIDE_BY_SIDE, USUAL // lanes)) if busy else 1


def _vectors(lane: str, options: tuple[int, ...], constants: Mapping[str, int], lanes: int) -> int:
    """How many vectors to a block: such that they come out even, if that can be."""
    if lane not in constants:
        return 2
    length = ceil(constants[lane] / lanes)
    return 1 if length < 2 else next((n for n in options if length % n == 0), options[0])


def _rows(size: int | None, most: int) -> int:
    """How many rows to a tile: the same, unless a smaller last tile is one of many."""
    if size is None or size >= MANY * most:
        return most
    if size <= most:
        return size
    return next((n for n in range(most, most // 2, -1) if size % n == 0), most)


def _loads(sums: list[Reduce], row: str, lane: str) -> int:
    """Loads for one turn of a tile of 8 by 2."""
    return sum(
        (8 if row in r.free else 1) * (2 if lane in r.free else 1)
        for e in sums
        for r in dict.fromkeys(references(e.body))
    )
