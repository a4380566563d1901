"""Products of named arrays, summed over some of their indices.

The product is taken pair by pair, in the order that needs the fewest
multiplications; each pair is a matrix product, so the space of all indices is
never spread out.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from ...language.expression import Value
from ..pairs import Names, pairs
from .named import Array, Meter, Named, Ranges, as_float, expand, ordered, transpose


def contract(
    operands: Sequence[Named],
    keep: Names,
    ranges: Ranges,
    meter: Meter,
    coefficient: Value = 1,
) -> Named:
    """coefficient · Σ of the product of the operands over every index that is not in `keep`.

    All operands hold floating point numbers of one type. An index that none
    of them has is not counted.
    """
    if coefficient != 1:
        smallest = min(range(len(operands)), key=lambda k: operands[k].array.size)
        result = {n for v in operands for n in v.names} & keep
        if prod(len(ranges[n]) for n in result) < operands[smallest].array.size:
            value = contract(operands, keep, ranges, meter)
            return _scaled(value, coefficient, meter)
        operands = list(operands)
        operands[smallest] = _scaled(operands[smallest], coefficient, meter)
    rest = [_without_lone(i, operands, keep, meter) for i in range(len(operands))]
    lengths = tuple((n, k) for v in rest for n, k in zip(v.names, v.array.shape, strict=True))
    for i, j in pairs(tuple(frozenset(v.names) for v in rest), keep, lengths):
        right, left = rest.pop(j), rest.pop(i)
        wanted = keep.union(*(v.names for v in rest))
        rest.append(multiply_pair(left, right, wanted, ranges, meter))
    return rest[0]


def _scaled(value: Named, coefficient: Value, meter: Meter) -> Named:
    if coefficient == -1:
        return Named(meter.made(np.asarray(-value.array)), value.names)
    array = np.asarray(value.array * value.array.dtype.type(as_float(coefficient)))
    return Named(meter.made(array, array.size), value.names)


def _without_lone(place: int, operands: Sequence[Named], keep: Names, meter: Meter) -> Named:
    """The operand with the indices summed out that nothing else has."""
    value = operands[place]
    others = keep.union(*(v.names for k, v in enumerate(operands) if k != place))
    lone = tuple(axis for axis, n in enumerate(value.names) if n not in others)
    if not lone:
        return value
    array = np.asarray(value.array.sum(axis=lone))
    return Named(meter.made(array), tuple(n for n in value.names if n in others))


def multiply_pair(left: Named, right: Named, wanted: Names, ranges: Ranges, meter: Meter) -> Named:
    """The product of two values, summed over their common indices that are not wanted."""
    shared = frozenset(left.names) & frozenset(right.names)
    summed = shared - wanted
    names = ordered((shared - summed) | (frozenset(left.names) ^ frozenset(right.names)), ranges)
    if not summed:
        array = np.multiply(expand(left, names), expand(right, names))
        return Named(meter.made(array, array.size), names)
    first = next((n for n in names if n not in shared), None)
    if first in right.names:
        left, right = right, left
    batch = tuple(n for n in names if n in shared)
    rows = tuple(n for n in left.names if n not in shared)
    columns = tuple(n for n in right.names if n not in shared)
    inner = _by_stride(max(left, right, key=lambda v: v.array.size), summed)
    a = transpose(left, batch + rows + inner).array
    b = transpose(right, batch + inner + columns).array
    common = prod(a.shape[len(batch) + len(rows) :])
    if not rows and not columns:
        array = _dot(a, b, len(batch))
        work = array.size * common
    else:
        array = _matmul(a, b, len(batch), len(rows), len(columns), meter)
        work = array.size * common
    meter.made(array, work)
    return transpose(Named(array, batch + rows + columns), names)


def _by_stride(value: Named, names: Names) -> tuple[str, ...]:
    """The names in the order in which they lie in memory, so that joining them copies little."""
    strides = dict(zip(value.names, value.array.strides, strict=True))
    return tuple(sorted((n for n in value.names if n in names), key=lambda n: -abs(strides[n])))


def _dot(a: Array, b: Array, batch: int) -> Array:
    """Sum of a * b over all axes but the first `batch`."""
    if batch == 0:
        return np.asarray(np.vdot(a, b))
    axes = list(range(a.ndim))
    return np.asarray(np.einsum(a, axes, b, axes, axes[:batch]))


def _matmul(a: Array, b: Array, batch: int, rows: int, columns: int, meter: Meter) -> Array:
    """a (batch, rows, inner) times b (batch, inner, columns), several axes to a group."""
    stack = a.shape[:batch]
    row_shape = a.shape[batch : batch + rows]
    column_shape = b.shape[b.ndim - columns :] if columns else ()
    common = prod(a.shape[batch + rows :])
    left = _matrix(a.reshape(*stack, prod(row_shape), common), a, meter)
    right = _matrix(b.reshape(*stack, common, prod(column_shape)), b, meter)
    product: Array = np.matmul(left, right)
    return product.reshape(*stack, *row_shape, *column_shape)


def _matrix(matrix: Array, source: Array, meter: Meter) -> Array:
    """The matrices in a layout that BLAS takes."""
    if matrix.size and not np.may_share_memory(matrix, source):
        return meter.made(matrix)
    rows, columns = matrix.shape[-2:]
    across, down = matrix.strides[-1], matrix.strides[-2]
    item = matrix.itemsize
    plain = across == item and down % item == 0 and down >= columns * item
    turned = down == item and across % item == 0 and across >= rows * item
    if plain or turned or matrix.size == 0:
        return matrix
    return meter.made(np.ascontiguousarray(matrix))
