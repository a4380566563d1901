"""What the numbers in an explanation stand for: columns, classes and rows of a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ..insight.explanation import Correction
from ..language.expression import Number
from ..network.roles import roles

if TYPE_CHECKING:
    from ..insight import Explanation
    from ..model import Network

MOST_CLASSES = 12


def legend(network: Network, explanation: Explanation, table: str) -> str:
    """A line for each index of which the table gives the meaning."""
    found, fitted = roles(network.system), network.preprocessing
    assert fitted is not None
    names: dict[str, Sequence[str]] = {found.inputs.indices[1]: fitted.input_names}
    if found.classes is not None and fitted.classes is not None:
        names[found.classes] = fitted.classes
    lines = list(_places(network, explanation, names))
    if found.classes is not None and len(names[found.classes]) <= MOST_CLASSES:
        classes = (f"{k} {name}" for k, name in enumerate(names[found.classes]))
        lines.append(f"{found.classes}: {', '.join(classes)}")
    counted = "row" if isinstance(explanation, Correction) else network.system.batch
    lines.append(f"{counted}: the rows of {table}, from 0")
    return "\n".join(lines)


def _places(
    network: Network, explanation: Explanation, names: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    """What the subscripts of the element itself stand for."""
    element = explanation.target
    if element.tensor not in network.system.tensors:
        return
    axes = network.system.tensors[element.tensor].indices
    for index, place in zip(axes, element.subscripts, strict=True):
        if index in names and isinstance(place, Number):
            yield f"{index} = {place.value}: {names[index][int(place.value)]}"
