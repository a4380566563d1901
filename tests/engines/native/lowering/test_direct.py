"""Long rows of a batch are read where they lie: when, and that it changes no number."""

from __future__ import annotations

import pytest
from tests.engines.native.steps import compare_steps
from tests.systems.catalogue import KNOWN, Known

import whygrad as wg
from whygrad.engines.native import NativeEngine
from whygrad.engines.native.lowering import direct, lower
from whygrad.language.parsing import parse

PRODUCT = """
    given x[n,i]
    batch n
    param w[i] ~ zeros
    J = mean[n](sum[i](x[n,i] * w[i]))
    minimize J
    w[i] <- w[i] - mean[n](x[n,i])
    """
SHIFTED = PRODUCT.replace("sum[i](x[n,i] * w[i])", "sum[i](x[n,pad(i-1)] * w[i])")


@pytest.mark.parametrize(
    ("text", "size", "gathered"),
    [(PRODUCT, 128, False), (PRODUCT, 127, True), (SHIFTED, 128, True)],
)
def test_rows_are_gathered_if_they_are_short_or_read_otherwise_than_plainly(
    text: str, size: int, gathered: bool
) -> None:
    plan = str(lower(parse(text), {"i": size}, ["J", "w <-"], training=True, in_place=True))
    assert ("x[n,i] = x·all[rows·n[n], i]" in plan) == gathered
    assert ("x·all[rows·n[n], i] * " in plan) != gathered


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("known", KNOWN.values(), ids=lambda known: known.name)
def test_numbers_are_those_of_the_reference(
    known: Known, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHYGRAD_CACHE", "0")
    monkeypatch.setattr(direct, "LONG", 1)
    compare_steps(NativeEngine(threads), known, wg.SGD(0.1), "float64")
