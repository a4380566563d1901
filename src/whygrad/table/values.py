"""The values of one column, checked: numbers or texts, none of them missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import DataError

if TYPE_CHECKING:
    import polars as pl

LARGEST = 2**53  # up to here every whole number is a float64


def where(name: str, row: int) -> str:
    """A place in a table as its reader counts: the first row below the header is row 1."""
    return f"column '{name}', row {row + 1} (below the header)"


def refuse_missing(column: pl.Series) -> None:
    if column.null_count():
        row = column.is_null().arg_true()[0]
        raise DataError(
            f"{where(column.name, row)}: the value is missing. Fill it in, or leave out the row "
            "or the column"
        )


def finite_numbers(column: pl.Series) -> pl.Series:
    """A column of numbers as float64, all of them finite; text counts if it is read as numbers."""
    import polars as pl

    refuse_missing(column)
    if not (column.dtype.is_numeric() or column.dtype == pl.String):
        raise DataError(f"column '{column.name}' holds no numbers: its type is {column.dtype}")
    numbers = column.cast(pl.Float64, strict=False)
    unread = numbers.is_null()
    if unread.any():
        row = unread.arg_true()[0]
        raise DataError(f"{where(column.name, row)}: '{column[row]}' is no number")
    finite = numbers.is_finite()
    if not finite.all():
        row = (~finite).arg_true()[0]
        raise DataError(f"{where(column.name, row)}: {numbers[row]} is no finite number")
    return numbers


def texts(column: pl.Series) -> pl.Series:
    """A column of text, truth values, categories or whole numbers as text."""
    import polars as pl

    refuse_missing(column)
    kinds = (pl.String, pl.Boolean, pl.Categorical, pl.Enum)
    if column.dtype.is_float():
        numbers = finite_numbers(column)
        fraction = (numbers != numbers.floor()) | (numbers.abs() > LARGEST)
        if not fraction.any():
            column = column.cast(pl.Int64)
    elif not (column.dtype.is_numeric() or column.dtype in kinds):
        raise DataError(
            f"column '{column.name}' is of type {column.dtype}: leave it out, or make it numbers"
        )
    return column.cast(pl.String)


def refuse_nearly_numbers(column: pl.Series) -> None:
    """Raise DataError for a text in a column that holds numbers for the most part."""
    import polars as pl

    if column.dtype != pl.String:
        return
    numbers = column.cast(pl.Float64, strict=False)
    count = len(column) - numbers.null_count()
    if len(column) / 2 < count < len(column) - column.null_count():
        row = (numbers.is_null() & column.is_not_null()).arg_true()[0]
        raise DataError(
            f"{where(column.name, row)}: '{column[row]}' is no number, but {count:,} of "
            f"{len(column):,} values in this column are"
        )
