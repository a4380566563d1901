"""What a column of a table becomes on its way into a network, and back."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from .values import finite_numbers, missing, refuse_nearly_numbers, texts, where
from .wording import listed, shown

if TYPE_CHECKING:
    import polars as pl

MOST_VALUES = 50  # of a text column; with more it is a name or a number of each row


@dataclass(frozen=True, slots=True)
class Numbers:
    """A column of numbers, standardised: (value − mean) / scale."""

    name: str
    mean: float = 0.0
    scale: float = 1.0

    @classmethod
    def fit(cls, column: pl.Series, rows: NDArray[np.integer]) -> Numbers:
        """Mean and standard deviation over these rows; a constant column has scale 1."""
        values = finite_numbers(column).to_numpy()[rows]
        with np.errstate(over="ignore", invalid="ignore"):
            shifted = values - values[0]  # exactly 0 in a constant column
            mean, scale = float(values[0] + shifted.mean()), float(shifted.std())
        if not (isfinite(mean) and isfinite(scale)):
            raise DataError(
                f"column {shown(column.name)} holds numbers too large to be standardised"
            )
        return cls(column.name, mean, scale or 1.0)

    @property
    def input_names(self) -> tuple[str, ...]:
        """The names of the inputs that it becomes."""
        return (self.name,)

    def encode(self, column: pl.Series) -> list[pl.Series]:
        """Standardised values, in a single column."""
        encoded = (finite_numbers(column) - self.mean) / self.scale
        infinite = ~np.isfinite(encoded.to_numpy())
        if infinite.any():
            place, value = where(column, infinite)
            raise DataError(f"{place}: {value} is too far from the numbers in training")
        return [encoded]

    def target(self, column: pl.Series) -> NDArray[np.float64]:
        """Standardised values, of shape (rows,)."""
        return self.encode(column)[0].to_numpy()

    def restore(self, values: NDArray[Any]) -> NDArray[Any]:
        """The other way: from standardised values to the column's own units."""
        return values * self.scale + self.mean


@dataclass(frozen=True, slots=True)
class Categories:
    """A column of different values, each known by its text."""

    name: str
    values: tuple[str, ...]

    @classmethod
    def fit(cls, column: pl.Series) -> Categories:
        """The values of all rows: text in the order of its characters, numbers in their own."""
        refuse_nearly_numbers(column)
        order = int if column.dtype.is_numeric() else None
        return cls(column.name, tuple(sorted(texts(column).unique(), key=order)))

    @property
    def input_names(self) -> tuple[str, ...]:
        """The names of the inputs that it becomes."""
        return tuple(f"{self.name}={value}" for value in self.values)

    def encode(self, column: pl.Series) -> list[pl.Series]:
        """One-hot: for each value a column that is 1 where the value stands, else 0."""
        import polars as pl

        codes = self._codes(column)
        return [(codes == code).cast(pl.Float64) for code in range(len(self.values))]

    def target(self, column: pl.Series) -> NDArray[np.int64]:
        """The number of each value among `values`, of shape (rows,)."""
        return self._codes(column).to_numpy()

    def restore(self, values: NDArray[Any]) -> NDArray[Any]:
        """The other way: from the numbers to the values."""
        return np.take(np.array(self.values), values)

    def _codes(self, column: pl.Series) -> pl.Series:
        import polars as pl

        known = {value: code for code, value in enumerate(self.values)}
        codes = texts(column).replace_strict(known, default=None, return_dtype=pl.Int64)
        if codes.null_count():
            place, value = where(column, missing(codes))
            raise DataError(
                f"{place}: {value} is not among the values in training: {listed(self.values)}"
            )
        return codes


def fit_input(column: pl.Series, rows: NDArray[np.integer]) -> Numbers | Categories:
    """How a column goes into a network: numbers standardised, all else one-hot."""
    if column.dtype.is_numeric():
        return Numbers.fit(column, rows)
    fitted = Categories.fit(column)
    count = len(fitted.values)
    if count > MOST_VALUES:
        raise DataError(
            f"column {shown(column.name)} holds text with {count:,} different values, and up to "
            f"{MOST_VALUES} can become one-hot: drop the column, or unite values"
        )
    return fitted
