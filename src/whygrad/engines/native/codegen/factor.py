"""The factor of a sum that the data give: where it is 0, there is nothing to add.

Data hold many zeros: the margins of images, classes as columns of 0 and 1, words that a text does
not have. A tile of a few rows leaves out the turns of its sum in which all of them read 0.
"""

from __future__ import annotations

from collections.abc import Mapping

from ....language.expression import Index, Multiply, Reduce, Reference
from ..names import ALL
from ..plan import Nest
from .function import SIZES, Function
from .value import Value

LARGE = 1 << 15
"""Copies or lists of what is read pay for a matrix of at least so many weights."""


def data_factor(
    nest: Nest, row: str | None, lane: str | None, constants: Mapping[str, int]
) -> Reference | None:
    """`x·all[rows·n[n], i]` in a nest that sums its product over n or over i.

    The other one of these is the index of the tile's rows; all lanes read the same.
    """
    sums = nest.reductions
    if lane not in nest.indices or len(sums) != 1 or any(map(nest.further, nest.steps)):
        return None
    (e,) = sums
    if e.operation != "sum" or e.condition is not None or not isinstance(e.body, Multiply):
        return None
    for factor in e.body.factors:
        match factor:
            case Reference(
                tensor=tensor,
                subscripts=(Reference(subscripts=(Index(name=sample),)), Index(name=place)),
            ) if tensor.endswith(ALL) and (e.indices, row) in (
                ((sample,), place),
                ((place,), sample),
            ):
                large = constants.get(place, 0) * constants.get(lane, 0) >= LARGE
                return factor if large and row not in beside(e, factor).free else None
    return None


def beside(e: Reduce, factor: Reference) -> Multiply:
    """The other factors of what is summed."""
    assert isinstance(e.body, Multiply)
    return Multiply(tuple(f for f in e.body.factors if f != factor))


def parts(e: Reference) -> tuple[Reference, str, str]:
    """Of such a factor: the numbers of the rows, the index of samples, and that inside of a row."""
    match e.subscripts:
        case (Reference(subscripts=(Index(name=sample),)) as numbers, Index(name=place)):
            return numbers, sample, place
    raise AssertionError(e)


def begin(f: Function, e: Reference, sample: Value, place: Value) -> Value:
    """Where the number of a sample at a place of its row lies."""
    numbers, index, inner = parts(e)
    at = f.corner(numbers, {index: sample})
    number = f.emit(f"load i64, ptr {at.text}, align {SIZES['i64']}", "i64", 1, [at])
    row = Reference(e.tensor, (Index(index), Index(inner)))
    return f.corner(row, {index: number, inner: place})
