"""Updates in place, and the batch in front of them."""

from __future__ import annotations

from textwrap import dedent

import numpy as np
import pytest
from tests.engines.native.interpreter import Interpreter
from tests.engines.native.lowering.plans import lines, plan

from whygrad.engines.native.lowering import lower
from whygrad.language.parsing import parse


@pytest.mark.parametrize(
    ("updates", "expected"),
    [
        ("a <- a + 1\nb <- a", "  b = a\n  a = a + 1\n"),
        ("a <- b\nb <- a", "  b·next = a\n  a = b\n  b = b·next\n"),
        ("a <- exp(b)\nb <- exp(b)", "  a·exp = exp(b)\n  a = a·exp\n  b = a·exp\n"),
    ],
)
def test_updates_read_old_values(updates: str, expected: str) -> None:
    text = f"state a ~ zeros, b ~ zeros\n{updates}"
    assert plan(text, in_place=True) == f"once\n{expected}"


def test_an_update_that_reads_other_places_of_its_tensor_is_copied() -> None:
    text = "state a[i,j] ~ zeros\na[i,j] <- a[j,i]"
    assert plan(text, in_place=True, i=2, j=2) == lines(
        """
        for i, j
          a·next[i,j] = a[j,i]
        for i, j
          a[i,j] = a·next[i,j]
        """
    )


def test_a_weight_is_stored_after_its_last_reader() -> None:
    text = """
        param w[i,j] ~ zeros
        given x[i]
        d[j] = sum[i](x[i] * w[i,j])
        g[i,j] = x[i] * d[j]
        w[i,j] <- w[i,j] - g[i,j]
        r[i] = sum[j](w[i,j] * d[j])
        """
    system = parse(dedent(text))
    found = lower(system, {"i": 2, "j": 3}, ["r", "w <-"], True, True)
    arrays = {"w": np.arange(6.0).reshape(2, 3), "x": np.array([1.0, 2.0])}
    values = Interpreter(found, {"i": 2, "j": 3}, arrays).run()
    d = arrays["x"] @ arrays["w"]
    assert values["r"] == pytest.approx(arrays["w"] @ d)
    assert values["w <-"] == pytest.approx(arrays["w"] - np.outer(arrays["x"], d))


def test_a_batch_is_gathered_in_front() -> None:
    text = """
        given x[n,i], y[n] in k
        batch n
        param w[i] ~ he
        J = sum[n,i](x[n,i] * w[i] * y[n])
        w[i] <- w[i] - J
        """
    found = plan(text, in_place=True, i=2, k=3)
    assert found == lines(
        """
        for n, i
          x[n,i] = x·all[rows·n[n], i]
        for n
          y[n] = y·all[rows·n[n]]
        for i
          J·sum[i] = sum[n](x[n,i] * y[n])
        once
          J = sum[i](w[i] * J·sum[i])
        for i
          w[i] = w[i] - J
        """
    )


def test_the_weights_of_the_first_layer_are_updated_last() -> None:
    """What a step updates last is what the next one reads first."""
    text = """
        given x[n,i]
        batch n
        size j = 3
        param w[i] ~ ones, v[j] ~ ones
        z[n] = sum[i](x[n,i] * w[i])
        y[n,j] = z[n] * v[j]
        dw[i] = sum[n](x[n,i] * z[n])
        dv[j] = sum[n](y[n,j] * z[n])
        w[i] <- w[i] - dw[i]
        v[j] <- v[j] - dv[j]
        """
    found = plan(text, in_place=True, i=2, j=3)
    assert found.index("z[n] = ") < found.index("v[j] = v[j]") < found.index("w[i] = w[i]")
