"""Panels that are turned around: of a matrix along whose rows a sum goes while lanes go down.

Lanes want neighbours in memory. A copy of the whole matrix with exchanged axes would have left the
nearest caches before it is read. What one block of lanes reads is turned around just before that,
and stays near for all tiles of the block.
"""

from __future__ import annotations

from collections.abc import Mapping

from ....language.expression import Index, Reference, references
from ..code import Axis, Buffer
from ..plan import Nest
from .function import SIZES, Function
from .packed import Packed
from .squares import turn_around
from .value import Value

TURNED = "turned·"
"""Begins the name of the buffer with such panels; it ends with that of the index of their rows."""


def turned(
    nest: Nest,
    row: str | None,
    lane: str | None,
    orders: Mapping[str, tuple[int, ...]],
    constants: Mapping[str, int],
) -> Reference | None:
    """`w[j,k]` where a nest for n and j sums its product with a[n,k] over k.

    The tile's rows are those of n and its lanes go along j, while w lies along k, in the order of
    memory that it has.
    """
    sums = nest.reductions
    if row is None or lane not in nest.indices or len(sums) != 1:
        return None
    (e,) = sums
    if len(e.indices) != 1:
        return None
    (down,) = e.indices
    if lane not in constants or down not in constants:
        return None
    return next((r for r in references(e.body) if _lies(r, row, lane, down, orders)), None)


def _lies(
    e: Reference, row: str, lane: str, down: str, orders: Mapping[str, tuple[int, ...]]
) -> bool:
    names = [s.name for s in e.subscripts if isinstance(s, Index)]
    if len(set(names)) < len(e.subscripts) or lane not in names or row in names:
        return False
    return names[orders[e.tensor][-1]] == down


def turned_buffer(nest: Nest, element: str, constants: Mapping[str, int], wide: int) -> Buffer:
    """The memory of a nest's panels, in which blocks have so many lanes."""
    (down,) = nest.reductions[0].indices
    name = TURNED + down
    axes = Axis(down, constants[down]), Axis(name, wide)
    return Buffer(name, name, element, axes, (0, 1), private=True)


def make_turned(
    f: Function, e: Reference, indices: Mapping[str, Value], lane: str, vectors: int, lanes: int
) -> Packed:
    """Turn around what a block of so many vectors reads."""
    (down,) = (s.name for s in e.subscripts if isinstance(s, Index) and s.name not in indices)
    element = f.memory[e.tensor].element
    start, wide = indices[lane], f.integer(vectors * lanes)
    panel = f.pointer(TURNED + down)

    def place(places: Mapping[str, Value]) -> Value:
        line = f.offset(panel, f.multiply(places[down], wide), SIZES[element])
        return f.offset(line, f.subtract(places[lane], start), SIZES[element])

    turn_around(
        f,
        {
            lane: (start, f.add(start, wide)),
            down: (f.integer(0), f.size(down)),
        },
        lambda places: f.corner(e, {**indices, **places}),
        place,
        (f.stride(e, lane), wide),
        element,
        lanes,
    )
    return Packed(panel, wide, down, lanes)
