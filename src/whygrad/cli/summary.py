"""`whygrad show`: what is in a model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..insight.display import number_text
from ..tabular import listed
from .terminal import aligned

if TYPE_CHECKING:
    from ..model import Network


def summary(network: Network) -> str:
    """The table, sizes, weights and training of a network, and its text."""
    parts = [aligned(_facts(network), gap=2), aligned(_weights(network), gap=2)]
    if network.history is not None:
        parts.append(str(network.history).split("\n"))
    parts.append(str(network).rstrip("\n").split("\n"))
    return "\n\n".join("\n".join(lines) for lines in parts)


def _facts(network: Network) -> Iterator[tuple[str, str]]:
    fitted, run = network.preprocessing, network.run
    if fitted is not None:
        kind = "a number" if fitted.classes is None else listed(fitted.classes)
        yield "target", f"{fitted.target}: {kind}"
        yield "inputs", f"{len(fitted.input_names)}: {listed(fitted.input_names)}"
    if network.sizes:
        yield "sizes", ", ".join(f"{i} = {size}" for i, size in network.sizes.items())
    if run is not None:
        yield "training", f"{run.optimizer}, {run.taken} steps of {run.batch_size} rows"
        yield "seed", f"{run.seed}; held out {run.validation:.0%} of the rows"


def _weights(network: Network) -> Iterator[tuple[str, ...]]:
    """A row for each parameter: name, shape, how many numbers, and their range."""
    total = 0
    for name, array in network.params.items():
        total += array.size
        indices = network.system.tensors[name].indices
        place = f"[{','.join(indices)}]" if indices else ""
        shape = " × ".join(map(str, array.shape)) or "1"
        low, high = number_text(float(array.min())), number_text(float(array.max()))
        yield f"{name}{place}", shape, f"{array.size:,}", f"{low} to {high}"
    yield "together", "", f"{total:,}"
