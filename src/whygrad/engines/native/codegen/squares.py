"""Loops over the squares of a copy with exchanged axes, each of which is turned (see `turn`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from .function import Function
from .turn import Turn
from .value import Value
from .writer import Loop

Span = tuple[Value, Value]
"""From where to where a loop goes."""

Corner = Callable[[Mapping[str, Value]], Value]
"""Where the number lies at which two indices have some values."""


def transpose(
    f: Function,
    across: tuple[str, Span],
    down: tuple[str, Span],
    source: Corner,
    target: Corner,
    steps: tuple[Value, Value],
    element: str,
    lanes: int,
) -> None:
    """Write the loops that copy what lies along the index `down` so that it lies along `across`.

    Both spans begin with a whole vector, and end less than a vector behind their index. `source`
    and `target` say where a square begins; `steps` are the distances, in elements, of neighbours
    along `across` in the source and along `down` in the target.
    """
    (lane, width), (row, length) = across, down
    for columns, full in _spans(f, width, f.size(lane), lanes):
        right = f.begin(*columns, lanes, may_be_empty=True)
        for rows, filled in _spans(f, length, f.size(row), lanes):
            below = f.begin(*rows, lanes, may_be_empty=True)
            places = {lane: right.counter, row: below.counter}
            turn = Turn(element, lanes, whole=full and filled)
            f.functions[turn.name] = turn.text
            arguments = [source(places), target(places), *steps]
            if not turn.whole:
                arguments += [_left(f, below, f.size(row), lanes)]
                arguments += [_left(f, right, f.size(lane), lanes)]
            f.command(f"call void {turn.name}({', '.join(map(str, arguments))})")
            f.end(below)
        f.end(right)


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
