"""Layers in a row, written as the text of a network."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import WhygradError
from .arguments import check_kind
from .costs import Output, find_cost
from .layers import Layer, Port, activate


def sequential_text(layers: Sequence[Layer], cost: str) -> str:
    """The text of layers in a row, with the cost of that name at their end.

    The samples are `x[n,i]`, the hidden layers' indices j (j1, j2, ... where there are
    several) and the outputs' k. Layer number l reads the a of layer l-1 and writes wl, bl,
    zl and, with an activation, al; the last layer's activation gives yhat.
    """
    if not isinstance(layers, Sequence):
        raise WhygradError(
            "layers stand in a list, even a single one: "
            "Sequential([Dense(3)], cost='half_squared_error')"
        )
    if not layers:
        raise WhygradError("a Sequential needs at least one layer")
    for layer in layers:
        check_kind(layer, Layer, "Dense(16, 'tanh')")
    *hidden, last = layers
    indices = ["j"] if len(hidden) == 1 else [f"j{i + 1}" for i in range(len(hidden))]
    source = Port("x", "i")
    parameters: list[str] = []
    equations: list[str] = []
    for number, (layer, index) in enumerate(zip(hidden, indices, strict=True), start=1):
        lines = layer.lines(number, source, index)
        source = lines.output
        parameters.append("param " + ", ".join(lines.parameters))
        equations += lines.equations
        if layer.activation is not None:
            source = Port(f"a{number}", index)
            equations.append(f"{source} = {activate(layer.activation, lines.output)}")
    lines = last.lines(len(layers), source, "k")
    end = find_cost(cost)(Output(lines.output, last.activation, last.width))
    parameters.append("param " + ", ".join(lines.parameters))
    sizes = [f"{i} = {layer.width}" for i, layer in zip([*indices, "k"], layers, strict=True)]
    text = [
        f"given x[n,i], {end.given}",
        "batch n",
        f"size {', '.join(sizes)}",
        *parameters,
        *equations,
        *lines.equations,
        f"yhat[n,k] = {end.prediction}",
        *end.equations,
        "minimize J",
        "predict yhat",
    ]
    return "\n".join(text) + "\n"
