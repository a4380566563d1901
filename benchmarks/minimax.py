"""Fits the polynomials of the native engine's functions: `python -m benchmarks.minimax`.

Takes a minute and prints the text of `engines/native/functions/coefficients.py`. Each fit has the
least largest relative error (Remez, on a grid), with its coefficients rounded one after the other:
the first is rounded, the rest is fitted anew, and so on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from mpmath import (
    cos,
    coth,
    erf,
    erfc,
    expm1,
    log,
    log1p,
    lu_solve,
    matrix,
    mp,
    mpf,
    pi,
    polyval,
    sin,
)

mp.dps = 120
Function = Callable[[mpf], mpf]


@dataclass(frozen=True)
class Fit:
    """`rest(x)` is approximated by a polynomial in `variable(x)`.

    An error of the polynomial counts `weight(x)` times, so that what is minimised is the relative
    error of the whole function.
    """

    name: str
    text: str
    low: mpf
    high: mpf
    degrees: dict[str, int]
    rest: Function
    weight: Function
    variable: Function = lambda x: x


def remez(points: list[mpf], values: list[mpf], weights: list[mpf], degree: int) -> list[mpf]:
    """The polynomial whose largest weighted error on the points is least: there it is reached
    degree + 2 times with alternating sign (Muller, Elementary Functions, section 3.5)."""
    count, last = degree + 2, len(points) - 1
    chosen = [round(last * (1 - float(cos(pi * i / (count - 1)))) / 2) for i in range(count)]
    for _ in range(40):
        rows = [
            [weights[k] * points[k] ** j for j in range(degree + 1)] + [(-1) ** i]
            for i, k in enumerate(chosen)
        ]
        *fitted, level = lu_solve(matrix(rows), matrix([weights[k] * values[k] for k in chosen]))
        errors = [
            (value - polyval(fitted[::-1], point)) * weight
            for point, value, weight in zip(points, values, weights, strict=True)
        ]
        if max(map(abs, errors)) < 1.001 * abs(level):
            break
        chosen = alternating(errors, count)
        if len(chosen) < count:
            break
    return fitted


def alternating(errors: list[mpf], count: int) -> list[int]:
    """The places of the largest errors of alternating sign."""
    peaks: list[int] = []
    for k, error in enumerate(errors):
        if peaks and (errors[peaks[-1]] > 0) == (error > 0):
            if abs(error) > abs(errors[peaks[-1]]):
                peaks[-1] = k
        else:
            peaks.append(k)
    while len(peaks) > count:
        if len(peaks) == count + 1:
            peaks.pop(0 if abs(errors[peaks[0]]) < abs(errors[peaks[-1]]) else -1)
        else:
            least = min(
                range(len(peaks) - 1),
                key=lambda i: min(abs(errors[peaks[i]]), abs(errors[peaks[i + 1]])),
            )
            del peaks[least : least + 2]
    return peaks


def rounded(value: mpf, element: str) -> mpf:
    return mpf(float(np.float32(float(value)) if element == "float" else float(value)))


def coefficients(fit: Fit, element: str) -> tuple[list[mpf], float]:
    """The rounded coefficients, and minus the binary logarithm of the largest relative error."""
    degree = fit.degrees[element]
    size = 24 * (degree + 2)
    grid = [
        fit.low + (fit.high - fit.low) * (1 - cos(pi * (k + mpf(1) / 2) / size)) / 2
        for k in range(size)
    ]
    points = [fit.variable(x) for x in grid]
    values = [fit.rest(x) for x in grid]
    weights = [abs(fit.weight(x)) for x in grid]

    def error(polynomial: list[mpf]) -> mpf:
        return max(
            abs(value - polyval(polynomial[::-1], point)) * weight
            for point, value, weight in zip(points, values, weights, strict=True)
        )

    found = remez(points, values, weights, degree)
    for done in range(1, degree + 2):
        found[done - 1] = rounded(found[done - 1], element)
        left = [
            (value - polyval(found[done - 1 :: -1], point)) / point**done
            for point, value in zip(points, values, strict=True)
        ]
        scaled = [w * abs(point) ** done for point, w in zip(points, weights, strict=True)]
        if done <= degree:
            anew = found[:done] + remez(points, left, scaled, degree - done)
            found = min(found, anew, key=error)
    return found, -float(log(error(found), 2))


LN2 = log(mpf(2))
ROOT = mpf(2) ** mpf("0.5")
FITS = (
    Fit(
        "EXPM1",
        "e^r = 1 + r + r² P(r) for |r| ≤ ½ ln 2, relative to e^r − 1",
        -LN2 / 2 * mpf("1.001"),
        LN2 / 2 * mpf("1.001"),
        {"float": 5, "double": 10},
        lambda x: (expm1(x) - x) / x**2,
        lambda x: x**2 / expm1(x),
    ),
    Fit(
        "COTH",
        "h coth h = 1 + h² P(h²) for |h| ≤ 0.9",
        mpf(0),
        mpf("0.9"),
        {"float": 3, "double": 8},
        lambda x: (x * coth(x) - 1) / x**2,
        lambda x: x**2 / (x * coth(x)),
        lambda x: x**2,
    ),
    Fit(
        "LOG",
        "log(1 + f) = f + f² P(f) for √½ ≤ 1 + f ≤ √2",
        1 / ROOT - 1,
        ROOT - 1,
        {"float": 8, "double": 19},
        lambda x: (log1p(x) - x) / x**2,
        lambda x: x**2 / log1p(x),
    ),
    Fit(
        "ATANH",
        "log((1 + s)/(1 − s)) = ⅔ s (3 + s² + s⁴ P(s²)) for |s| ≤ (√2 − 1)/(√2 + 1)",
        mpf(0),
        (ROOT - 1) / (ROOT + 1),
        {"float": 2, "double": 7},
        lambda x: (log((1 + x) / (1 - x)) / x * 3 / 2 - 3 - x**2) / x**4,
        lambda x: x**4 / 3,
        lambda x: x**2,
    ),
    Fit(
        "LOG1P",
        "log(1 + u) = u + u² P(u) for 0 ≤ u ≤ 1",
        mpf(0),
        mpf(1),
        {"float": 8, "double": 20},
        lambda x: (log1p(x) - x) / x**2,
        lambda x: x**2 / log1p(x),
    ),
    Fit(
        "SIN",
        "sin r = r + r³ P(r²) for |r| ≤ π/4",
        mpf(0),
        pi / 4 * mpf("1.001"),
        {"float": 2, "double": 5},
        lambda x: (sin(x) - x) / x**3,
        lambda x: x**3 / sin(x),
        lambda x: x**2,
    ),
    Fit(
        "COS",
        "cos r = 1 − r²/2 + r⁴ P(r²) for |r| ≤ π/4",
        mpf(0),
        pi / 4 * mpf("1.001"),
        {"float": 2, "double": 5},
        lambda x: (cos(x) - 1 + x**2 / 2) / x**4,
        lambda x: x**4 / cos(x),
        lambda x: x**2,
    ),
    Fit(
        "ERF",
        "erf x = x + x P(x²) for |x| ≤ 1",
        mpf(0),
        mpf(1),
        {"float": 6, "double": 12},
        lambda x: erf(x) / x - 1,
        lambda x: x / erf(x),
        lambda x: x**2,
    ),
    Fit(
        "ERFC",
        "log(1 − erf t) = −t + t P(t) for 1 ≤ t ≤ 6, relative to erf t",
        mpf(1),
        mpf(6),
        {"float": 6, "double": 17},
        lambda x: log(erfc(x)) / x + 1,
        lambda x: x * erfc(x) / erf(x),
    ),
)


HEAD = '''"""The polynomials, lowest power first, as `python -m benchmarks.minimax` fits them.

Comments give the largest relative error of the whole function that each leaves, in bits.
"""'''


def main() -> None:
    print(HEAD)
    for fit in FITS:
        print(f"\n# {fit.text}.\n{fit.name} = {{")
        for element in fit.degrees:
            found, bits = coefficients(fit, element)
            print(f'    "{element}": (  # {bits:.1f} bits')
            for value in found:
                print(f"        {float(value)!r},")
            print("    ),")
        print("}", flush=True)


if __name__ == "__main__":
    main()
