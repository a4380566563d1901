"""What the functions should give: NumPy in twice the digits, and the error in ulp.

Values of float32 are computed in float64, those of float64 in long double, which must have more
digits than a double (x86; elsewhere `WIDER` says so).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[Any]

WIDER = np.finfo(np.longdouble).nmant >= 63
_WIDE = {4: np.float64, 8: np.longdouble}


def _sigmoid(x: Array) -> Array:
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


def _softplus(x: Array) -> Array:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _erf(x: Array) -> Array:
    """In long double by 2/√π·e^−x²·Σ 2^n·x^(2n+1) / (2n+1)!!, whose terms are all of one sign
    (Abramowitz and Stegun, 7.1.6)."""
    if x.dtype == np.float64:
        return special.erf(x)
    bounded = np.clip(x, -7, 7)
    square, term = bounded * bounded, bounded
    total = term
    for n in range(1, 220):
        term = term * square * 2 / (2 * n + 1)
        total = total + term
    # A double holds too few digits of 2/√π.
    factor = 2 / np.sqrt(4 * np.arctan(np.longdouble(1)))
    return factor * np.exp(-square) * total


EXACT: dict[str, Callable[..., Array]] = {
    "cos": np.cos,
    "erf": _erf,
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "pow": np.power,
    "sigmoid": _sigmoid,
    "sin": np.sin,
    "softplus": _softplus,
    "sqrt": np.sqrt,
    "tanh": np.tanh,
}


def exact(name: str, *args: Array) -> Array:
    """The values in a wider number type than the arguments'."""
    with np.errstate(all="ignore"):
        return EXACT[name](*(a.astype(_WIDE[a.itemsize]) for a in args))


def ulps(got: Array, wanted: Array) -> Array:
    """The distance in units of the last place of what is wanted, in the number type of `got`.

    Infinity counts as the power of two after the largest number, so that a result which overflows
    too early is off by little and one that should not overflow by much. NaN for a number, or the
    other way round, is infinitely far.
    """
    limits = np.finfo(got.dtype)
    with np.errstate(invalid="ignore"):
        got = got.astype(wanted.dtype)
        end = np.ldexp(wanted.dtype.type(1), limits.maxexp)
        exponent = np.frexp(np.clip(wanted, -end, end))[1]
        place = np.clip(exponent, limits.minexp + 1, limits.maxexp) - limits.nmant - 1
        distance = np.ldexp(np.clip(got, -end, end) - np.clip(wanted, -end, end), -place)
    known = ~np.isnan(wanted)
    return np.where(known != np.isnan(got), np.where(known, np.abs(distance), 0), np.inf)
