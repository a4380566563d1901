"""Loops over squares of numbers, each of which is turned around (see `turn`)."""

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


def turn_around(
    f: Function,
    spans: Mapping[str, Span],
    source: Corner,
    target: Corner,
    steps: tuple[Value, Value],
    element: str,
    lanes: int,
) -> None:
    """Write the loops that copy what lies along the second of two indices to lie along the first.

    In the source, neighbours along the first lie so many elements apart, and in the target those
    along the second. The spans begin with whole vectors; the last one may go beyond the index.
    """
    (lane, width), (row, length) = spans.items()
    for columns, full in _spans(f, width, f.size(lane), lanes):
        across = f.begin(*columns, lanes, may_be_empty=True)
        for rows, filled in _spans(f, length, f.size(row), lanes):
            down = f.begin(*rows, lanes, may_be_empty=True)
            places = {lane: across.counter, row: down.counter}
            turn = Turn(element, lanes, whole=full and filled)
            f.functions[turn.name] = turn.text
            arguments = [source(places), target(places), *steps]
            if not turn.whole:
                arguments += [_left(f, down, f.size(row), lanes)]
                arguments += [_left(f, across, f.size(lane), lanes)]
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
