"""Where every axis of every tensor begins and ends, and that each subscript stays inside."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import SizeError
from .affine import affine
from .expression import Expression, FloorDivide, Index, Modulo, Number, Pad, Reference, walk
from .intervals import Interval, interval, table
from .system import Equation, System

Margins = tuple[tuple[int, int], ...]


def margins(system: System) -> dict[str, Margins]:
    """(L, H) for each axis of each tensor: its starts add L values before 0 and H at the end."""
    found: dict[str, Margins] = {}
    for name, tensor in system.tensors.items():
        found[name] = ((0, 0),) * len(tensor.indices)
        starts = [e for e in system.definitions.get(name, ()) if e.is_start]
        if starts:
            found[name] = tuple(_margin(starts, p) for p in range(len(tensor.indices)))
    return found


def _margin(starts: list[Equation], position: int) -> tuple[int, int]:
    """The margin of one axis, from the constant subscripts that starts have there."""
    before = after = 0
    for start in starts:
        form = affine(start.subscripts[position])
        if form is not None and not any(isinstance(n, Index) for n in form.coefficients):
            if form.coefficients:
                after = max(after, form.constant + 1)
            else:
                before = max(before, -form.constant)
    return before, after


def extents(system: System, sizes: Mapping[str, int]) -> dict[str, tuple[range, ...]]:
    """For each tensor and axis the values that a subscript may take: range(-L, size + H).

    `sizes` has the size of every index; L and H are 0 where there are no starts.
    """
    return {
        name: tuple(
            range(-low, sizes[index] + high)
            for index, (low, high) in zip(system.tensors[name].indices, axes, strict=True)
        )
        for name, axes in margins(system).items()
    }


def underlying(system: System, name: str) -> str | None:
    """The tensor whose axes a name has: itself, or w for a derivative δw that has no equation."""
    while name not in system.tensors and name.startswith("δ"):
        name = name[1:]
    return name if name in system.tensors else None


def check_ranges(system: System, sizes: Mapping[str, int]) -> None:
    """See that every subscript outside of `pad` stays in its tensor's range, for all indices.

    Conditions around a reference excuse nothing. What depends on a size that
    `sizes` lacks or on the values of a tensor is left to the evaluation.
    Raises SizeError, also for a division by 0.
    """
    bounds = margins(system)
    for e in system.expressions():
        for node in walk(e):
            if isinstance(node, FloorDivide | Modulo):
                _check_divisor(system, sizes, node)
            elif isinstance(node, Reference):
                name = underlying(system, node.tensor)
                if name is not None:
                    _check_reference(system, sizes, node, name, bounds[name])


def _check_reference(
    system: System, sizes: Mapping[str, int], reference: Reference, name: str, bounds: Margins
) -> None:
    axes = zip(reference.subscripts, system.tensors[name].indices, bounds, strict=False)
    for subscript, axis, (low, high) in axes:
        if isinstance(subscript, Pad) or subscript == Index(axis) or axis not in sizes:
            continue
        first, last = -low, sizes[axis] + high - 1
        found = interval(subscript, sizes, system)
        if affine(subscript, sizes) is None and not _inside(found, first, last):
            values = table(subscript, sizes, system)
            found = found if values is None else (int(values.min()), int(values.max()))
        if found is None or _inside(found, first, last):
            continue
        raise SizeError(
            f"{reference} leaves the range of {reference.tensor}: its axis {axis} goes from "
            f"{first} to {last}{_goes(subscript, found)}",
            span=subscript.span or reference.span,
            source=system.source,
            hint=_way_out(system, name, axis, subscript, found, last),
        )


def _inside(found: Interval | None, first: int, last: int) -> bool:
    return found is not None and first <= found[0] and found[1] <= last


def _goes(subscript: Expression, found: Interval) -> str:
    if isinstance(subscript, Number):
        return ""
    low, high = found
    return f", {subscript} from {low} to {high}" if low < high else f", {subscript} is {low}"


def _way_out(
    system: System, name: str, axis: str, subscript: Expression, found: Interval, last: int
) -> str:
    """What would be right in the place of a subscript that leaves its range."""
    if found[1] < 0 and not subscript.free:
        return f"no subscript counts from the end: the last value is at size({axis}) - 1"
    hint = f"pad({subscript}) reads 0 outside"
    if found[0] < 0 and name in system.definitions:
        hint += f"; or give {name} its starts, from {axis} = -1 down to {axis} = {found[0]}"
    shorter = sorted(subscript.free - system.sizes.keys() - {axis})
    if found[1] > last and shorter:
        hint += f"; or give {' and '.join(shorter)} a smaller size, as in `size {shorter[0]} = 16`"
    return hint


def _check_divisor(
    system: System, sizes: Mapping[str, int], division: FloorDivide | Modulo
) -> None:
    found = interval(division.right, sizes, system)
    if found is not None and not found[0] <= 0 <= found[1]:
        return
    values = table(division.right, sizes, system)
    if found is None if values is None else values.all():
        return
    raise SizeError(
        f"division by 0: {division.right} {'can be' if division.right.free else 'is'} 0",
        span=division.right.span or division.span,
        source=system.source,
        hint="the right side of // and % must differ from 0 for all values of its indices",
    )
