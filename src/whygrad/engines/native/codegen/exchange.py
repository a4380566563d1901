"""A copy with two axes exchanged: loops over squares, each turned around by a function."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ....language.expression import Reference
from .function import Function
from .grid import Grid
from .schedule import Tiled
from .turn import Turn
from .value import Value
from .writer import Loop

Span = tuple[Value, Value]
"""From where to where a loop goes."""


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
    assert isinstance(step.value, Reference)
    width, length = f.size(lane), f.size(row)
    share = grid.down(length, lanes)
    for columns, full in _spans(f, (f.integer(0), width), width, lanes):
        across = f.begin(*columns, lanes, may_be_empty=True)
        for rows, filled in _spans(f, share, length, lanes):
            down = f.begin(*rows, lanes, may_be_empty=True)
            places = {**indices, lane: across.counter, row: down.counter}
            turn = Turn(whole=full and filled)
            f.functions[turn.name] = turn.text(element, lanes)
            arguments = [f.corner(step.value, places), f.corner(step.target, places)]
            arguments += [f.stride(step.value, lane), f.stride(step.target, row)]
            if not turn.whole:
                arguments += [_left(f, down, length, lanes), _left(f, across, width, lanes)]
            f.command(f"call void {turn.name}({', '.join(map(str, arguments))})")
            f.end(down)
        f.end(across)


def _spans(f: Function, share: Span, size: Value, lanes: int) -> Iterator[tuple[Span, bool]]:
    """Where the whole vectors are in a share of an index, and where what is left; if either is."""
    start, stop = share
    rest = f.remainder(size, lanes)
    whole = f.subtract(size, rest)
    if whole.constant != 0:
        yield (start, stop if rest.constant == 0 else f.minimum(stop, whole)), True
    if rest.constant != 0:
        yield (f.maximum(start, whole), stop), False


def _left(f: Function, loop: Loop, size: Value, lanes: int) -> Value:
    """How many there are from the place of a loop on, but no more than a vector holds."""
    return f.minimum(f.integer(lanes), f.subtract(size, loop.counter))
