"""Strips of the rows of a batch: when they are copied, and that what is read of them is right."""

from __future__ import annotations

import numpy as np
import pytest
from tests.engines.native.codegen.running import Fence, lowered
from tests.engines.native.steps import compare_steps
from tests.systems.catalogue import KNOWN, Known

import whygrad as wg
from whygrad.engines.native import NativeEngine
from whygrad.engines.native.codegen import factor, module, strip
from whygrad.engines.native.lowering import direct

STEP = """
    given x[n,i]
    batch n
    param w[i,j] ~ zeros, v[i,j] ~ zeros
    z[n,j] = sum[i](x[n,i] * w[i,j])
    J = sum[n,j](z[n,j])
    w[i,j] <- w[i,j] - sum[n](x[n,i] * z[n,j])
    v[i,j] <- v[i,j] - sum[n](x[n,i] * z[n,j]**2)
    minimize J
    """

BUFFER = f"{strip.STRIPS}n"


@pytest.mark.parametrize(
    ("i", "j", "copied"), [(512, 64, True), (512, 63, False), (127, 1000, False)]
)
def test_long_rows_that_many_sums_read_are_copied(i: int, j: int, copied: bool) -> None:
    """Short rows are gathered, all of each, before anything reads them."""
    compiled = lowered(STEP, True, None, "float32", i=i, j=j)
    assert (BUFFER in compiled.module.memory) == copied
    assert ("sum[n](x·all[rows·n[n], i] * z[n,j])" in str(compiled.plan)) == (i >= 128)


def test_other_rows_are_read_where_they_lie() -> None:
    """Numbers that are given, or computed, may be out of range."""
    text = STEP.replace("given x[n,i]", "given r[n] in l, x[l,i]").replace("x[n,i]", "x[r[n],i]")
    compiled = lowered(text, True, None, "float32", i=512, j=64, l=9)
    assert "* z[n,j]" in str(compiled.plan)
    assert BUFFER not in compiled.module.memory


def test_class_numbers_are_read_where_they_lie() -> None:
    """They have 64 bits each, and stand beside floats of 32."""
    text = STEP.replace("x[n,i]\n", "x[n,i] in v\n").replace("v[i,j] ~ zeros", "u[i,j] ~ zeros")
    compiled = lowered(text.replace("v[i,j]", "u[i,j]"), True, None, "float32", i=512, j=64, v=9)
    assert "i64" in compiled.module.memory["x·all"].element
    assert BUFFER not in compiled.module.memory


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of any length, for any number of sums, a few numbers at a time, in several threads."""
    monkeypatch.setenv("WHYGRAD_CACHE", "0")
    monkeypatch.setattr(direct, "LONG", 1)
    monkeypatch.setattr(factor, "LARGE", 1)
    monkeypatch.setattr(strip, "WIDE", 20)
    monkeypatch.setattr(module, "SMALL", 1)


@pytest.mark.parametrize("side", ["before", "behind"])
def test_nothing_is_read_beside_the_data(side: Fence, always: None) -> None:
    compiled = lowered(STEP, True, None, "float32", i=21, j=27)
    memory = {"x·all": np.ones((40, 21)), "rows·n": np.arange(40)[::-1]}
    memory |= dict.fromkeys(("w", "v"), np.ones((21, 27)))
    found = compiled.run(memory, {"n": 40, "n·all": 40}, 2, fence=side)
    assert np.all(found["w"] == 1 - 40 * 21)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("known", KNOWN.values(), ids=lambda known: known.name)
def test_numbers_are_those_of_the_reference(known: Known, threads: int, always: None) -> None:
    compare_steps(NativeEngine(threads), known, wg.SGD(0.1), "float64")
