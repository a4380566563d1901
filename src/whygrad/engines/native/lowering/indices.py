"""Indices: how many values they take, and bound ones under the names of the axes they run along."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ....language.expression import (
    Expression,
    Index,
    Reduce,
    Size,
    index_names,
    number,
    references,
)
from ....language.substitution import Names, substitute

Axes = Mapping[str, tuple[str, ...]]


class Ranges:
    """The sizes of indices: those `known`, and `assumed` ones to reckon with for the others.

    `names` hands out copies of indices.
    """

    def __init__(self, known: Mapping[str, int], assumed: Mapping[str, int]) -> None:
        self.known = known
        self.assumed = assumed
        self.names = Names(assumed)

    def size(self, index: str) -> Expression:
        """The size of an index as an expression."""
        return number(self.known[index]) if index in self.known else Size(index)

    def length(self, index: str) -> int:
        """The size to reckon with."""
        return self.assumed[self.names.copies.get(index, index)]

    def same(self, one: str, other: str) -> bool:
        """Whether two indices take the same values."""
        return self.length(one) == self.length(other) and (one in self.known) == (
            other in self.known
        )

    def all(self, axes: Iterable[tuple[str, ...]]) -> dict[str, int | None]:
        """The size of every index, None where it depends on the number of samples."""
        names = dict.fromkeys([*self.assumed, *(i for a in axes for i in a), *self.names.copies])
        return {i: self.known.get(self.names.copies.get(i, i)) for i in names}


def renamed(e: Expression, axes: Axes, ranges: Ranges) -> Expression:
    """`sum[k2](z[n,k2])` becomes `sum[k](z[n,k])` if z has the axis k and k is of the same size.

    Then sums that differ in the names of their indices alone are equal.
    """
    e = e.map(lambda child: renamed(child, axes, ranges))
    if not isinstance(e, Reduce):
        return e
    for old in e.indices:
        new = next(_axes_along(e, old, axes), old)
        if new != old and ranges.same(old, new) and new not in index_names(e):
            indices = tuple(new if i == old else i for i in e.indices)
            to = {old: Index(new)}
            condition = e.condition and substitute(e.condition, to, ranges.names)
            e = Reduce(e.operation, indices, condition, substitute(e.body, to, ranges.names))
    return e


def _axes_along(e: Reduce, index: str, axes: Axes) -> Iterator[str]:
    """The axes on which the index is a subscript."""
    for reference in references(e.body):
        for subscript, axis in zip(reference.subscripts, axes[reference.tensor], strict=True):
            if isinstance(subscript, Index) and subscript.name == index:
                yield axis
