"""The values of one column, checked: finite numbers or texts, none of them missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from .wording import shown

if TYPE_CHECKING:
    import polars as pl

LARGEST = 2**53  # up to here every whole number is a float64


def where(column: pl.Series, at: NDArray[np.bool_]) -> tuple[str, str]:
    """The first place of those marked, and the value there.

    Rows are counted as a reader counts them: the one below the header is row 1.
    """
    row = int(np.argmax(at))
    return f"column {shown(column.name)}, row {row + 1} below the header", shown(column[row])


def missing(column: pl.Series) -> NDArray[np.bool_]:
    """Which values are missing."""
    # Without its name: polars reads one like "^a$" as a pattern, which the column does not match.
    return column.alias("").is_null().to_numpy()


def refuse_missing(column: pl.Series) -> None:
    """Raise DataError for the first value that is missing."""
    if column.null_count():
        place, _ = where(column, missing(column))
        raise DataError(
            f"{place}: the value is missing; fill it in, or leave out the row or the column"
        )


def finite_numbers(column: pl.Series) -> pl.Series:
    """A column of numbers as float64, all of them finite; text that reads as numbers is taken."""
    import polars as pl

    refuse_missing(column)
    if not (column.dtype.is_numeric() or column.dtype == pl.String):
        raise DataError(f"column {shown(column.name)} holds no numbers: its type is {column.dtype}")
    numbers = column.cast(pl.Float64, strict=False)
    if numbers.null_count():
        place, value = where(column, missing(numbers))
        raise DataError(f"{place}: {value} is no number")
    infinite = ~np.isfinite(numbers.to_numpy())
    if infinite.any():
        place, value = where(column, infinite)
        raise DataError(f"{place}: the number is {value}; it has to be finite")
    return numbers


def texts(column: pl.Series) -> pl.Series:
    """A column of text, truth values, categories or whole numbers, as text without a name."""
    import polars as pl

    refuse_missing(column)
    if column.dtype.is_numeric() and not column.dtype.is_integer():
        numbers = finite_numbers(column)
        values = numbers.to_numpy()
        fractions = (values != np.floor(values)) | (np.abs(values) > LARGEST)
        if fractions.any():
            place, value = where(column, fractions)
            raise DataError(f"{place}: {value} is neither text nor a whole number")
        return numbers.alias("").cast(pl.Int64).cast(pl.String)
    named = (pl.String, pl.Boolean, pl.Categorical, pl.Enum)
    if column.dtype.is_integer() or column.dtype in named:
        return column.alias("").cast(pl.String)
    raise DataError(
        f"column {shown(column.name)} is of type {column.dtype}, neither numbers nor text: "
        "drop the column, or make numbers of it"
    )


def refuse_nearly_numbers(column: pl.Series) -> None:
    """Raise DataError for a text in a column of which more than half are numbers."""
    import polars as pl

    if column.dtype != pl.String:
        return
    refuse_missing(column)
    unread = missing(column.cast(pl.Float64, strict=False))
    count = unread.sum()
    if 0 < count < len(column) / 2:
        place, value = where(column, unread)
        raise DataError(
            f"{place}: {value} is no number, but {len(column) - count:,} of {len(column):,} "
            "values in this column are"
        )
