"""What is wrong with a text file that polars cannot read, and in which line."""

from __future__ import annotations

import csv
from pathlib import Path

from ..errors import DataError

MOST_COLUMNS = 100_000


def header(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return next(csv.reader(file), [])


def refuse_too_many(path: Path, count: int) -> None:
    if count > MOST_COLUMNS:
        raise DataError(f"{path} has {count:,} columns; up to {MOST_COLUMNS:,} can be read")


def explain(path: Path, separator: str, error: Exception) -> DataError:
    return DataError(f"{path} cannot be read: {error}")
