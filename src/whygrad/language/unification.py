"""Indices that must have one size, and where that size comes from."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from operator import index as whole
from typing import NamedTuple

from ..errors import SizeError
from .expression import Span


class Source(NamedTuple):
    """The size of an index and where it comes from, as in `16 by size j = 16`."""

    name: str
    size: int
    origin: str
    span: Span | None = None


class Bridge(NamedTuple):
    """Two indices have one size; `reason` says why, and it stands at `span`."""

    one: str
    other: str
    reason: str
    span: Span | None


class Unification:
    """Classes of indices that have one size, and the sizes that are known so far.

    First all bridges are joined, then sizes are given. A size that
    disagrees with an earlier one raises SizeError and names both.
    """

    def __init__(self, indices: Iterable[str], source: str) -> None:
        self.sizes: dict[str, int] = {}
        self._text = source
        self._members = {i: [i] for i in indices}
        self._bridges: dict[str, list[Bridge]] = {i: [] for i in self._members}
        self._sources: dict[str, Source] = {}

    def members(self, index: str) -> list[str]:
        """All indices of the same size; one list for each class."""
        return self._members[index]

    def join(self, bridge: Bridge) -> None:
        """Put the classes of two indices together."""
        one, other = self._members[bridge.one], self._members[bridge.other]
        self._bridges[bridge.one].append(bridge)
        self._bridges[bridge.other].append(bridge)
        if one is not other:
            small, large = sorted((one, other), key=len)
            large.extend(small)
            self._members.update((i, large) for i in small)

    def give(self, source: Source) -> None:
        """Set the size of an index and of its whole class."""
        size = self._checked(source)
        members = self._members[source.name]
        earlier = self._sources.setdefault(members[0], source)
        if earlier.size != source.size:
            raise self._disagreement(earlier, source)
        for i in members:
            self.sizes[i] = size

    def _checked(self, source: Source) -> int:
        try:
            size = whole(source.size)
        except TypeError:
            size = 0
        if size < 1:
            raise SizeError(
                f"the size of {source.name} is {source.size} {source.origin}, "
                "but a size is a whole number of at least 1",
                span=source.span,
                source=self._text,
            )
        return size

    def _disagreement(self, one: Source, other: Source) -> SizeError:
        if one.name == other.name:
            return SizeError(
                f"index {one.name} has two sizes: "
                f"{one.size} {one.origin}, {other.size} {other.origin}",
                span=other.span or one.span,
                source=self._text,
                hint="two axes of different sizes need indices of different names",
            )
        bridge = self._path(one.name, other.name)[0]
        return SizeError(
            f"sizes disagree: {one.name} is {one.size} {one.origin}, "
            f"{other.name} is {other.size} {other.origin}, but {bridge.reason}",
            span=bridge.span or other.span,
            source=self._text,
            hint="only an index with a `size` of its own may read a part of an axis",
        )

    def _path(self, start: str, end: str) -> list[Bridge]:
        """The bridges from one index of a class to another."""
        paths: dict[str, list[Bridge]] = {start: []}
        waiting = deque([start])
        while end not in paths:
            index = waiting.popleft()
            for bridge in self._bridges[index]:
                other = bridge.other if bridge.one == index else bridge.one
                if other not in paths:
                    paths[other] = [*paths[index], bridge]
                    waiting.append(other)
        return paths[end]
