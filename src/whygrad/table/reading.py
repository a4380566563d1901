"""A table out of a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import DataError
from .faults import explain, header, refuse_too_many

if TYPE_CHECKING:
    import polars as pl

SEPARATORS = ",;\t"


def read_table(source: object) -> pl.DataFrame:
    """A table from a file whose name ends in .csv, .tsv or .parquet; a DataFrame is taken as it is.

    A text file is UTF-8, its first line holds the names of the columns, and the values are
    separated by commas, semicolons or tabs. An empty value is a missing one. Spaces around a
    value are no part of it.

    Raises DataError, which names the file and the place in it.
    """
    import polars as pl

    if isinstance(source, pl.DataFrame):
        return _with_rows("the table", source)
    if not isinstance(source, str | Path):
        raise DataError(
            "a table is the path of a .csv, .tsv or .parquet file or a polars DataFrame; "
            f"this is of type {type(source).__name__}"
        )
    path = Path(source)
    readers = {".csv": _read_text, ".tsv": _read_text, ".parquet": _read_parquet}
    ending = path.suffix.lower()
    if not path.exists():
        raise DataError(f"{path}: there is no such file")
    if not path.is_file():
        raise DataError(f"{path} is no file")
    if ending not in readers:
        raise DataError(f"{path}: a table's name ends in .csv, .tsv or .parquet")
    try:
        return _with_rows(str(path), readers[ending](path))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None


def _read_text(path: Path) -> pl.DataFrame:
    import polars as pl

    names = header(path)
    refuse_too_many(path, len(names))
    line = path.open(encoding="utf-8-sig").readline()
    separator = max(SEPARATORS, key=line.count)
    try:
        try:
            frame = pl.read_csv(path, separator=separator, glob=False)
        except pl.exceptions.ComputeError:  # a late value is unlike those it guessed types from
            frame = pl.read_csv(path, separator=separator, glob=False, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise explain(path, separator, error) from None
    return frame.with_columns(_settled(column) for column in frame.iter_columns())


def _settled(column: pl.Series) -> pl.Series:
    """Text without the spaces around it, and as numbers if all of it can be read so."""
    import polars as pl

    if column.dtype != pl.String:
        return column
    stripped = column.str.strip_chars()
    stripped = stripped.set(stripped == "", None)
    for kind in (pl.Int64, pl.Float64):
        numbers = stripped.cast(kind, strict=False)
        if numbers.null_count() == stripped.null_count() < len(column):
            return numbers
    return stripped


def _read_parquet(path: Path) -> pl.DataFrame:
    import polars as pl

    try:
        return pl.read_parquet(path, glob=False)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path} is no Parquet file, or a damaged one: {error}") from None


def _with_rows(what: str, frame: pl.DataFrame) -> pl.DataFrame:
    if not frame.width:
        raise DataError(f"{what} has no columns")
    if not len(frame):
        raise DataError(f"{what} has a header, but no rows")
    return frame
