"""Whether z is positive is read from max(0, z)."""

from __future__ import annotations

import pytest

from whygrad.engines.native.lowering import lower
from whygrad.language.parsing import parse


def plan(text: str) -> str:
    return str(lower(parse(text), {"n": 3}, ["d"], training=True, in_place=False))


@pytest.mark.parametrize(
    ("condition", "found"),
    [("z[n] > 0", "a[n] > 0"), ("z[n] >= 0", "z[n] >= 0"), ("z[n] > 1", "z[n] > 1")],
)
def test_only_what_the_result_says_as_well(condition: str, found: str) -> None:
    text = f"given z[n]\na[n] = max(0, z[n])\nd[n] = a[n] * [{condition}]"
    assert f"[{found}]" in plan(text)


def test_not_from_a_result_at_another_place() -> None:
    assert "[z[n] > 0]" in plan("given z[n]\na[n] = max(0, z[2 - n])\nd[n] = a[n] * [z[n] > 0]")


def test_relu_is_such_a_maximum() -> None:
    assert "[a[n] > 0]" in plan("given z[n]\na[n] = relu(z[n])\nd[n] = a[n] * [z[n] > 0]")
