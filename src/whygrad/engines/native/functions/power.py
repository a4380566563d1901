"""x^y for any real exponent, with C's rules for the special cases.

It is e^(y·log |x|), whose error grows with the size of y·log |x|; so the logarithm has half as many
bits again as a number. It comes in two parts, the first a *head* of half a number's bits: products
of heads are exact (fdlibm's e_pow and e_powf).
"""

from __future__ import annotations

import math

from .coefficients import ATANH
from .exponential import LN2, bounded, exp_bounded
from .logarithm import split
from .values import Value, at_least, at_most, fma, polynomial, select, with_sign_of

# The bits of a head.
_HEAD = {"float": 12, "double": 26}

# An exponent beyond this takes every number but 1 to zero or infinity.
_LARGEST_EXPONENT = 2.0**65


def pow(x: Value, y: Value) -> Value:
    """x^y; NaN for a negative x unless y is whole."""
    size = abs(x)
    # The power is 1 even if the other operand is infinite or NaN.
    one = size.compare("oeq", 1.0) | y.compare("oeq", 0.0)
    return _with_sign(_pow_of_size(size, y, one), x, y)


def _with_sign(size: Value, x: Value, y: Value) -> Value:
    """x^y from |x|^y: for x < 0 it is negative where y is odd, and NaN where y is not whole.

    Infinity is the exception: it has all powers.
    """
    beyond = 2.0**y.format.mantissa
    number = at_most(abs(y), 2 * beyond)
    half = (number * 0.5 + beyond) - beyond
    rest = abs(fma(half, -2.0, number))
    signed = select(rest.compare("oeq", 1.0), with_sign_of(size, x), size)
    broken = rest.compare("une", 0.0) & rest.compare("une", 1.0)
    return select(broken & (x < 0.0) & (x > -math.inf), math.nan, signed)


def _pow_of_size(x: Value, y: Value, one: Value) -> Value:
    """x^y for x ≥ 0; it is 1 where that is known."""
    y = at_least(at_most(y, _LARGEST_EXPONENT), -_LARGEST_EXPONENT)
    head, rest = _logarithm(x)
    y_head = _head(y)
    high, low = y_head * head, fma(y - y_head, head, y * rest)
    infinite = select(x.compare("oeq", 0.0), -math.inf, x) * y
    ordinary = (x > 0.0) & (x < math.inf)
    high = select(one, 0.0, select(ordinary, high, infinite))
    low = select(one, 0.0, select(ordinary, low, 0.0))
    # The rest is below 1/8, save where the product is out of bounds and the rest says nothing.
    return exp_bounded(bounded(high), at_least(at_most(low, 0.125), -0.125))


def _logarithm(x: Value) -> tuple[Value, Value]:
    """log x for x positive and finite: a head and the rest.

    x = 2^k·m, s = (m − 1)/(m + 1) and log m = ⅔·s·(3 + s² + s⁴·P(s²)).
    """
    f, k = split(x)
    m = f + 1.0
    inverse = 1.0 / (m + 1.0)
    divisor = _head(m + 1.0)
    s = f * inverse
    s_head = _head(s)
    s_rest = ((f - s_head * divisor) - s_head * (m - (divisor - 1.0))) * inverse
    square = s * s
    tail = fma(square * square, polynomial(square, ATANH[x.element]), s_rest * (s_head + s))
    square = s_head * s_head
    term = _head((square + 3.0) + tail)
    term_rest = tail - ((term - 3.0) - square)
    product, product_rest = s_head * term, fma(s_rest, term, term_rest * s)
    head = _head(product + product_rest)
    rest = product_rest - (head - product)
    high, low = LN2[x.element]
    two_thirds = math.floor(2 / 3 * 2 ** _HEAD[x.element]) / 2 ** _HEAD[x.element]
    small = fma(k, low, fma(head, 2 / 3 / 2 ** _HEAD[x.element], rest * (2 / 3)))
    large, whole = head * two_thirds, k * high
    result = _head((large + small) + whole)
    return result, small - ((result - whole) - large)


def _head(x: Value) -> Value:
    """The first half of a number's bits, so that a product of two is exact."""
    return (x.bits() & -(1 << x.format.mantissa + 1 - _HEAD[x.element])).number()
