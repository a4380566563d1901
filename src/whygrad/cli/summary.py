"""`whygrad show`: what is in a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from ..insight.display import number_text
from .terminal import aligned

if TYPE_CHECKING:
    from ..model import Network
    from ..training import History

MOST_NAMES = 8


def summary(network: Network) -> str:
    """The table, sizes, weights and training of a network, and its text."""
    parts = [aligned(_facts(network), gap=2), aligned(_weights(network), gap=2)]
    if network.history is not None:
        parts.append(str(network.history).split("\n"))
    parts.append(str(network).rstrip("\n").split("\n"))
    return "\n\n".join("\n".join(lines) for lines in parts if lines)


def _facts(network: Network) -> Iterator[tuple[str, str]]:
    fitted, run = network.preprocessing, network.run
    if fitted is not None:
        kind = "a number" if fitted.classes is None else _listed(fitted.classes)
        yield "target", f"{fitted.target}: {kind}"
        yield "inputs", f"{len(fitted.input_names)}: {_listed(fitted.input_names)}"
    if network.sizes:
        yield "sizes", ", ".join(f"{i} = {size}" for i, size in network.sizes.items())
    if run is not None:
        steps = f"{run.taken:,} steps of {run.batch_size} rows"
        yield "training", f"{steps} by {_written(run.optimizer)}"
        yield "seed", f"{run.seed}"
    if network.history is not None and network.history.validation_score:
        yield "score", _score(network.history)


def _written(maker: Any) -> str:
    """An optimiser or a schedule with what is not as usual: Adam(lr=Cosine(start=0.1))."""
    told = [
        f"{f.name}={_written(value) if is_dataclass(value) else value}"
        for f in fields(maker)
        if (value := getattr(maker, f.name)) != f.default or f.name == "lr"
    ]
    return f"{type(maker).__name__}({', '.join(told)})"


def _score(history: History) -> str:
    """That of the epoch whose values were kept."""
    score = history.validation_score[(history.best or 0) - 1]
    text = f"{score:.1%}" if history.measure == "accuracy" else f"{score:.3f}"
    return f"{history.measure} {text} on the rows held out"


def _weights(network: Network) -> Iterator[tuple[str, ...]]:
    """A row for each parameter: name, shape, how many numbers, and their range."""
    total = 0
    for name, array in network.params.items():
        total += array.size
        shape = " × ".join(map(str, array.shape)) or "1"
        low, high = number_text(float(array.min())), number_text(float(array.max()))
        yield str(network.system.tensors[name]), shape, f"{array.size:,}", f"{low} to {high}"
    yield "together", "", f"{total:,}"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:MOST_NAMES])
    return f"{shown}, ..." if len(names) > MOST_NAMES else shown
