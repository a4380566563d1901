"""Layers: functions that write the lines of a network's text.

A layer reads one tensor, `source[n,i]`, and writes equations of its own.
Nothing else knows what a layer is: after this file there is only text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ..errors import WhygradError, nearest
from ..language.functions import FUNCTIONS
from .arguments import one_of, whole_number
from .initialisers import INITIALISERS

ACTIVATIONS = frozenset(f.name for f in FUNCTIONS.values() if f.arity == 1) | {"softmax"}


@dataclass(frozen=True, slots=True)
class Port:
    """What stands between two layers: a tensor and its index beside the batch's."""

    tensor: str
    index: str

    def __str__(self) -> str:
        return f"{self.tensor}[n,{self.index}]"


@dataclass(frozen=True, slots=True)
class Lines:
    """What a layer writes: its parameters, and its equations up to the pre-activation.

    The activation is kept apart, since the last layer's belongs to the cost:
    its result is the prediction, `yhat`.
    """

    parameters: tuple[str, ...]
    equations: tuple[str, ...]
    output: Port


@runtime_checkable
class Layer(Protocol):
    """Anything that can stand in a `Sequential`."""

    @property
    def width(self) -> int:
        """How many values it gives for each sample: the size of its output's index."""

    @property
    def activation(self) -> str | None:
        """The function that follows its equations, or None."""

    def lines(self, number: int, source: Port, index: str) -> Lines:
        """Write layer `number`, which reads `source` and gives a tensor over `index`."""


@dataclass(frozen=True)
class Dense:
    """`z = x·w + b`, then an elementwise activation or softmax.

    Args:
        width: the number of nodes, at least 1.
        activation: any function of one argument in the language's table, "softmax", or None.
        initialiser: how the weights are drawn, as it stands after `~` in a text: "lecun",
            "normal(0, 0.1)". "he" is for many layers with relu in a row, through which the
            default would let the signal fade; in a few layers it makes the first predictions
            larger than small tables bear.
        bias: whether to add b, which starts at 0.
    """

    width: int
    activation: str | None = None
    initialiser: str = "glorot"
    bias: bool = True

    def __post_init__(self) -> None:
        whole_number("a layer's width", self.width, 1)
        if self.activation is not None:
            one_of("activation", self.activation, ACTIVATIONS)
        name = str(self.initialiser).partition("(")[0].strip()
        if name not in INITIALISERS:
            hint = nearest(name, INITIALISERS)
            raise WhygradError(f"unknown initialiser {self.initialiser!r}; {hint}")
        if not isinstance(self.bias, bool):
            raise WhygradError(f"bias has to be True or False, not {self.bias!r}")

    def lines(self, number: int, source: Port, index: str) -> Lines:
        """Write `z = sum(source * w) + b`."""
        weights, bias = f"w{number}[{source.index},{index}]", f"b{number}[{index}]"
        output = Port(f"z{number}", index)
        parameters = [f"{weights} ~ {self.initialiser}"] + [f"{bias} ~ zeros"] * self.bias
        total = f"sum[{source.index}]({source} * {weights})" + f" + {bias}" * self.bias
        return Lines(tuple(parameters), (f"{output} = {total}",), output)


def activate(activation: str | None, source: Port) -> str:
    """The right side that applies an activation to a tensor."""
    if activation is None:
        return str(source)
    if activation == "softmax":
        return f"softmax[{source.index}]({source})"
    return f"{activation}({source})"
