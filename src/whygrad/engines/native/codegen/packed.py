"""Packing: tiles read a copy that lies as they need it (Goto and van de Geijn, "Anatomy of
high-performance matrix multiplication", 2008).
"""

from __future__ import annotations

from dataclasses import dataclass

from .value import Value


@dataclass(frozen=True, slots=True)
class Packed:
    """What a tile reads in place of a tensor: where it begins, and how far apart its rows are.

    `index` is that of the rows, `step` a number of elements; so many of them (`at_once`) are read
    at a point of the tile: a vector, or one number for all lanes.
    """

    base: Value
    step: Value
    index: str
    at_once: int
