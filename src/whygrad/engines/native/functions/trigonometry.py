"""Sine and cosine.

x = n·π/2 + r with |r| ≤ π/4, in double for both number types. π/2 comes in parts whose products
with n are exact (Cody and Waite; the parts are fdlibm's), as long as |x| is at most `REACH`.
"""

from __future__ import annotations

from .coefficients import COS, SIN
from .values import Value, fma, polynomial, select, widened, with_sign_of

# Beyond this the reduction loses digits, and the library's functions are called.
REACH = 2.0**20

_TWO_BY_PI = 0.63661977236758134308

# 25 bits and the rest; thrice 33 bits and the rest.
_HALF_PI = {
    "float": (1.57079631090164184570, 1.58932547735281966916e-08),
    "double": (
        1.57079632673412561417,
        6.07710050630396597660e-11,
        2.02226624871116645580e-21,
        8.47842766036889956997e-32,
    ),
}


def sin(x: Value) -> Value:
    """The sine of x for |x| ≤ REACH."""
    return _wave(x, 0)


def cos(x: Value) -> Value:
    """The cosine of x for |x| ≤ REACH."""
    return _wave(x, 1)


def finish(name: str, x: Value, near: Value) -> None:
    """End an LLVM function: the library's sin or cos in the lanes where |x| > REACH.

    The branch to it is taken only if there is such a lane, or one that is infinite or NaN.
    """
    w = x.writer
    kind, truths = w.type(x.element), w.type("i1")
    far = abs(x).compare("ugt", REACH)
    some = far.name
    if w.lanes > 1:
        some = w.line("i1", f"call i1 @llvm.vector.reduce.or.v{w.lanes}i1({truths} {some})").name
    w.lines += [
        f"br i1 {some}, label %far, label %near",
        "near:",
        f"ret {kind} {near.name}",
        "far:",
    ]
    library = w.call(name, "double", widened(x))
    if x.element == "float":
        library = library.convert("fptrunc", "float")
    w.lines.append(f"ret {kind} {select(far, library, near).name}")


def _wave(x: Value, quarters: int) -> Value:
    """sin(x + quarters·π/2) for |x| ≤ REACH: of the four quarters, two read cos r, two are
    negative."""
    r, t = _reduce(x)
    quarter = t + quarters
    square = r * r
    sine = with_sign_of(fma(r * square, polynomial(square, SIN[r.element]), r), r)
    cosine = fma(square * square, polynomial(square, COS[r.element]), fma(square, -0.5, 1.0))
    read = select((quarter & 1).compare("eq", 0), sine, cosine)
    places = x.format.bits - 2
    return (read.bits() ^ ((quarter & 2) << places)).number()


def _reduce(x: Value) -> tuple[Value, Value]:
    """r in x's number type, and an integer whose low bits are those of n."""
    wide = widened(x)
    rounder = wide.format.rounder
    t = fma(wide, _TWO_BY_PI, rounder)
    n = t - rounder
    first, *parts, last = _HALF_PI[x.element]
    r, gained = fma(n, -first, wide), n * last
    for part in parts:
        product = n * part
        less = r - product
        gained = gained - ((r - less) - product)
        r = less
    r = r - gained
    if x.element == "float":
        return r.convert("fptrunc", "float"), t.bits().convert("trunc", "i32")
    return r, t.bits()
