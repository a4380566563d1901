"""Transposed panels: of a matrix along whose rows a reduction goes while lanes go down.

Lanes want neighbours in memory. A transposed copy of a whole large matrix would have left the
nearest caches before it is read. What one block of lanes reads is transposed just before that, and
stays near for all tiles of the block.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping

from ....language.expression import Index, Reference, references
from ..code import Axis, Buffer
from ..plan import Nest
from .function import SIZES, Function
from .packed import Packed
from .squares import transpose
from .value import Value

TRANSPOSED = "transposed·"
"""Begins the name of the buffer with such panels; it ends with that of the index of their rows."""

LARGEST = 1 << 19
"""Numbers in a panel, at most."""


def transposable(
    nest: Nest,
    row: str | None,
    lane: str | None,
    wide: int,
    orders: Mapping[str, tuple[int, ...]],
    constants: Mapping[str, int],
    whole: Container[str],
) -> Iterator[Reference]:
    """Each `w[j,k]` in the body of a nest's only reduction, over k alone, that lies along k.

    It has all indices of the nest, so that each part of it is read in one block alone, but for
    that of the tile's rows. `lane` is j, and a block has so many lanes; how large j and k are has
    to be known. `orders` are as in `Costs`. Those in `whole` hold whole numbers, which are not
    transposed.
    """
    if row is None or lane not in nest.indices or len(nest.reductions) != 1:
        return
    (e,) = nest.reductions
    down, *more = e.indices
    if more or lane not in constants or constants.get(down, LARGEST) * wide > LARGEST:
        return
    for reference in dict.fromkeys(references(e.body)):
        names = [s.name for s in reference.subscripts if isinstance(s, Index)]
        if (
            len(set(names)) == len(reference.subscripts)
            and {*names, row} == {*nest.indices, down}
            and row not in names
            and names[orders[reference.tensor][-1]] == down
            and reference.tensor not in whole
        ):
            yield reference


def transposed_buffer(nest: Nest, element: str, constants: Mapping[str, int], wide: int) -> Buffer:
    """The memory of a nest's panels, for blocks of so many lanes."""
    (down,) = nest.reductions[0].indices
    name = TRANSPOSED + down
    axes = Axis(down, constants[down]), Axis(name, wide)
    return Buffer(name, name, element, axes, (0, 1), private=True)


def make_transposed(
    f: Function, e: Reference, indices: Mapping[str, Value], lane: str, vectors: int, lanes: int
) -> Packed:
    """Transpose what a block of so many vectors, which begins at the value of `lane`, reads of e.

    `indices` has the values of all indices of e but of the one that the reduction goes over.
    """
    (down,) = (s.name for s in e.subscripts if isinstance(s, Index) and s.name not in indices)
    assert f.stride(e, down).constant == 1
    element = f.memory[e.tensor].element
    start, wide = indices[lane], f.integer(vectors * lanes)
    panel = f.pointer(TRANSPOSED + down)

    def place(places: Mapping[str, Value]) -> Value:
        line = f.offset(panel, f.multiply(places[down], wide), SIZES[element])
        return f.offset(line, f.subtract(places[lane], start), SIZES[element])

    transpose(
        f,
        (lane, (start, f.add(start, wide))),
        (down, (f.integer(0), f.size(down))),
        lambda places: f.corner(e, {**indices, **places}),
        place,
        (f.stride(e, lane), wide),
        element,
        lanes,
    )
    return Packed(panel, wide, down, lanes)
