"""Which of the engine's own tensors lie in blocks: all rows of some columns, then the next.

Where nests go through the last axis of a tensor block by block, down all its rows each time, the
numbers of a block lie in one piece then. Each thread keeps to blocks of its own, and no processor
fetches what another is changing (Lam, Rothberg and Wolf, "The cache performance and optimizations
of blocked algorithms", 1991).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod

from ....language.expression import Index, Reference, references
from ..code import Buffer
from ..plan import Scatter
from .parts import leaves, read_by
from .schedule import Schedule, Tiled

LEAST = 1 << 13
"""Smaller tensors, in numbers, lie row by row."""

ROOM = 0.1
"""How much longer rows may become, as a share of them, so that they end with a block."""


def block_sizes(
    schedule: Schedule, own: frozenset[str], memory: Mapping[str, Buffer], lanes: int
) -> dict[str, int]:
    """How many columns a block has, for each of the tensors `own` that can lie in blocks."""
    found: dict[str, int] = {n: 0 for n in own if _is_large(memory[n])}
    for name, block in _uses(schedule, lanes):
        if not block or name not in found:
            continue
        if block < 0 or found[name] not in (0, block):
            del found[name]
        else:
            found[name] = block
    return {n: b for n, b in found.items() if b > 0 and _fills(memory[n], b)}


def _is_large(buffer: Buffer) -> bool:
    sizes = [axis.size or 0 for axis in buffer.axes]
    beyond = any(axis.before or axis.after for axis in buffer.axes)
    return len(sizes) > 1 and not buffer.external and not beyond and prod(sizes) >= LEAST


def _fills(buffer: Buffer, block: int) -> bool:
    """Whether there are several blocks, and the last one leaves little room."""
    size = buffer.axes[-1].size or 0
    return size // block > 1 and -size % block <= size * ROOM


def _uses(schedule: Schedule, lanes: int) -> Iterator[tuple[str, int]]:
    """Each tensor that a part uses, with the columns in a block that suit it; -1 if none do."""
    for part in leaves(schedule.parts):
        if isinstance(part, Scatter):
            yield from ((name, -1) for name in (part.name, *read_by(part)))
            continue
        for step in part.nest.steps:
            for e in (step.target, *references(step.value)):
                if part.exchange:
                    continue  # squares of rows and lanes lie inside of any block
                yield e.tensor, _block(e, part, schedule, lanes)


def _block(e: Reference, part: Tiled, schedule: Schedule, lanes: int) -> int:
    """The columns that the lanes of a nest go through together; 0 if it goes one by one.

    -1 says that none suit: a block would end in the midst of a vector or of a tile's rows.
    """
    names = [s.name if isinstance(s, Index) else "" for s in e.subscripts]
    order = schedule.orders[e.tensor]
    plain = names and "" not in names and len(set(names)) == len(names)
    if part.lane not in part.nest.indices or not plain:
        return -1
    last = names[order[-1]]
    if last == part.lane:
        return part.vectors * lanes
    return -1 if last == part.row else 0
