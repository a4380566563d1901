"""The primitives of the table of functions, and powers, on arrays."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from ...language import functions
from ...language.expression import Call, Expression, Value
from ...language.substitution import fill
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


@lru_cache(maxsize=8192)
def expand(e: Expression) -> Expression:
    """The expression with composite functions replaced by their formulas."""
    e = e.map(expand)
    if isinstance(e, Call) and (formula := functions.FUNCTIONS[e.function].value) is not None:
        return fill(_formula(formula), dict(zip("xy", e.arguments, strict=False)))
    return e


@lru_cache
def _formula(text: str) -> Expression:
    from ...language.parsing import parse_expression

    return expand(parse_expression(text))
