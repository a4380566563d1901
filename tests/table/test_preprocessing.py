"""What the columns of a table become, against scikit-learn, and what is said of those at fault."""

import json
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.preprocessing import LabelEncoder, OneHotEncoder, StandardScaler

from whygrad.errors import DataError
from whygrad.table import Preprocessing, class_numbers

WINES = pl.DataFrame(
    {
        "alcohol": [14.2, 13.2, 12.4, 13.7],
        "ash": [2, 2, 2, 3],
        "colour": ["red", "white", "red", "rosé"],
        "sweet": [True, False, False, True],
        "maker": ["Ada", "Bo", "Ada", "Bo"],
    }
)
TRAINED = np.array([0, 1, 2])


def fitted(frame: pl.DataFrame = WINES, target: str = "maker", **options: Any) -> Preprocessing:
    options = {"rows": np.arange(len(frame)), "classes": True} | options
    return Preprocessing.fit(frame, target, **options)


def refused(frame: pl.DataFrame = WINES, target: str = "maker", **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        fitted(frame, target, **options)
    return str(caught.value)


def with_column(name: str, values: Any, **options: Any) -> pl.DataFrame:
    return WINES.with_columns(pl.Series(name, values, **options))


# ---- what goes in


def test_inputs_are_those_of_scikit_learn() -> None:
    p = fitted(rows=TRAINED)
    numbers = WINES.select("alcohol", "ash").to_numpy()
    others = WINES.select("colour", pl.col("sweet").cast(pl.String)).to_numpy()
    expected = np.hstack(
        [
            StandardScaler().fit(numbers[TRAINED]).transform(numbers),
            OneHotEncoder(sparse_output=False).fit_transform(others),
        ]
    )
    assert_allclose(p.inputs(WINES), expected, rtol=1e-13)
    assert p.input_names == (
        *("alcohol", "ash", "colour=red", "colour=rosé", "colour=white"),
        *("sweet=false", "sweet=true"),
    )


def test_a_constant_column_has_scale_one() -> None:
    p = fitted(rows=TRAINED)
    assert_array_equal(p.inputs(WINES)[:, 1], [0, 0, 0, 1])
    frame = WINES.with_columns(alcohol=pl.lit(0.1))  # whose mean is not 0.1 if it is summed
    assert_array_equal(fitted(frame).inputs(frame)[:, 0], 0)


def test_a_mean_far_from_zero_costs_no_digits() -> None:
    frame = with_column("alcohol", [1e15 + 1, 1e15 + 2, 1e15 + 3, 1e15 + 6])
    expected = np.array([-2, -1, 0, 3]) / np.sqrt(3.5)
    assert_allclose(fitted(frame).inputs(frame)[:, 0], expected, rtol=1e-15)


@pytest.mark.parametrize("kind", [pl.Int8, pl.UInt64, pl.Int128, pl.Float32, pl.Decimal(10, 2)])
def test_numbers_of_any_type(kind: Any) -> None:
    frame = with_column("ash", [1, 2, 3, 4]).cast({"ash": kind})
    assert_allclose(fitted(frame).inputs(frame)[:, 1], np.array([-3, -1, 1, 3]) / np.sqrt(5))


@pytest.mark.parametrize("kind", [pl.Categorical, pl.Enum(["white", "red", "rosé"])])
def test_categories_are_as_text(kind: Any) -> None:
    frame = WINES.cast({"colour": kind})
    assert fitted(frame) == fitted()
    assert_array_equal(fitted().inputs(frame), fitted().inputs(WINES))


def test_columns_go_by_name_and_others_are_ignored() -> None:
    p = fitted()
    other = WINES.select("sweet", pl.lit(None).alias("new"), "ash", "colour", "alcohol")
    assert_array_equal(p.inputs(other), p.inputs(WINES))


def test_whole_numbers_may_stand_for_text_in_a_later_table() -> None:
    frame = with_column("colour", ["1", "2", "x", "y"])
    later = with_column("colour", [2, 2, 1, 1])
    p = fitted(frame)
    assert_array_equal(p.inputs(later)[:, 2:4], [[0, 1], [0, 1], [1, 0], [1, 0]])


# ---- the target


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        (["b", "a", "b", "c"], ("a", "b", "c")),
        ([10, 9, -1, 10], ("-1", "9", "10")),
        ([10.0, 9.0, 9.0, -1.0], ("-1", "9", "10")),
        ([True, False, True, True], ("false", "true")),
    ],
)
def test_classes_have_names_and_numbers(values: list[Any], classes: tuple[str, ...]) -> None:
    frame = with_column("maker", values)
    p = fitted(frame)
    assert p.classes == classes and p.target == "maker"
    expected = LabelEncoder().fit_transform(values)
    assert_array_equal(p.targets(frame), expected, strict=True)
    assert_array_equal(class_numbers(frame, "maker"), expected, strict=True)
    assert_array_equal(p.restore(expected), np.array(classes)[expected])


def test_a_target_of_numbers_is_standardised_and_restored() -> None:
    p = fitted(target="alcohol", rows=TRAINED, classes=False)
    values = WINES["alcohol"].to_numpy()
    assert p.classes is None
    expected = (values - values[TRAINED].mean()) / values[TRAINED].std()
    assert_allclose(p.targets(WINES), expected, rtol=1e-13)
    assert_allclose(p.restore(p.targets(WINES)), values, rtol=1e-15)


def test_a_target_of_numbers_may_be_left_as_it_is() -> None:
    p = fitted(target="ash", classes=False, standardise=False)
    assert_array_equal(p.targets(WINES), [2.0, 2.0, 2.0, 3.0], strict=True)
    assert_array_equal(p.restore(p.targets(WINES)), p.targets(WINES))


def test_the_target_is_not_needed_for_inputs() -> None:
    p = fitted()
    assert_array_equal(p.inputs(WINES.drop("maker")), p.inputs(WINES))


# ---- tables at fault


def test_columns_that_are_not_there() -> None:
    assert refused(target="make") == "the table has no column 'make'; did you mean 'maker'?"
    assert refused(target="price") == (
        "the table has no column 'price'; it has 'alcohol', 'ash', 'colour', 'sweet', 'maker'"
    )
    with pytest.raises(DataError, match="no column 'ash'; it has 'alcohol', 'colour', 'sweet'"):
        fitted().inputs(WINES.drop("ash"))
    with pytest.raises(DataError, match="no column 'maker'; it has"):
        fitted().targets(WINES.drop("maker"))
    with pytest.raises(DataError, match=r"no column 'x'; it has 'c0', .*, 'c11', ... .784 in all"):
        class_numbers(pl.DataFrame({f"c{i}": [1] for i in range(784)}), "x")


def test_a_name_cannot_disturb_a_message() -> None:
    frame = pl.DataFrame({"\x1b[2J\n": [1.0, None], "y": [0, 1]})
    assert refused(frame, "y").startswith(r"column '\x1b[2J\n', row 2 below the header: ")


def test_a_table_that_is_too_small() -> None:
    few = "training takes at least two rows; of 1 in the table it has 1"
    assert refused(WINES.head(1)) == few
    none = "the table has no column besides the target 'maker'"
    assert refused(WINES.select("maker")) == none


@pytest.mark.parametrize(("value", "name"), [("Ada", "Ada"), (3, "3"), (3.0, "3"), (True, "true")])
def test_a_single_class(value: object, name: str) -> None:
    said = refused(with_column("maker", [value] * 4))
    assert said == (
        f"the target 'maker' is '{name}' in every row: there have to be two classes or more"
    )


@pytest.mark.parametrize("column", WINES.columns)
def test_a_missing_value(column: str) -> None:
    values = [*WINES[column].head(2), None, WINES[column][3]]
    frame = with_column(column, values, dtype=WINES[column].dtype)
    said = (
        f"column '{column}', row 3 below the header: the value is missing; "
        "fill it in, or leave out the row or the column"
    )
    assert refused(frame, rows=TRAINED[:2]) == said
    with pytest.raises(DataError) as caught:
        fitted().inputs(frame), fitted().targets(frame)
    assert str(caught.value) == said


@pytest.mark.parametrize("target", ["maker", "alcohol"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite(value: float, target: str) -> None:
    frame = with_column("alcohol", [1.0, 2.0, value, 3.0])
    said = f"column 'alcohol', row 3 below the header: the number is {value}; it has to be finite"
    assert refused(frame, target, classes=target == "maker") == said
    assert refused(frame, "alcohol") == said
    with pytest.raises(DataError) as caught:
        fitted().inputs(frame)
    assert str(caught.value) == said


def test_numbers_too_large() -> None:
    frame = with_column("alcohol", [1e308, -1e308, 1e308, 1.0])
    assert refused(frame) == "column 'alcohol' holds numbers too large to be standardised"
    with pytest.raises(DataError) as caught:
        fitted().inputs(with_column("alcohol", [1.0, 1.0, 1.0, 1.7e308]))
    assert str(caught.value) == (
        "column 'alcohol', row 4 below the header: 1.7e+308 is too far from the numbers in training"
    )


def test_a_text_among_numbers() -> None:
    frame = pl.DataFrame({"a": ["7"] * 4710 + ["abc"] + ["8"] * 10, "b": [1, 2, 3] * 1573 + [4, 5]})
    said = (
        "column 'a', row 4711 below the header: 'abc' is no number, but 4,720 of 4,721 values in "
        "this column are"
    )
    assert refused(frame, "b") == said
    assert refused(frame, "a") == said
    assert refused(frame, "a", classes=False) == said
    with pytest.raises(DataError) as caught:
        fitted(frame.with_columns(a=pl.col("b")), "b").inputs(frame)
    assert str(caught.value) == "column 'a', row 4711 below the header: 'abc' is no number"


def test_a_missing_value_is_no_text_among_numbers() -> None:
    frame = with_column("colour", ["1", "2", None, "3"])
    assert refused(frame).startswith("column 'colour', row 3 below the header: the value is missin")


def test_a_text_column_of_many_values() -> None:
    frame = pl.DataFrame({"name": [f"n{i}" for i in range(51)], "y": [i % 2 for i in range(51)]})
    assert fitted(frame.head(50), "y").inputs(frame.head(50)).shape == (50, 50)
    assert refused(frame, "y") == (
        "column 'name' holds text with 51 different values, and up to 50 can become one-hot: "
        "drop the column, or unite values"
    )
    assert len(fitted(frame, "name").classes or ()) == 51


@pytest.mark.parametrize(
    "values",
    [
        [date(2020, 1, 1)] * 4,
        [datetime(2020, 1, 1)] * 4,
        [time(1)] * 4,
        [timedelta(1)] * 4,
        [[1, 2]] * 4,
        [{"a": 1}] * 4,
        [b"x"] * 4,
    ],
)
@pytest.mark.parametrize("target", ["maker", "colour"])
def test_a_column_of_a_type_that_cannot_go_in(values: list[object], target: str) -> None:
    frame = with_column("colour", values)
    said = f"column 'colour' is of type {frame['colour'].dtype}, neither numbers nor text"
    assert refused(frame, target).startswith(said)
    assert refused(frame, target, classes=target == "maker").startswith(said)
    with pytest.raises(DataError) as caught:
        fitted().inputs(frame)
    assert str(caught.value).startswith(said)
    with pytest.raises(DataError, match="column 'ash' holds no numbers: its type is "):
        fitted().inputs(with_column("ash", values))


def test_a_value_that_training_did_not_have() -> None:
    p = fitted()
    with pytest.raises(DataError) as caught:
        p.inputs(with_column("colour", ["red", "white", "blue", "x"]))
    assert str(caught.value) == (
        "column 'colour', row 3 below the header: 'blue' is not among the values in training: "
        "'red', 'rosé', 'white'"
    )
    with pytest.raises(DataError, match=r"row 1 below the header: 'Cy' is not among .*: 'Ada', 'B"):
        p.targets(with_column("maker", ["Cy"] * 4))
    with pytest.raises(DataError, match=r"row 1 below the header: 'x{20,}\.\.\.x{20,}' is not"):
        p.inputs(with_column("colour", ["x" * 10**6] * 4))


def test_a_target_of_fractions_is_no_class() -> None:
    said = "column 'alcohol', row 1 below the header: 14.2 is neither text nor a whole number"
    assert refused(target="alcohol") == said
    assert "1e+300 is neither text nor a whole" in refused(
        with_column("maker", [1e300, 1.0, 2.0, 3.0])
    )


@pytest.mark.parametrize(("target", "count"), [("colour", 3), ("maker", 2), ("sweet", 2)])
def test_a_text_target_where_numbers_are_predicted(target: str, count: int) -> None:
    assert refused(target=target, classes=False) == (
        f"the target '{target}' holds names, such as {WINES[target][0]!r}, and this network "
        f"predicts numbers: to tell {count} classes apart it takes {count} outputs and the cost "
        "cross_entropy"
    )


# ---- stored


@pytest.mark.parametrize("options", [{}, {"target": "ash", "classes": False}])
def test_it_comes_back_from_json_to_the_bit(options: dict[str, Any]) -> None:
    p = fitted(rows=TRAINED, **options)
    again = Preprocessing.from_json(json.loads(json.dumps(p.to_json())))
    assert again == p
    assert_array_equal(again.inputs(WINES), p.inputs(WINES), strict=True)
    assert_array_equal(again.targets(WINES), p.targets(WINES), strict=True)


NUMBER = {"name": "a", "mean": 1.0, "scale": 2.0}
TEXT = {"name": "b", "values": ["u", "v"]}


@pytest.mark.parametrize(
    "stored",
    [
        None,
        [],
        "columns",
        {},
        {"columns": [NUMBER]},
        {"columns": [], "target": TEXT},
        {"columns": NUMBER, "target": TEXT},
        {"columns": "ab", "target": TEXT},
        {"columns": [NUMBER], "target": TEXT, "more": 1},
        {"columns": [NUMBER, NUMBER], "target": TEXT},
        {"columns": [NUMBER], "target": NUMBER},
        {"columns": [NUMBER], "target": None},
        {"columns": [None], "target": TEXT},
        *(
            {"columns": [NUMBER | change], "target": TEXT}
            for change in (
                {"scale": 0.0},
                {"scale": -1.0},
                {"scale": float("nan")},
                {"mean": float("inf")},
                {"mean": 1},
                {"mean": "1"},
                {"mean": True},
                {"name": 3},
                {"values": ["u"]},
            )
        ),
        *(
            {"columns": [NUMBER], "target": TEXT | {"values": values}}
            for values in ([], "uv", ["u", "u"], ["u", 1], None)
        ),
    ],
)
def test_what_was_tampered_with_is_refused(stored: Any) -> None:
    with pytest.raises(DataError, match="the stored preprocessing is damaged: "):
        Preprocessing.from_json(stored)
    whole = Preprocessing.from_json({"columns": [NUMBER], "target": TEXT})
    assert whole.to_json() == {"columns": [NUMBER], "target": TEXT}
