"""Derivatives by difference quotients, with an account of how far they can be trusted.

(J(+h) - J(-h)) / 2h has an error that falls with h², until the rounding of J,
divided by h, takes over. Richardson's extrapolation removes powers of h², so
that h may stay large and the rounding small; Ridders' method halves h until the
estimates agree no better. Source: C. J. F. Ridders, "Accurate computation of
F'(x) and F'(x) F''(x)", Advances in Engineering Software 4 (1982).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

EPSILON = 2.0**-52
_MOST_STEPS = 24


@dataclass(frozen=True)
class Slope:
    """A derivative and a bound of its error, as far as that can be known."""

    value: float
    error: float


def central(f: Callable[[float], float], h: float) -> float:
    """The plain central difference."""
    return (f(h) - f(-h)) / (2 * h)


def extrapolated(f: Callable[[float], float], steps: Iterable[float], enough: float) -> Slope:
    """The best slope of f at 0 from central differences at halved steps.

    Stops as soon as its error is less than `enough`, or rounding allows no smaller one.
    """
    best = Slope(math.nan, math.inf)
    row: list[float] = []
    for h in steps:
        high, low = f(h), f(-h)
        if not (math.isfinite(high) and math.isfinite(low)):
            continue
        rounding = EPSILON * max(abs(high), abs(low)) / h
        before, row = row, [(high - low) / (2 * h)]
        for order, old in enumerate(before, 1):
            row.append(row[-1] + (row[-1] - old) / (4**order - 1))
            error = max(abs(row[-1] - row[-2]), abs(row[-1] - old)) + rounding
            if error < best.error:
                best = Slope(row[-1], error)
        if best.error <= enough or rounding > best.error:
            break
    return best


def halvings(largest: float) -> list[float]:
    """Steps from the largest on, each half of the one before."""
    return [largest / 2**k for k in range(_MOST_STEPS)]
