"""Data for a network of which only the text is there: `check` needs some."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from ..errors import DataError, nearest
from ..language.expression import Reference, walk
from ..language.sizes import infer_sizes
from ..language.system import System, Tensor
from ..network.data import Arrays, whole_numbered
from ..network.random import generator

SAMPLES = 4
FIRST_AXIS = 5
MOST_NUMBERS = 10_000_000


@dataclass(frozen=True)
class Drawn:
    """Arrays for the given tensors, the sizes of all indices, and in words how they came about."""

    arrays: Arrays
    sizes: Mapping[str, int]
    story: str


def draw(system: System, sizes: Mapping[str, int], seed: int, *, positive: bool) -> Drawn:
    """Draw data. Sizes that neither the text nor `sizes` give are small and differ from each other.

    Numbers come from the standard normal distribution, or from 0 to 1 where `positive`;
    whole numbers from the range of the index whose values they are.
    Raises DataError for a size of an unknown index, SizeError where sizes disagree.
    """
    for index in sizes:
        if index not in system.index_names:
            raise DataError(
                f"the network has no index '{index}'; {nearest(index, system.index_names)}"
            )
    given = system.of_kind("given")
    defaults = _defaults(system, given)
    found = infer_sizes(system, sizes, otherwise=defaults)
    _check_extents(system, found)
    whole = whole_numbered(system)
    arrays: Arrays = {}
    for tensor in given:
        shape = tuple(found[i] for i in tensor.indices)
        random = generator(seed, tensor.name)
        if tensor.name in whole:
            arrays[tensor.name] = random.integers(0, _values(system, tensor, found), shape)
        else:
            arrays[tensor.name] = random.random(shape) if positive else random.normal(size=shape)
    chosen = [i for i in defaults if i not in sizes and i not in system.sizes]
    return Drawn(arrays, found, _story(arrays, chosen, found, "uniform" if positive else "normal"))


def _defaults(system: System, given: tuple[Tensor, ...]) -> dict[str, int]:
    """A size for each index of the data: different ones, so that no mix-up goes unnoticed."""
    axes = dict.fromkeys(i for t in given for i in (*t.indices, *_within(t)))
    others = [i for i in axes if i != system.batch]
    defaults = {i: FIRST_AXIS + place for place, i in enumerate(others)}
    return ({system.batch: SAMPLES} if system.batch in axes else {}) | defaults


def _within(tensor: Tensor) -> tuple[str, ...]:
    return (tensor.within,) if tensor.within else ()


def _values(system: System, tensor: Tensor, sizes: Mapping[str, int]) -> int:
    """How many values a tensor of whole numbers may take."""
    limits = [sizes[i] for i in _within(tensor)]
    for e in system.expressions():
        for node in walk(e):
            if isinstance(node, Reference) and node.tensor in system.tensors:
                axes = system.tensors[node.tensor].indices
                limits += [
                    sizes[axis]
                    for axis, subscript in zip(axes, node.subscripts, strict=False)
                    if isinstance(subscript, Reference) and subscript.tensor == tensor.name
                ]
    return min(limits, default=1)


def _check_extents(system: System, sizes: Mapping[str, int]) -> None:
    """Refuse sizes with which a tensor would not fit into memory."""
    for tensor in system.tensors.values():
        count = prod(sizes[i] for i in tensor.indices)
        if count > MOST_NUMBERS:
            raise DataError(f"{tensor} would hold {count} numbers: choose smaller sizes")


def _story(arrays: Arrays, chosen: list[str], sizes: Mapping[str, int], kind: str) -> str:
    """Two lines at most: what the data are, and what sizes were used."""
    kinds = (f"{n} {'whole' if a.dtype.kind == 'i' else kind}" for n, a in arrays.items())
    lines = [f"data drawn at random: {', '.join(kinds)}"] if arrays else []
    if sizes:
        known = ", ".join(f"{i} = {size}" for i, size in sizes.items())
        hint = f"  (others by --size {chosen[0]}=20)" if chosen else ""
        lines.append(f"sizes: {known}{hint}")
    return "\n".join(lines)
