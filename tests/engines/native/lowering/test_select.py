"""What is computed at all: what is wanted, with what is known put in."""

from __future__ import annotations

import pytest
from tests.engines.native.lowering.plans import plan

from whygrad.engines.native.lowering import lower
from whygrad.language.parsing import parse


def test_only_what_is_wanted() -> None:
    system = parse("given x\na = x + 1\nb = a + 1\nc = a * 2")
    assert str(lower(system, {}, ["b"], True, False)) == "once\n  a = x + 1\n  b = a + 1\n"


@pytest.mark.parametrize(("training", "value"), [(True, "x"), (False, "m + m")])
def test_training_is_decided(training: bool, value: str) -> None:
    text = "given x\nstate m ~ zeros\na = where(training, x, m) + [not training] * m"
    assert plan(text, training=training) == f"once\n  a = {value}\n"


def test_what_is_known_is_put_in() -> None:
    text = """
        given x[i]
        a[i] = x[size(i)-1-i] / sqrt(size(i)) + where(2 > 1, 1, x[i]) * [1 == 2 or i < 1]
        """
    assert plan(text, i=4) == "for i\n  a[i] = x[3-i] / 2 + [i < 1]\n"


def test_composite_functions_are_written_out() -> None:
    assert plan("given x\na = leaky_relu(x)") == "once\n  a = where(x > 0, x, 0.01 * x)\n"
