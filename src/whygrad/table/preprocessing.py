"""From a table's columns to a network's inputs and targets, the same way in training and later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, nearest
from .columns import Categories, Numbers, fit_input
from .stored import columns_from_json, to_json
from .values import texts

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How the columns of a table become a network's inputs, and one of them its targets.

    `columns` are the inputs in their order; `answer` is the target's column.
    """

    columns: tuple[Numbers | Categories, ...]
    answer: Numbers | Categories

    @classmethod
    def fit(
        cls, frame: pl.DataFrame, target: str, rows: NDArray[np.integer], *, classes: bool
    ) -> Preprocessing:
        """Learn from a table how to prepare it, and later ones like it.

        Args:
            frame: the table, training rows and held-out rows.
            target: the name of the column to be predicted; all others are inputs.
            rows: the numbers of the training rows, from 0; mean and deviation are theirs alone.
            classes: whether the target holds classes, else numbers.

        Raises DataError, which names the column and the row.
        """
        wanted = _column(frame, target, "target")
        if len(rows) < 2:
            raise DataError(f"the table has {len(frame)} rows: training takes at least two")
        others = [c for c in frame.iter_columns() if c.name != target]
        if not others:
            raise DataError(f"the table has no column besides the target '{target}'")
        answer = _fit_classes(wanted) if classes else _fit_numbers(wanted, rows)
        return cls(tuple(fit_input(c, rows) for c in others), answer)

    @property
    def target(self) -> str:
        """The name of the target's column."""
        return self.answer.name

    @property
    def classes(self) -> tuple[str, ...] | None:
        """The names of the classes in the order of their numbers; None where numbers are sought."""
        return self.answer.values if isinstance(self.answer, Categories) else None

    @property
    def input_names(self) -> tuple[str, ...]:
        """A name for each input: the column's, or 'column=value' where it is one-hot."""
        return tuple(name for column in self.columns for name in column.inputs)

    def inputs(self, frame: pl.DataFrame, dtype: str = "float64") -> NDArray[Any]:
        """The network's inputs, of shape (rows, width); columns that it does not know are ignored.

        Raises DataError for a column that is missing, and for a value that cannot go in.
        """
        import polars as pl

        kind = {"float64": pl.Float64, "float32": pl.Float32}[dtype]
        parts = [s for c in self.columns for s in c.encode(_column(frame, c.name, "column"))]
        ready = pl.DataFrame({str(i): part.cast(kind) for i, part in enumerate(parts)})
        return ready.to_numpy(order="c")

    def targets(self, frame: pl.DataFrame) -> NDArray[Any]:
        """Class numbers (int64), or standardised numbers (float64), of shape (rows,)."""
        return self.answer.target(_column(frame, self.target, "target"))

    def restore(self, values: NDArray[Any]) -> NDArray[Any]:
        """What targets stand for: the names of class numbers, or numbers in the target's units."""
        return self.answer.restore(values)

    def to_json(self) -> dict[str, Any]:
        """As a dict that JSON can hold; `from_json` makes of it the same value, to the bit."""
        return {"columns": [to_json(c) for c in self.columns], "target": to_json(self.answer)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Preprocessing:
        """What `to_json` gave. Raises DataError for anything else."""
        return cls(*columns_from_json(stored))


def _column(frame: pl.DataFrame, name: str, what: str) -> pl.Series:
    if name not in frame.columns:
        raise DataError(f"the table has no {what} '{name}'; {nearest(name, frame.columns)}")
    return frame[name]


def _fit_classes(column: pl.Series) -> Categories:
    if column.dtype.is_float() and texts(column).str.contains(".", literal=True).any():
        raise DataError(f"the target '{column.name}' has numbers with fractions: no classes")
    fitted = Categories.fit(column)
    if len(fitted.values) < 2:
        raise DataError(
            f"the target '{column.name}' has a single class, '{fitted.values[0]}': "
            "there is nothing to tell apart"
        )
    return fitted


def _fit_numbers(column: pl.Series, rows: NDArray[np.integer]) -> Numbers:
    if not column.dtype.is_numeric():
        raise DataError(
            f"the target '{column.name}' holds text ('{column[0]}'), which a single output cannot "
            "predict: give the network an output for each class"
        )
    return Numbers.fit(column, rows)
