"""What lies between 0 and 1 comes first in a product."""

from __future__ import annotations

import pytest

from whygrad.engines.native.lowering import lower
from whygrad.language.parsing import parse

TEXT = """
    given u[n], v[n], z[n]
    batch n
    a[n] = sigmoid(z[n])
    s = 1 / size(n)
    t[n] = tanh(z[n])
    d[n] = """


def product(text: str) -> str:
    """As the plan has it."""
    plan = lower(parse(TEXT.replace("    ", "") + text), {}, ["d"], True, False)
    (line,) = [line for line in str(plan).splitlines() if line.lstrip().startswith("d[n] =")]
    return line.split(" = ")[1]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("u[n] * a[n] * (1 - a[n])", "a[n] * (1 - a[n]) * u[n]"),
        ("u[n] * a[n] * v[n] * (1 - a[n])", "a[n] * (1 - a[n]) * u[n] * v[n]"),
        ("u[n] * a[n] * s", "s * a[n] * u[n]"),
        ("-u[n] * a[n]", "-a[n] * u[n]"),
        ("u[n] * a[size(n) - 1 - n]", "a[size(n)-1-n] * u[n]"),
        ("exp(u[n] * a[n])", "exp(a[n] * u[n])"),
    ],
)
def test_sigmoids_and_parts_of_a_mean(text: str, found: str) -> None:
    assert product(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "u[n] * t[n]",
        "u[n] * (1 - v[n])",
        "u[n] * (1 + a[n])",
        "u[n] * (2 - a[n])",
        "u[n] * (1 - t[n])",
    ],
)
def test_nothing_else(text: str) -> None:
    """It may be larger than 1, and the product with it too large where the other is not."""
    assert product(text) == text
