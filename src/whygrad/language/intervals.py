"""What an integer expression can take: bounds from its form, and all values on a small grid."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import reduce
from math import prod
from operator import floordiv, mul
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .affine import affine
from .expression import (
    Add,
    Expression,
    FloorDivide,
    Index,
    Modulo,
    Multiply,
    Number,
    Reference,
    Size,
)
from .system import System

LARGEST_GRID = 1_000_000

Interval = tuple[int, int]


def interval(e: Expression, sizes: Mapping[str, int], system: System) -> Interval | None:
    """Bounds of an integer expression: (lowest, highest), both included.

    They are exact for an affine expression; else they may be too wide, but
    never too narrow. A tensor that is declared `in k` takes 0 .. size(k) - 1.
    Of any other tensor, and where a size is missing, nothing is known: None.
    """
    form = affine(e, sizes)
    if form is not None:
        parts: list[Interval | None] = [(form.constant, form.constant)]
        for node, c in form.coefficients.items():
            parts.append(_corners(mul, (c, c), _ends(_domain(node, sizes, system))))
        return _sum(parts)
    if isinstance(e, Reference):
        return _ends(_domain(e, sizes, system))
    if not isinstance(e, Add | Multiply | FloorDivide | Modulo):
        return None
    parts = [interval(child, sizes, system) for child in e.children]
    if isinstance(e, Add):
        return _sum(parts)
    if isinstance(e, Multiply):
        return reduce(lambda a, b: _corners(mul, a, b), parts)
    left, right = parts
    if right is None or right[0] <= 0 <= right[1]:
        return None
    return _corners(floordiv, left, right) if isinstance(e, FloorDivide) else _modulo(left, right)


def table(
    e: Expression,
    sizes: Mapping[str, int],
    system: System,
    only: Mapping[str, range] | None = None,
) -> NDArray[Any] | None:
    """All values of an integer expression, one axis for each index and each tensor in it.

    `only` gives the values of some indices; their axes come first. A tensor
    that is declared `in k` takes every value of k. None where a divisor is 0,
    something is not known, or the grid has more than LARGEST_GRID points.
    """
    domains: dict[Expression, range] = {Index(i): r for i, r in (only or {}).items()}
    for node in _leaves(e):
        constant = affine(node, sizes)
        if node not in domains and (constant is None or constant.coefficients):
            domain = _domain(node, sizes, system)
            if domain is None:
                return None
            domains[node] = domain
    if prod(domain.stop - domain.start for domain in domains.values()) > LARGEST_GRID:
        return None
    # Python's own integers where 64 bits might not do
    kind = np.int64 if _magnitude(e, domains, sizes) < 2**62 else np.object_
    values = {
        node: np.array(domain, kind).reshape([-1] + [1] * (len(domains) - 1 - position))
        for position, (node, domain) in enumerate(domains.items())
    }
    try:
        return np.broadcast_to(
            _evaluate(e, values, sizes), [len(domain) for domain in domains.values()]
        )
    except ZeroDivisionError:
        return None


def _domain(node: Expression, sizes: Mapping[str, int], system: System) -> range | None:
    """The values of an index, or of a tensor that holds values of an index."""
    index = None
    if isinstance(node, Index):
        index = node.name
    elif isinstance(node, Reference) and node.tensor in system.declarations:
        index = system.declarations[node.tensor][1].within
    return range(sizes[index]) if index is not None and index in sizes else None


def _ends(domain: range | None) -> Interval | None:
    return None if domain is None else (domain[0], domain[-1])


def _leaves(e: Expression) -> Iterator[Expression]:
    """What an integer expression is made of: anything but its arithmetic."""
    if isinstance(e, Add | Multiply | FloorDivide | Modulo):
        for child in e.children:
            yield from _leaves(child)
    else:
        yield e


def _sum(parts: list[Interval | None]) -> Interval | None:
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    return sum(low for low, _ in known), sum(high for _, high in known)


def _corners(
    operation: Callable[[int, int], int], a: Interval | None, b: Interval | None
) -> Interval | None:
    """Bounds of an operation that is monotone in each operand."""
    if a is None or b is None:
        return None
    found = [operation(x, y) for x in a for y in b]
    return min(found), max(found)


def _modulo(left: Interval | None, right: Interval) -> Interval:
    """Bounds of left % right, which has the sign of right; right does not contain 0."""
    low, high = (0, right[1] - 1) if right[0] > 0 else (right[0] + 1, 0)
    if left is None:
        return low, high
    if right[0] == right[1] and left[0] // right[0] == left[1] // right[0]:
        return left[0] % right[0], left[1] % right[0]
    if right[0] > 0 and left[0] >= 0:
        high = min(high, left[1])
    return low, high


def _magnitude(e: Expression, domains: Mapping[Expression, range], sizes: Mapping[str, int]) -> int:
    """A bound of the absolute value of an expression and of every part of it."""
    if isinstance(e, Add | Multiply | FloorDivide | Modulo):
        parts = [_magnitude(child, domains, sizes) for child in e.children]
        if isinstance(e, Multiply):
            return prod(parts)
        return sum(parts) if isinstance(e, Add) else max(parts)
    if isinstance(e, Number):
        return max(1, abs(int(e.value)))
    if isinstance(e, Size):
        return sizes[e.index]
    return max(1, abs(domains[e][0]), abs(domains[e][-1]))


def _evaluate(
    e: Expression, values: Mapping[Expression, NDArray[Any]], sizes: Mapping[str, int]
) -> Any:
    if isinstance(e, Number):
        return e.value
    if isinstance(e, Size):
        return sizes[e.index]
    if e in values:
        return values[e]
    parts = [_evaluate(child, values, sizes) for child in e.children]
    if isinstance(e, Add):
        return sum(parts)
    if isinstance(e, Multiply):
        return reduce(mul, parts)
    left, right = parts
    if np.any(right == 0):
        raise ZeroDivisionError
    return left // right if isinstance(e, FloorDivide) else left % right
