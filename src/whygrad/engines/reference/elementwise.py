"""The primitives of the table of functions, and powers, on arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...language.expression import Value
from .named import Array, as_float


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)) without overflow."""
    from scipy.special import expit

    return np.asarray(expit(x))


def erf(x: Array) -> Array:
    """The error function."""
    from scipy import special

    return np.asarray(special.erf(x))


def softplus(x: Array) -> Array:
    """log(1 + exp(x)) without overflow."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "erf": erf,
    "expm1": np.expm1,
    "softplus": softplus,
    "abs": np.abs,
    "max": np.maximum,
    "min": np.minimum,
}


def power(base: Array, exponent: Value) -> Array:
    """`base ** exponent`; small whole exponents by multiplication, and 0 ** 0 is 1."""
    match exponent:
        case 2:
            return np.asarray(base * base)
        case 3:
            return np.asarray(base * base * base)
        case -1:
            return np.asarray(np.reciprocal(base))
        case -2:
            return np.asarray(np.reciprocal(base * base))
    return np.asarray(np.power(base, base.dtype.type(as_float(exponent))))
