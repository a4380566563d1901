"""Random tables: good ones against plain NumPy, and ones with a fault planted in them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from whygrad.errors import DataError
from whygrad.table import Preprocessing, class_numbers

NAMES = st.text(min_size=1, max_size=4) | st.sampled_from(["*", "^.*$", "^a$"])
COLUMNS: dict[str, st.SearchStrategy[Any]] = {
    "whole": st.integers(-(2**40), 2**40),
    "small": st.integers(0, 3),
    "fraction": st.integers(-(2**30), 2**30).map(lambda number: number / 64),
    "truth": st.booleans(),
    "text": st.sampled_from(["red", "white", "", "1", "ü", "a=b", "'", "x" * 99]),
}


@dataclass
class Table:
    """A table whose last column is a target of classes, and which rows of it train."""

    frame: pl.DataFrame
    kinds: dict[str, str]
    target: str
    rows: Any

    def of_kind(self, *kinds: str) -> list[str]:
        return [name for name, kind in self.kinds.items() if kind in kinds]

    def fit(self) -> Preprocessing:
        return Preprocessing.fit(self.frame, self.target, self.rows, classes=True)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    count = draw(st.integers(2, 20))
    target, *names = draw(st.lists(NAMES, min_size=2, max_size=6, unique=True))
    kinds = {name: draw(st.sampled_from(sorted(COLUMNS))) for name in names}
    columns = {
        name: draw(st.lists(COLUMNS[kind], min_size=count, max_size=count))
        for name, kind in kinds.items()
    }
    for name, kind in kinds.items():
        if kind == "text":
            columns[name][: count // 2 + 1] = ["red"] * (count // 2 + 1)
    order = draw(st.permutations(range(count)))
    classes = draw(st.sampled_from([["a", "b"], [3, -2], [True, False], [10.0, 9.0]]))
    columns[target] = [classes[i % 2] for i in order]
    rows = np.array(sorted(order[: draw(st.integers(2, count))]))
    return Table(pl.DataFrame(columns), kinds, target, rows)


@settings(max_examples=200, deadline=None)
@given(table=tables())
def test_inputs_are_those_of_plain_numpy(table: Table) -> None:
    inputs = iter(table.fit().inputs(table.frame).T)
    for name, kind in table.kinds.items():
        values = table.frame[name].to_list()
        if kind in ("truth", "text"):
            for value in sorted(set(values)):
                assert_array_equal(next(inputs), [v == value for v in values])
        else:
            column = next(inputs)
            training = np.array(values, dtype=float)[table.rows]
            spread = np.ptp(training) > 0
            assert_allclose(column[table.rows].mean(), 0, atol=1e-12)
            assert_allclose(column[table.rows].std(), float(spread), rtol=1e-12)
            scale = training.std() if spread else 1
            expected = (np.array(values, dtype=float) - training.mean()) / scale
            assert_allclose(column, expected, rtol=1e-9, atol=1e-9)
    assert next(inputs, None) is None


@settings(max_examples=100, deadline=None)
@given(table=tables())
def test_targets_are_the_places_of_the_sorted_values(table: Table) -> None:
    values = table.frame[table.target].to_list()
    expected = [sorted(set(values)).index(value) for value in values]
    assert_array_equal(table.fit().targets(table.frame), expected)
    assert_array_equal(class_numbers(table.frame, table.target), expected)


@settings(max_examples=100, deadline=None)
@given(table=tables())
def test_json_brings_back_the_same_bits(table: Table) -> None:
    p = table.fit()
    again = Preprocessing.from_json(json.loads(json.dumps(p.to_json())))
    assert again.inputs(table.frame).tobytes() == p.inputs(table.frame).tobytes()
    assert_array_equal(again.targets(table.frame), p.targets(table.frame), strict=True)
    assert again.input_names == p.input_names


def at(column: pl.Series, row: int, value: object) -> pl.Series:
    """The column with another value in one place."""
    values = column.to_list()
    values[row] = value
    return pl.Series(column.name, values, dtype=column.dtype)


NUMBERS, TEXTS = ("whole", "small", "fraction"), ("truth", "text")
Fault = Callable[[pl.Series, int], pl.Series]
FAULTS: dict[str, tuple[tuple[str, ...], Fault]] = {
    "the value is missing": (NUMBERS + TEXTS, lambda c, row: at(c, row, None)),
    "the number is nan": (NUMBERS, lambda c, row: at(c.cast(pl.Float64), row, float("nan"))),
    "the number is inf": (NUMBERS, lambda c, row: at(c.cast(pl.Float64), row, float("inf"))),
    "'abc' is no number": (NUMBERS, lambda c, row: at(c.cast(pl.String), row, "abc")),
}


@settings(max_examples=300, deadline=None)
@given(table=tables(), data=st.data())
def test_a_fault_in_one_place_is_named_with_its_place(table: Table, data: st.DataObject) -> None:
    said = data.draw(st.sampled_from(sorted(FAULTS)))
    kinds, plant = FAULTS[said]
    names = table.of_kind(*kinds)
    if not names:
        return
    name = data.draw(st.sampled_from(names))
    row = data.draw(st.integers(0, len(table.frame) - 1))
    p = table.fit()
    # Columns, not expressions of a frame: there polars reads "*" and "^a$" as patterns.
    bad = table.frame.with_columns(plant(table.frame[name], row))
    place = f"column {name!r}, row {row + 1} below the header: "
    with pytest.raises(DataError) as caught:
        p.inputs(bad)
    assert str(caught.value).startswith(place + said)
    if said == "'abc' is no number" and len(bad) == 2:
        return  # as many texts as numbers: a column of text
    table.frame = bad
    with pytest.raises(DataError) as caught:
        table.fit()
    assert str(caught.value).startswith(place + said)


@settings(max_examples=100, deadline=None)
@given(table=tables(), data=st.data())
def test_a_value_that_training_did_not_have_is_named(table: Table, data: st.DataObject) -> None:
    names = table.of_kind("text")
    if not names:
        return
    name = data.draw(st.sampled_from(names))
    row = data.draw(st.integers(0, len(table.frame) - 1))
    changed = table.frame.with_columns(at(table.frame[name], row, "blue"))
    with pytest.raises(DataError) as caught:
        table.fit().inputs(changed)
    place = f"column {name!r}, row {row + 1} below the header: 'blue' is not among the values in"
    assert str(caught.value).startswith(place)


ODD = st.one_of(
    st.none(), st.floats(), st.integers(-(2**63), 2**63 - 1), st.text(max_size=3), st.booleans()
)
SERIES = st.one_of(
    st.lists(ODD, min_size=3, max_size=3).map(lambda v: pl.Series(v, dtype=pl.Object)),
    *(
        st.lists(st.one_of(st.none(), values), min_size=3, max_size=3).map(pl.Series)
        for values in (
            st.floats(),
            st.integers(-(2**63), 2**63 - 1),
            st.text(max_size=3),
            st.booleans(),
            st.dates(min_value=date(1, 1, 1)),
            st.binary(max_size=2),
            st.lists(st.integers(0, 3), max_size=2),
            st.decimals(-99, 99, places=2),
        )
    ),
)


@settings(max_examples=300, deadline=None)
@given(
    columns=st.dictionaries(st.text(max_size=2), SERIES, max_size=3),
    later=st.dictionaries(st.text(max_size=2), SERIES, max_size=3),
    classes=st.booleans(),
)
def test_any_table_is_prepared_or_a_data_error(
    columns: dict[str, pl.Series], later: dict[str, pl.Series], classes: bool
) -> None:
    frame = pl.DataFrame(columns)
    target = next(iter(columns), "")
    try:
        p = Preprocessing.fit(frame, target, np.arange(len(frame)), classes=classes)
        assert np.isfinite(p.inputs(frame)).all() and np.isfinite(p.targets(frame)).all()
        p.inputs(pl.DataFrame(columns | later))
    except DataError as error:
        assert str(error)
