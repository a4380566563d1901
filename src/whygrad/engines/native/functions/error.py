"""The error function."""

from __future__ import annotations

from .coefficients import ERF, ERFC
from .exponential import exp_normal
from .values import Value, at_most, fma, polynomial, select, with_sign_of


def erf(x: Value) -> Value:
    """x + x·P(x²) for |x| ≤ 1, else 1 − exp(−|x| + |x|·Q(|x|)) with the sign of x."""
    square = x * x
    near = fma(x, polynomial(square, ERF[x.element]), x)
    size = at_most(abs(x), 6.0)
    logarithm = fma(size, polynomial(size, ERFC[x.element]), -size)
    far = with_sign_of(1.0 - exp_normal(logarithm), x)
    return select(size > 1.0, far, near)
