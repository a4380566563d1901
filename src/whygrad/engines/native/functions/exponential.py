"""e^x and what is made of it.

x = n·ln 2 + r with a whole n and |r| ≤ ½ ln 2, so that e^x = 2^⌊n/2⌋ · e^r · 2^⌈n/2⌉: two factors
reach every result, subnormal ones included, where one would overflow. The reduction is that of
Cody and Waite, with Cephes' split of ln 2 (Moshier) for float and fdlibm's for double.
"""

from __future__ import annotations

from .coefficients import COTH, EXPM1, LOG1P
from .values import Value, at_least, at_most, fma, horner, polynomial, select, with_sign_of

# ln 2 in two parts. A whole number of up to 11 bits times the first is exact.
LN2 = {
    "float": (0.693359375, -2.12194440054690583e-4),
    "double": (6.93147180369123816490e-01, 1.90821492927058770002e-10),
}

_LOG2_E = 1.44269504088896340736

# Beyond these e^x is infinite, and zero.
_LARGEST = {"float": 89.0, "double": 710.0}
_SMALLEST = {"float": -104.5, "double": -746.0}


def _whole(x: Value, width: int) -> tuple[Value, Value]:
    """(n, t): x / (width·ln 2) as a whole number n, which is also in the lowest bits of t."""
    t = fma(x, _LOG2_E / width, x.format.rounder)
    return t - x.format.rounder, t


def _reduce(x: Value, rest: Value | None = None) -> tuple[Value, Value]:
    """(r, t) with x + rest = n·ln 2 + r, and n in the lowest bits of t."""
    n, t = _whole(x, 1)
    high, low = LN2[x.element]
    larger = fma(n, -high, x)
    return (fma(n, -low, larger) if rest is None else larger + fma(n, -low, rest)), t


def _halves(t: Value) -> tuple[Value, Value]:
    """The bits of the exponents ⌊n/2⌋ and ⌈n/2⌉, to be added to those of a float."""
    bits, mantissa = t.bits(), t.format.mantissa
    lower = bits >> 1
    return lower << mantissa, (bits - lower) << mantissa


def _expm1_reduced(r: Value) -> Value:
    """e^r − 1 for |r| ≤ ½ ln 2."""
    return fma(r * r, polynomial(r, EXPM1[r.element]), r)


def bounded(x: Value) -> Value:
    """x, or where e^x is infinite or zero a number of which that holds too, even less an eighth."""
    return at_least(at_most(x, _LARGEST[x.element]), _SMALLEST[x.element])


def exp(x: Value) -> Value:
    return exp_bounded(bounded(x))


def exp_bounded(x: Value, rest: Value | None = None) -> Value:
    """e^(x + rest) for a bounded x and a |rest| ≤ 1/8."""
    r, t = _reduce(x, rest)
    lower, upper = ((half + x.format.one).number() for half in _halves(t))
    return (_expm1_reduced(r) + 1.0) * lower * upper


def exp_normal(x: Value) -> Value:
    """e^x where that is a normal number: 2^n·e^r."""
    r, t = _reduce(x)
    shifted = t.bits() << x.format.mantissa
    return ((_expm1_reduced(r) + 1.0).bits() + shifted).number()


def expm1(x: Value) -> Value:
    """2^⌈n/2⌉·(2^⌊n/2⌋·(e^r − 1) + 2^⌊n/2⌋ − 2^−⌈n/2⌉).

    Near x = ½ this cancels, so r stays in two parts, of which the larger is exact.
    """
    bound = bounded(x)
    n, t = _whole(bound, 1)
    high, low = LN2[x.element]
    larger, smaller = fma(n, -high, bound), n * -low
    r = larger + smaller
    rest = fma(r * r, polynomial(r, EXPM1[x.element]), smaller)
    lower, upper = _halves(t)
    one = x.format.one
    scale, inverse = (lower + one).number(), (one - upper).number()
    result = fma(rest, scale, fma(larger, scale, scale - inverse)) * (upper + one).number()
    return with_sign_of(result, x)


def tanh(x: Value) -> Value:
    """h/c for |x| < 0.9, else 1 − 2(c − h) / (16^m·(c + h) + (c − h)), with the sign of x.

    |x| = 2m·ln 2 + h and −0.5 < h < 0.9. With c = h coth h, which is even and has a short
    polynomial, e^2h = (c + h) / (c − h), so that both have one denominator. ln 2 is one number
    here: m is small, and where it is not, h hardly counts.
    """
    size = at_most(abs(x), {"float": 10.0, "double": 20.0}[x.element])
    m, t = _whole(size - 0.2, 2)
    h = fma(m, -2 * sum(LN2[x.element]), size)
    large = m > 0.0
    square = h * h
    rest = square * polynomial(square, COTH[x.element])
    half = ((t.bits() << x.format.mantissa + 2) + x.format.half).number()
    above, below = half + 0.5, half - 0.5
    quotient = select(large, (h - 1.0) - rest, h) / fma(rest, above, fma(h, below, above))
    return with_sign_of(select(large, quotient + 1.0, quotient), x)


def sigmoid(x: Value) -> Value:
    """1 / (1 + e^−x) = 2^−⌈n/2⌉ / (2^−⌈n/2⌉ + e^r·2^⌊n/2⌋) with −x = n·ln 2 + r."""
    bound = -_SMALLEST[x.element]
    r, t = _reduce(-at_least(at_most(x, bound), -bound))
    lower, upper = _halves(t)
    one = x.format.one
    scale, inverse = (lower + one).number(), (one - upper).number()
    return inverse / (fma(_expm1_reduced(r), scale, inverse) + scale)


def softplus(x: Value) -> Value:
    """log(1 + e^x) = max(x, 0) + log(1 + e^−|x|).

    Horner's rule, because even and odd powers would nearly cancel where e^−|x| is almost 1; and
    max(x, 0) goes to the smaller part of the logarithm, where its rounding does least.
    """
    u = exp_bounded(at_least(-abs(x), _SMALLEST[x.element]))
    return fma(u * u, horner(u, LOG1P[x.element]), at_least(x, 0.0)) + u
