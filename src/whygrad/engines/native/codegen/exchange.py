"""A copy with two axes exchanged: loops over squares, each turned around by a function."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ....language.expression import Index, Reference
from ..plan import Assign
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
    source, number = _source(step, lane)
    width, length = f.size(lane), f.size(row)
    share = grid.down(length, lanes)
    for columns, full in _spans(f, (f.integer(0), width), width, lanes):
        across = f.begin(*columns, lanes, may_be_empty=True)
        for rows, filled in _spans(f, share, length, lanes):
            down = f.begin(*rows, lanes, may_be_empty=True)
            places = {**indices, lane: across.counter, row: down.counter}
            whole = full and filled
            turn = Turn(whole, number is not None)
            f.functions[turn.name] = turn.text(element, lanes)
            if number is None:
                start, looked_up = f.corner(source, places), []
            else:
                start = f.corner(source, {**places, lane: f.integer(0)})
                looked_up = [f.corner(number, places)]
            arguments = [start, f.corner(step.target, places), *looked_up]
            arguments += [f.stride(source, lane), f.stride(step.target, row)]
            if not whole:
                arguments += [_left(f, down, length, lanes), _left(f, across, width, lanes)]
            f.command(f"call void {turn.name}({', '.join(map(str, arguments))})")
            f.end(down)
        f.end(across)


def _source(step: Assign, lane: str) -> tuple[Reference, Reference | None]:
    """What is copied, at plain indices, and the numbers by which the lane is looked up, if any."""
    e = step.value
    assert isinstance(e, Reference)
    numbers = [s for s in e.subscripts if isinstance(s, Reference)]
    plain = tuple(Index(lane) if isinstance(s, Reference) else s for s in e.subscripts)
    return Reference(e.tensor, plain), numbers[0] if numbers else None


def _spans(f: Function, share: Span, size: Value, lanes: int) -> Iterator[tuple[Span, bool]]:
    """Where the whole vectors are in a share of an index, and where what is left; if either is."""
    start, stop = share
    rest = f.remainder(size, lanes)
    whole = f.subtract(size, rest)
    if whole.constant != 0:
        yield (start, stop if rest.constant == 0 else f.minimum(stop, whole)), True
    if rest.constant != 0:
        yield (f.call("llvm.smax.i64", "i64", 1, [start, whole]), stop), False


def _left(f: Function, loop: Loop, size: Value, lanes: int) -> Value:
    """How many there are from the place of a loop on, but no more than a vector holds."""
    return f.minimum(f.integer(lanes), f.subtract(size, loop.counter))
