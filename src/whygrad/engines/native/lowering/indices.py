"""Indices: how many values they take, and bound ones under the names of the axes they run along."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ....errors import SizeError
from ....language.expression import (
    Expression,
    Index,
    Reduce,
    Size,
    index_names,
    number,
    references,
)
from ....language.sizes import infer_sizes
from ....language.substitution import Names, substitute
from ....language.system import System
from ..names import original

Axes = Mapping[str, tuple[str, ...]]

SAMPLES = 840
"""So many samples to a batch are reckoned with where their number is open; or `MANY_SAMPLES`."""

MANY_SAMPLES = 2**20


class Ranges:
    """The sizes of indices: those `known`, and `assumed` ones to reckon with for the others."""

    def __init__(self, known: Mapping[str, int], assumed: Mapping[str, int]) -> None:
        self.known = dict(known)
        self.assumed = dict(assumed)
        self.names = Names(assumed)

    @classmethod
    def of(cls, system: System, sizes: Mapping[str, int]) -> Ranges:
        """The ranges of a system's indices; `sizes` may lack what the batch gives."""
        known = infer_sizes(system, sizes)
        left = system.index_names - known.keys()
        if left <= {system.batch}:
            return cls(known, known | dict.fromkeys(left, SAMPLES))
        batch = str(system.batch)
        try:
            return cls(known, infer_sizes(system, {**sizes, batch: SAMPLES}))
        except SizeError:  # an axis of samples that is read in part
            return cls(known, infer_sizes(system, {**sizes, batch: MANY_SAMPLES}))

    def copy(self, index: str) -> str:
        """A new index of the same size, under a name that no text can have."""
        new = f"{original(index)}·{len(self.assumed)}"
        for sizes in (self.known, self.assumed):
            if index in sizes:
                sizes[new] = sizes[index]
        return new

    def size(self, index: str) -> Expression:
        """The size of an index as an expression."""
        return number(self.known[index]) if index in self.known else Size(index)

    def length(self, index: str) -> int:
        """The size to reckon with."""
        return self.assumed[index]

    def same(self, one: str, other: str) -> bool:
        """Whether two indices take the same values."""
        return self.length(one) == self.length(other) and (one in self.known) == (
            other in self.known
        )

    def all(self, axes: Iterable[tuple[str, ...]]) -> dict[str, int | None]:
        """The size of every index, None where it depends on the number of samples."""
        names = dict.fromkeys([*self.assumed, *(i for a in axes for i in a)])
        return {i: self.known.get(i) for i in names}


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
            e = with_indices(e, {old: new}, ranges.names)
    return e


def with_indices(e: Reduce, new: Mapping[str, str], names: Names) -> Reduce:
    """The same reduction with other indices."""
    to = {old: Index(name) for old, name in new.items()}
    condition = e.condition and substitute(e.condition, to, names)
    indices = tuple(new.get(i, i) for i in e.indices)
    return Reduce(e.operation, indices, condition, substitute(e.body, to, names))


def _axes_along(e: Reduce, index: str, axes: Axes) -> Iterator[str]:
    """The axes on which the index is a subscript."""
    for reference in references(e.body):
        for subscript, axis in zip(reference.subscripts, axes[reference.tensor], strict=True):
            if isinstance(subscript, Index) and subscript.name == index:
                yield axis
