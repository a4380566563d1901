"""A cost and its derivatives stay finite and right, however sure the network is.

At |z| = 800 a sigmoid is 0 or 1 in any floating point format, and log of it
is -∞ or 0. The cost is neither: it is found from z. So it has to be found in
whatever way the user wrote the cost down.
"""

from __future__ import annotations

from collections.abc import Mapping

import mpmath
import numpy as np
import pytest
from tests.oracle.agreement import evaluate

from whygrad.calculus import derive
from whygrad.language.parsing import parse

SCORES = [0.0, 0.3, -1.5, 20.0, -38.0, 40.0, -90.0, 110.0, -300.0, 750.0, 800.0, -800.0]

# One sample, so that a cost of 1e-18 isn't lost beside one of 800.
BINARY = """
given x[n], y[n]
param w ~ ones
z[n] = w * x[n]
{}
minimize J
"""

WAYS_BINARY = {
    "a mixture": """
        yhat[n] = sigmoid(z[n])
        J = -mean[n](log(y[n] * yhat[n] + (1 - y[n]) * (1 - yhat[n])))""",
    "a mixture with a name": """
        yhat[n] = sigmoid(z[n])
        p[n] = (1 - yhat[n]) * (1 - y[n]) + yhat[n] * y[n]
        J = mean[n](-log(p[n]))""",
    "the sum with names": """
        yhat[n] = sigmoid(z[n])
        J = mean[n](-y[n] * log(yhat[n]) - (1 - y[n]) * log(1 - yhat[n]))""",
    "the sum inline": """
        J = mean[n](-y[n] * log(sigmoid(z[n])) - (1 - y[n]) * log(1 - sigmoid(z[n])))""",
    "the minus in front": """
        yhat[n] = sigmoid(z[n])
        J = -mean[n](y[n] * log(yhat[n]) + (1 - y[n]) * log(1 - yhat[n]))""",
    "two means": """
        yhat[n] = sigmoid(z[n])
        J = -mean[n](log(yhat[n]) * y[n]) - mean[n]((1 - y[n]) * log(1 - yhat[n]))""",
    "a name for each part": """
        p[n] = sigmoid(z[n])
        q[n] = 1 - p[n]
        J = -mean[n](y[n] * log(p[n]) + (1 - y[n]) * log(q[n]))""",
    "names for the logarithms": """
        p[n] = sigmoid(z[n])
        l[n] = log(p[n])
        r[n] = log(1 - p[n])
        cost[n] = -y[n] * l[n] - (1 - y[n]) * r[n]
        J = mean[n](cost[n])""",
    "the other class by a sigmoid of its own": """
        J = mean[n](-y[n] * log(sigmoid(z[n])) - (1 - y[n]) * log(sigmoid(-z[n])))""",
    "powers": """
        yhat[n] = sigmoid(z[n])
        J = mean[n](-log(yhat[n]**y[n] * (1 - yhat[n])**(1 - y[n])))""",
    "where inside the logarithm": """
        yhat[n] = sigmoid(z[n])
        J = mean[n](-log(where(y[n] == 1, yhat[n], 1 - yhat[n])))""",
    "where of a named probability": """
        yhat[n] = sigmoid(z[n])
        p[n] = where(y[n] == 1, yhat[n], 1 - yhat[n])
        J = mean[n](-log(p[n]))""",
    "where outside the logarithm": """
        yhat[n] = sigmoid(z[n])
        J = mean[n](where(y[n] == 1, -log(yhat[n]), -log(1 - yhat[n])))""",
    "brackets": """
        yhat[n] = sigmoid(z[n])
        J = -mean[n]([y[n] == 1] * log(yhat[n]) + [y[n] == 0] * log(1 - yhat[n]))""",
    "brackets inside the logarithm": """
        yhat[n] = sigmoid(z[n])
        J = -mean[n](log([y[n] == 1] * yhat[n] + [y[n] == 0] * (1 - yhat[n])))""",
    "labels of -1 and 1": """
        s[n] = 2 * y[n] - 1
        J = mean[n](-log(sigmoid(s[n] * z[n])))""",
    "softplus of the wrong way": """
        s[n] = 2 * y[n] - 1
        J = mean[n](softplus(-s[n] * z[n]))""",
    "from logits": """
        J = mean[n](softplus(z[n]) - y[n] * z[n])""",
    "the log of the odds": """
        yhat[n] = sigmoid(z[n])
        J = -mean[n](y[n] * log(yhat[n] / (1 - yhat[n])) + log(1 - yhat[n]))""",
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("way", WAYS_BINARY)
def test_sigmoid_with_binary_cross_entropy(way: str, dtype: str) -> None:
    text = BINARY.format(_lines(WAYS_BINARY[way]))
    for z in SCORES:
        for y in (0.0, 1.0):
            arrays = {"x": np.array([z]), "y": np.array([y]), "w": np.array(1.0)}
            cost, slope = binary_cross_entropy(z, y)
            expected = {"J": cost, "δz": [slope], "δx": [slope], "δw": slope * z}
            _assert_right(text, {"n": 1}, arrays, expected, dtype)


SOFTMAX = """
given x[n,k], {}
param w ~ ones
z[n,k] = w * x[n,k]
{}
minimize J
"""

CLASS = "y[n] in k"
ONE_HOT = "t[n,k]"

WAYS_SOFTMAX = {
    "the right class by its number": (
        CLASS,
        """
        yhat[n,k] = softmax[k](z[n,k])
        J = mean[n](-log(yhat[n, y[n]]))""",
    ),
    "a name for its probability": (
        CLASS,
        """
        yhat[n,k] = softmax[k](z[n,k])
        p[n] = yhat[n, y[n]]
        J = mean[n](-log(p[n]))""",
    ),
    "the minus in front": (
        CLASS,
        """
        yhat[n,k] = softmax[k](z[n,k])
        J = -mean[n](log(yhat[n, y[n]]))""",
    ),
    "names for the logarithms": (
        CLASS,
        """
        l[n,k] = log(softmax[k](z[n,k]))
        J = mean[n](-l[n, y[n]])""",
    ),
    "a bracket": (
        CLASS,
        """
        yhat[n,k] = softmax[k](z[n,k])
        J = -mean[n](sum[k]([k == y[n]] * log(yhat[n,k])))""",
    ),
    "inline": (
        CLASS,
        """
        J = -mean[n](sum[k]([k == y[n]] * log(softmax[k](z[n,k]))))""",
    ),
    "a bracket inside the logarithm": (
        CLASS,
        """
        yhat[n,k] = softmax[k](z[n,k])
        J = -mean[n](log(sum[k]([k == y[n]] * yhat[n,k])))""",
    ),
    "a condition on the sum": (
        CLASS,
        """
        yhat[n,k] = softmax[k](z[n,k])
        J = mean[n](sum[k | k == y[n]](-log(yhat[n,k])))""",
    ),
    "where": (
        CLASS,
        """
        yhat[n,k] = softmax[k](z[n,k])
        J = -mean[n](sum[k](where(k == y[n], log(yhat[n,k]), 0)))""",
    ),
    "targets made of class numbers": (
        CLASS,
        """
        yhat[n,k] = softmax[k](z[n,k])
        target[n,k] = [k == y[n]]
        J = -mean[n](sum[k](target[n,k] * log(yhat[n,k])))""",
    ),
    "targets in the data": (
        ONE_HOT,
        """
        yhat[n,k] = softmax[k](z[n,k])
        J = -mean[n](sum[k](t[n,k] * log(yhat[n,k])))""",
    ),
    "one mean over everything": (
        ONE_HOT,
        """
        yhat[n,k] = softmax[k](z[n,k])
        J = -size(k) * mean[n,k](t[n,k] * log(yhat[n,k]))""",
    ),
    "powers": (
        ONE_HOT,
        """
        yhat[n,k] = softmax[k](z[n,k])
        J = -mean[n](sum[k](log(yhat[n,k]**t[n,k])))""",
    ),
    "the largest score taken off first": (
        CLASS,
        """
        shifted[n,k] = z[n,k] - max[k2](z[n,k2])
        yhat[n,k] = softmax[k](shifted[n,k])
        J = mean[n](-log(yhat[n, y[n]]))""",
    ),
    "from logits": (
        CLASS,
        """
        J = mean[n](logsumexp[k](z[n,k]) - z[n, y[n]])""",
    ),
}

GAPS = [
    [0.0, 0.0, 0.0],
    [1.0, -0.5, 0.2],
    [40.0, 0.0, 1.0],
    [0.0, -120.0, 30.0],
    [400.0, -400.0, 399.0],
    [800.0, 0.0, 0.0],
    [-800.0, 0.0, -1.0],
    [0.0, 0.0, 800.0],
]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("way", WAYS_SOFTMAX)
def test_softmax_with_cross_entropy(way: str, dtype: str) -> None:
    target, lines = WAYS_SOFTMAX[way]
    text = SOFTMAX.format(target, _lines(lines))
    sizes = {"n": 1, "k": 3, "k2": 3} if "k2" in text else {"n": 1, "k": 3}
    for z in GAPS:
        for y in range(3):
            arrays = {"x": np.array([z]), "w": np.array(1.0)}
            if target == CLASS:
                arrays["y"] = np.array([y])
            else:
                arrays["t"] = np.eye(3)[[y]]
            cost, slopes = cross_entropy(z, y)
            weight = sum(s * v for s, v in zip(slopes, z, strict=True))
            expected = {"J": cost, "δz": [slopes], "δx": [slopes], "δw": weight}
            _assert_right(text, sizes, arrays, expected, dtype, worst=max(map(abs, z)))


def binary_cross_entropy(z: float, y: float) -> tuple[float, float]:
    """log(1 + e^z) - y z and its derivative σ(z) - y, computed with 500 digits."""
    with mpmath.workdps(500):
        e = mpmath.exp(mpmath.mpf(z))
        return float(mpmath.log(1 + e) - y * z), float(e / (1 + e) - y)


def cross_entropy(z: list[float], y: int) -> tuple[float, list[float]]:
    """log Σ e^z - z_y and its derivatives softmax(z) - [k == y], computed with 500 digits."""
    with mpmath.workdps(500):
        e = [mpmath.exp(mpmath.mpf(v)) for v in z]
        total = sum(e)
        slopes = [float(v / total - (k == y)) for k, v in enumerate(e)]
        return float(mpmath.log(total) - z[y]), slopes


def _lines(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines())


def _assert_right(
    text: str,
    sizes: Mapping[str, int],
    arrays: Mapping[str, np.ndarray],
    expected: Mapping[str, object],
    dtype: str,
    worst: float | None = None,
) -> None:
    """Everything within 20 roundings of what the sum of the absolute terms loses.

    The terms of a derivative by z are at most 1, those of a derivative by w at
    most the largest |z|. The cost is found from scores of that size.
    """
    worst = abs(float(arrays["x"].max())) if worst is None else worst
    derived = derive(parse(text), wrt=["z", "x", "w"]).simplified_system
    got = evaluate(derived, sizes, arrays, list(expected), dtype=dtype)
    rounding = 20 * float(np.finfo(dtype).eps)
    for name, value in expected.items():
        scale = 1 if name in ("δz", "δx") else 1 + worst
        where = f"{name} at {dict(arrays)} in {dtype}:\n{derived}"
        assert np.all(np.isfinite(got[name])), f"not finite: {where}"
        assert got[name] == pytest.approx(np.array(value), rel=rounding, abs=rounding * scale), (
            where
        )
