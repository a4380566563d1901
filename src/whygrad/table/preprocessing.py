"""From a table's columns to a network's inputs and targets, the same way in training and later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, resembling
from .columns import Categories, Numbers, fit_input
from .stored import columns_from_json, to_json
from .values import refuse_nearly_numbers, texts
from .wording import listed, shown

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How the columns of a table become a network's inputs, and one of them its targets.

    Numbers are standardised. Text, truth values and categories become one-hot, if there are at
    most 50 different ones; a text in a column that holds numbers for the most part is a fault.
    `columns` are the inputs in their order; `answer` is the target's column.
    """

    columns: tuple[Numbers | Categories, ...]
    answer: Numbers | Categories

    @classmethod
    def fit(
        cls,
        frame: pl.DataFrame,
        target: str,
        rows: NDArray[np.integer],
        *,
        classes: bool,
        standardise: bool = True,
    ) -> Preprocessing:
        """Learn from a table how to prepare it, and later ones like it.

        Args:
            frame: the table, the rows held out included.
            target: the name of the column to be predicted; all others are inputs.
            rows: the numbers of the training rows, from 0. Means and deviations are theirs alone;
                the values of a text column, and the classes, are those of all rows.
            classes: whether the target is a class, else a number.
            standardise: whether a target of numbers is standardised; not if the network's range
                asks for the numbers as they are.

        Raises DataError, which names the column and the row.
        """
        table = _columns(frame)
        wanted = _named(table, target)
        if len(rows) < 2:
            raise DataError(
                f"training takes at least two rows; of {len(frame)} in the table it has {len(rows)}"
            )
        inputs = [column for name, column in table.items() if name != target]
        if not inputs:
            raise DataError(f"the table has no column besides the target {shown(target)}")
        if classes:
            answer: Numbers | Categories = _fit_classes(wanted)
        else:
            _refuse_text(wanted)
            answer = Numbers.fit(wanted, rows) if standardise else Numbers(target)
        return cls(tuple(fit_input(column, rows) for column in inputs), answer)

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
        return tuple(name for column in self.columns for name in column.input_names)

    def inputs(self, frame: pl.DataFrame) -> NDArray[np.float64]:
        """The inputs, of shape (rows, width).

        The order of the table's columns does not matter; those that it did not have in training
        are ignored. Raises DataError for a column that is missing, and for a value that cannot
        go in.
        """
        import polars as pl

        table = _columns(frame)
        parts = (part for c in self.columns for part in c.encode(_named(table, c.name)))
        ready = pl.DataFrame([part.alias(f"{i}") for i, part in enumerate(parts)])
        return ready.to_numpy(order="c")

    def targets(self, frame: pl.DataFrame) -> NDArray[Any]:
        """Class numbers (int64), or standardised numbers (float64), of shape (rows,)."""
        return self.answer.target(_named(_columns(frame), self.target))

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


def class_numbers(frame: pl.DataFrame, target: str) -> NDArray[np.int64]:
    """The class number of each row, as `targets` gives it once a preprocessing is fitted."""
    column = _named(_columns(frame), target)
    return _fit_classes(column).target(column)


def _columns(frame: pl.DataFrame) -> dict[str, pl.Series]:
    return {column.name: column for column in frame.iter_columns()}


def _named(columns: dict[str, pl.Series], name: str) -> pl.Series:
    if name not in columns:
        hint = resembling(name, columns) or f"it has {listed(list(columns))}"
        raise DataError(f"the table has no column {shown(name)}; {hint}")
    return columns[name]


def _fit_classes(column: pl.Series) -> Categories:
    fitted = Categories.fit(column)
    if len(fitted.values) < 2:
        raise DataError(
            f"the target {shown(column.name)} is {shown(fitted.values[0])} in every row: "
            "there have to be two classes or more"
        )
    return fitted


def _refuse_text(target: pl.Series) -> None:
    refuse_nearly_numbers(target)
    if not target.dtype.is_numeric():
        count = len(texts(target).unique())
        raise DataError(
            f"the target {shown(target.name)} holds names, such as {shown(target[0])}, and this "
            f"network predicts numbers: to tell {count:,} classes apart it takes {count:,} outputs "
            "and the cost cross_entropy"
        )
