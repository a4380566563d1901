"""The natural logarithm."""

from __future__ import annotations

import math

from .coefficients import LOG
from .exponential import LN2
from .values import Value, fma, polynomial, select

# The bits of √½.
_ROOT_HALF = {"float": 0x3F3504F3, "double": 0x3FE6A09E667F3BCD}

_SMALLEST_NORMAL = {"float": 2.0**-126, "double": 2.0**-1022}


def log(x: Value) -> Value:
    """x = 2^k·(1 + f) with √½ ≤ 1 + f < √2, and log x = k·ln 2 + log(1 + f)."""
    f, k = split(x)
    high, low = LN2[x.element]
    tail = fma(f * f, polynomial(f, LOG[x.element]), k * low)
    result = fma(k, high, f + tail)
    result = select(x < math.inf, result, x)
    result = select(x < 0.0, math.nan, result)
    return select(x.compare("oeq", 0.0), -math.inf, result)


def split(x: Value) -> tuple[Value, Value]:
    """f and k as above, for x positive and finite (the bits as musl takes them apart)."""
    mantissa = x.format.mantissa
    subnormal = x < _SMALLEST_NORMAL[x.element]
    bits = select(subnormal, x * 2.0**mantissa, x).bits()
    above = bits - _ROOT_HALF[x.element]
    f = (bits - (above & -(1 << mantissa))).number() - 1.0
    rounder = x.format.rounder
    whole = (above.shift_signed(mantissa) + x.format.rounder_bits).number()
    return f, whole - select(subnormal, rounder + mantissa, rounder, x.element)
