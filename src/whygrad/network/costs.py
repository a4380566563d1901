"""Costs: functions that write the last equations of a network's text.

Each is the mean over the samples n of a sum over the outputs k, so a derivative
carries one 1/N. `yhat` is the prediction, and for the two cross-entropies always
a probability: where the last layer has no activation they take its values z as
logits, and the cost is written in z, in the form that does not overflow.

Sources: Huber, "Robust estimation of a location parameter", 1964; Crammer and
Singer, "On the algorithmic implementation of multiclass kernel-based vector
machines", JMLR 2001; Cortes and Vapnik, "Support-vector networks", 1995 (the
hinge of two classes); Bishop, "Pattern Recognition and Machine Learning", 2006,
sections 4.3.2 and 4.3.4 (the cross-entropies).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import DataError, WhygradError
from .arguments import one_of
from .data import Array, first_place
from .layers import Port, activate


@dataclass(frozen=True, slots=True)
class End:
    """The end of a network: what y is, how yhat follows from z, and the cost."""

    given: str
    prediction: str
    equations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Output:
    """What a cost is told of the last layer: its pre-activation, activation and width."""

    z: Port
    activation: str | None
    width: int


Cost = Callable[[Output], End]


def _per_output(output: Output, term: str, *before: str) -> End:
    """A cost that is a sum over the outputs: y has the shape of yhat."""
    cost = f"J = mean[n](sum[k]({term}))"
    prediction = activate(output.activation, output.z)
    return End("y[n,k]", prediction, (*before, cost))


def half_squared_error(output: Output) -> End:
    """`(ŷ - y)² / 2`, whose derivative is ŷ - y."""
    return _per_output(output, "(yhat[n,k] - y[n,k])**2 / 2")


def squared_error(output: Output) -> End:
    """`(ŷ - y)²`."""
    return _per_output(output, "(yhat[n,k] - y[n,k])**2")


def absolute_error(output: Output) -> End:
    """`|ŷ - y|`."""
    return _per_output(output, "abs(yhat[n,k] - y[n,k])")


def huber(output: Output) -> End:
    """Half the square of the error up to 1, and a straight line beyond."""
    error = "error[n,k] = yhat[n,k] - y[n,k]"
    size = "abs(error[n,k])"
    return _per_output(output, f"where({size} <= 1, error[n,k]**2 / 2, {size} - 1/2)", error)


def hinge(output: Output) -> End:
    """The cost of a support vector machine: no cost beyond a margin of 1.

    With one output, y is -1 or 1 and the cost `max(0, 1 - y·ŷ)` (Cortes and Vapnik).
    With several, y is a class number and the cost `max(0, 1 + max[k≠y](ŷ) - ŷ[y])`
    (Crammer and Singer): only the strongest rival counts.
    """
    if output.width == 1:
        return _per_output(output, "max(0, 1 - y[n,k] * yhat[n,k])")
    rival = "rival[n] = max[k | k != y[n]](yhat[n,k])"
    cost = "J = mean[n](max(0, 1 + rival[n] - yhat[n, y[n]]))"
    prediction = activate(output.activation, output.z)
    return End("y[n] in k", prediction, (rival, cost))


def binary_cross_entropy(output: Output) -> End:
    """`-y log ŷ - (1 - y) log(1 - ŷ)` for each output; y is 0, 1 or a probability between."""
    z = output.z
    if output.activation is None:
        logits = Output(z, "sigmoid", output.width)
        return _per_output(logits, f"softplus({z}) - y[n,k] * {z}")
    _need("binary_cross_entropy", "probabilities", output, "sigmoid", "softmax")
    term = "-y[n,k] * log(yhat[n,k]) - (1 - y[n,k]) * log(1 - yhat[n,k])"
    return _per_output(output, term)


def cross_entropy(output: Output) -> End:
    """`-log ŷ[y]`, y being the number of the right class."""
    z = output.z
    if output.width == 1:
        raise WhygradError(
            "cross_entropy needs an output for each class, and the last layer has only one: "
            "use binary_cross_entropy, or a last layer as wide as there are classes"
        )
    if output.activation is None:
        cost = f"J = mean[n](logsumexp[k]({z}) - {z.tensor}[n, y[n]])"
    else:
        _need("cross_entropy", "probabilities that sum to 1", output, "softmax")
        cost = "J = mean[n](-log(yhat[n, y[n]]))"
    return End("y[n] in k", activate("softmax", z), (cost,))


COSTS: dict[str, Cost] = {
    cost.__name__: cost
    for cost in (
        half_squared_error,
        squared_error,
        absolute_error,
        huber,
        hinge,
        binary_cross_entropy,
        cross_entropy,
    )
}


def find_cost(name: str) -> Cost:
    """The cost of that name."""
    return COSTS[one_of("cost", name, COSTS)]


def check_targets(cost: str, y: Array) -> None:
    """Raise DataError for a number in y[n,k] for which the cost makes no sense."""
    if cost == "binary_cross_entropy":
        wrong, right = (y < 0) | (y > 1), "0, 1 or a probability between"
    elif cost == "hinge":
        wrong, right = np.abs(y) != 1, "-1 or 1"
    else:
        return
    if wrong.any():
        place, number = first_place("y", y, wrong)
        raise DataError(f"{place} is {number}, but the y of {cost} is {right}")


def _need(cost: str, what: str, output: Output, *activations: str) -> None:
    if output.activation not in activations:
        raise WhygradError(
            f"{cost} reads {what}, and {output.activation} gives none: "
            f"end the last layer in {' or '.join(activations)}, or in no activation "
            "(its values are then logits)"
        )
