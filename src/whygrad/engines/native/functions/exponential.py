"""e^x and what is made of it.

x = 2m·ln 2 + r with a whole m and |r| ≤ ln 2, so that e^x = 2^m · e^r · 2^m: the two factors
reach every result, subnormal ones included, where one would overflow. The reduction is that of
Cody and Waite, with Cephes' split of ln 2 (Moshier) for float and fdlibm's for double.
"""

from __future__ import annotations

from .coefficients import EXPM1, LOG1P
from .values import Value, at_least, at_most, fma, polynomial, select, with_sign_of

# 2·ln 2 in two parts. A whole number of up to 11 bits times the first is exact.
_TWO_LN2 = {
    "float": (2 * 0.693359375, 2 * -2.12194440054690583e-4),
    "double": (2 * 6.93147180369123816490e-01, 2 * 1.90821492927058770002e-10),
}

_HALF_LOG2_E = 0.72134752044448170368

# Beyond these e^x is infinite, and zero.
_LARGEST = {"float": 89.0, "double": 710.0}
_SMALLEST = {"float": -104.5, "double": -746.0}


def _reduce(x: Value) -> tuple[Value, Value]:
    """(r, t) for x within the bounds; the lowest bits of t are those of m."""
    high, low = _TWO_LN2[x.element]
    rounder = x.format.rounder
    t = fma(x, _HALF_LOG2_E, rounder)
    m = t - rounder
    return fma(m, -low, fma(m, -high, x)), t


def _power(t: Value, factor: int = 1) -> Value:
    """The bits of 2^(factor·m), for a factor of 1 or 2."""
    shift = t.format.mantissa + factor - 1
    return (t.bits() << shift) + t.format.one


def _exp_reduced(r: Value) -> Value:
    """e^r for |r| ≤ ln 2."""
    return fma(r * r, polynomial(r, EXPM1[r.element]), r) + 1.0


def _expm1_reduced(r: Value) -> Value:
    """e^r − 1 for |r| ≤ ln 2."""
    return fma(r * r, polynomial(r, EXPM1[r.element]), r)


def exp(x: Value) -> Value:
    r, t = _reduce(at_least(at_most(x, _LARGEST[x.element]), _SMALLEST[x.element]))
    scale = _power(t).number()
    return _exp_reduced(r) * scale * scale


def expm1(x: Value) -> Value:
    """2^m·((e^r − 1)·2^m + 2^m − 2^−m)."""
    r, t = _reduce(at_least(at_most(x, _LARGEST[x.element]), _SMALLEST[x.element]))
    power = _power(t)
    scale, inverse = power.number(), (2 * x.format.one - power).number()
    return fma(_expm1_reduced(r), scale, scale - inverse) * scale


def tanh(x: Value) -> Value:
    """(e^2|x| − 1) / (e^2|x| + 1) through e^2|x| − 1, with the sign of x."""
    size = at_most(abs(x), {"float": 10.0, "double": 20.0}[x.element])
    r, t = _reduce(size + size)
    square = _power(t, 2).number()
    less_one = fma(_expm1_reduced(r), square, square - 1.0)
    return with_sign_of(less_one / (less_one + 2.0), x)


def sigmoid(x: Value) -> Value:
    """1 / (1 + e^−x) = 2^−m / (2^−m + e^r·2^m) with −x = 2m·ln 2 + r."""
    bound = -_SMALLEST[x.element]
    r, t = _reduce(-at_least(at_most(x, bound), -bound))
    power = _power(t)
    scale, inverse = power.number(), (2 * x.format.one - power).number()
    return inverse / fma(_exp_reduced(r), scale, inverse)


def softplus(x: Value) -> Value:
    """log(1 + e^x) = max(x, 0) + log(1 + e^−|x|)."""
    r, t = _reduce(at_least(-abs(x), _SMALLEST[x.element]))
    scale = _power(t).number()
    u = _exp_reduced(r) * scale * scale
    return fma(u * u, polynomial(u, LOG1P[x.element]), u) + select(x < 0.0, 0.0, x)
