"""Bound indices under the names of the axes that they run along, so that equal sums are equal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ....language.expression import Expression, Index, Reduce, index_names, references
from ....language.substitution import Names, substitute


def renamed(
    e: Expression,
    axes: Mapping[str, tuple[str, ...]],
    same: Callable[[str, str], bool],
    names: Names,
) -> Expression:
    """`sum[k2](z[n,k2])` becomes `sum[k](z[n,k])` if z has the axis k and k is of the same size."""
    e = e.map(lambda child: renamed(child, axes, same, names))
    if not isinstance(e, Reduce):
        return e
    for old in e.indices:
        new = next(_axes_along(e, old, axes), old)
        if new != old and same(old, new) and new not in index_names(e):
            indices = tuple(new if i == old else i for i in e.indices)
            to = {old: Index(new)}
            condition = e.condition and substitute(e.condition, to, names)
            e = Reduce(e.operation, indices, condition, substitute(e.body, to, names))
    return e


def _axes_along(e: Reduce, index: str, axes: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """The axes on which the index is a subscript."""
    for reference in references(e.body):
        for subscript, axis in zip(reference.subscripts, axes[reference.tensor], strict=True):
            if isinstance(subscript, Index) and subscript.name == index:
                yield axis
