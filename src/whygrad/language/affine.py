"""Affine integer expressions: a constant plus whole multiples of indices and sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .expression import Add, Expression, FloorDivide, Index, Modulo, Multiply, Number, Size


@dataclass(frozen=True, slots=True)
class Affine:
    """`constant + Σ coefficient · node`; a node is an Index or a Size, no coefficient is 0."""

    constant: int
    coefficients: Mapping[Expression, int] = field(default_factory=dict)


def affine(e: Expression, sizes: Mapping[str, int] | None = None) -> Affine | None:
    """The expression as an affine one, or None where it is none.

    `sizes` (index name -> size) are put in for `size(i)`; a size that is not
    among them stays a symbol. A division of constants by 0 gives None.
    """
    if isinstance(e, Number):
        return Affine(e.value) if isinstance(e.value, int) else None
    if isinstance(e, Size) and sizes and e.index in sizes:
        return Affine(sizes[e.index])
    if isinstance(e, Index | Size):
        return Affine(0, {e: 1})
    if not isinstance(e, Add | Multiply | FloorDivide | Modulo):
        return None
    parts: list[Affine] = []
    for child in e.children:
        part = affine(child, sizes)
        if part is None:
            return None
        parts.append(part)
    if isinstance(e, Add):
        return _sum(parts)
    if isinstance(e, Multiply):
        return _product(parts)
    left, right = parts
    if left.coefficients or right.coefficients or right.constant == 0:
        return None
    divide = isinstance(e, FloorDivide)
    return Affine(left.constant // right.constant if divide else left.constant % right.constant)


def _sum(parts: list[Affine]) -> Affine:
    coefficients: dict[Expression, int] = {}
    for part in parts:
        for node, coefficient in part.coefficients.items():
            coefficients[node] = coefficients.get(node, 0) + coefficient
    constant = sum(part.constant for part in parts)
    return Affine(constant, {node: c for node, c in coefficients.items() if c})


def _product(parts: list[Affine]) -> Affine | None:
    """Affine as long as at most one factor is no constant."""
    scale = 1
    rest: Affine | None = None
    for part in parts:
        if not part.coefficients:
            scale *= part.constant
        elif rest is None:
            rest = part
        else:
            return None
    if rest is None:
        return Affine(scale)
    scaled = {node: scale * c for node, c in rest.coefficients.items() if scale}
    return Affine(scale * rest.constant, scaled)
