"""Sizes that are open, and sizes that disagree."""

from __future__ import annotations

from textwrap import dedent

import pytest
from tests.engines.native.lowering.plans import plan

from whygrad.engines.native.lowering import lower
from whygrad.errors import SizeError
from whygrad.language.parsing import parse


def test_sizes_that_depend_on_the_number_of_samples_are_open() -> None:
    text = """
        given x[n,i]
        batch n
        size m = size(n), p = size(n) * 2
        a[m,p] = x[m,0] + p
        """
    found = lower(parse(dedent(text)), {"i": 3}, ["a"], True, True)
    assert found.sizes == {"n": None, "m": None, "p": None, "i": 3, "n·all": None}
    assert found.axes["x·all"] == ("n·all", "i")
    assert found.axes["rows·n"] == ("n",)


def test_more_samples_than_a_part_of_them() -> None:
    text = "given x[n]\nbatch n\nsize m = 5000\na[m] = x[m]"
    assert plan(text) == "for m\n  a[m] = x[m]\n"


def test_sizes_that_disagree_are_refused() -> None:
    with pytest.raises(SizeError, match="disagree"):
        plan("given x[i,i2], y[i]\nsize i2 = size(i)\na[i] = x[i,i] + y[i]", i=2, i2=3)
