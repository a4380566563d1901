"""What threads copy for themselves before tiles read it: the memory that a nest needs for that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..code import Buffer
from .panel import panel_buffer, paneled
from .schedule import Tiled
from .sparse import list_buffer
from .strip import strip_buffer, stripped
from .transposed import transposed_buffer


def packs(
    tiled: Tiled,
    memory: Mapping[str, Buffer],
    constants: Mapping[str, int],
    element: str,
    lanes: int,
) -> Iterator[Buffer]:
    """The buffers of a nest's panels, strips and lists."""
    if tiled.transposed:
        yield transposed_buffer(tiled.nest, element, constants, tiled.vectors * lanes)
    if paneled(tiled, memory, constants):
        yield panel_buffer(element)
    if e := stripped(tiled, memory, constants):
        yield strip_buffer(e, element, constants)
    elif tiled.skips:
        yield list_buffer(tiled.skips, element, constants, lanes)
