"""Parts of a system's expressions, from tensors that are already computed: for explanations."""

from __future__ import annotations

from collections.abc import Mapping

from ...language.expression import Expression
from ...language.sizes import extents
from ...language.system import System
from .evaluate import Evaluator
from .execute import origins
from .named import Array


def evaluator(
    system: System,
    sizes: Mapping[str, int],
    tensors: Mapping[str, Array],
    dtype: str = "float64",
    training: bool = True,
) -> Evaluator:
    """An evaluator over tensors that are already computed; see `Evaluator.value`."""
    return Evaluator(tensors, sizes, origins(extents(system, sizes)), dtype, training)


def evaluate(
    expression: Expression,
    ranges: Mapping[str, range],
    tensors: Mapping[str, Array],
    system: System,
    sizes: Mapping[str, int],
) -> tuple[Array, tuple[str, ...]]:
    """The value of an expression on parts of its free indices, from computed tensors.

    Returns an array and the names of its axes: those free indices on which the
    value depends, in the order of `ranges`. Where many expressions are
    evaluated over the same tensors, make one `evaluator` and use its `value`.
    """
    return evaluator(system, sizes, tensors).value(expression, ranges)
