"""A copy with two axes exchanged."""

from __future__ import annotations

from collections.abc import Mapping

from ....language.expression import Reference
from .function import Function
from .grid import Grid
from .schedule import Tiled
from .squares import transpose
from .value import Value


def exchange(
    f: Function,
    tiled: Tiled,
    grid: Grid,
    element: str,
    lanes: int,
    indices: Mapping[str, Value],
) -> None:
    """Write the loops of a nest that copies; `indices` are those of the loops around it."""
    lane, row = tiled.lane, tiled.row
    assert lane is not None and row is not None
    (step,) = tiled.nest.steps
    copied, made = step.value, step.target
    assert isinstance(copied, Reference)
    transpose(
        f,
        (lane, (f.integer(0), f.size(lane))),
        (row, grid.down(f.size(row), lanes)),
        lambda places: f.corner(copied, {**indices, **places}),
        lambda places: f.corner(made, {**indices, **places}),
        (f.stride(copied, lane), f.stride(made, row)),
        element,
        lanes,
    )
