"""A program in words: what is computed in which order, and where its buffers lie."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .code import Buffer, Code
from .memory import SLACK, Places, placed, rounded, size_of
from .plan import Plan


def description(plan: Plan, code: Code, sizes: Mapping[str, int]) -> str:
    """The plan, and the memory that it takes for these run-time sizes."""
    own = [b for b in code.buffers if not b.external]
    places = placed(own, sizes)
    apart = sum(rounded(size_of(b, sizes)) for b in own)
    head = f"memory: {places.size - SLACK:,} bytes ({apart:,} if no buffer shared its place)"
    return "\n".join([str(plan), head, *_lines(own, places, sizes), ""])


def _lines(own: list[Buffer], places: Places, sizes: Mapping[str, int]) -> Iterator[str]:
    """A line for each buffer, by their places."""
    for place, b in sorted(zip(places.offsets, own, strict=True), key=lambda pair: pair[0]):
        name = f"{b.name}[{', '.join(a.index for a in b.axes)}]"
        life = "kept" if b.alive is None else f"in use from {b.alive[0]} to {b.alive[1]}"
        yield f"  {place:>10,}  {size_of(b, sizes):>10,}  {name:24}  {life}"
