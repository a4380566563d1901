"""A table out of a file."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import DataError
from .lines import check_lines, header

if TYPE_CHECKING:
    import polars as pl

# Wider tables than this take polars gigabytes, whatever is in them.
MOST_COLUMNS = 100_000
LONGEST_FOOTER = 2**26  # bytes, in which a Parquet file describes its columns


def read_table(source: str | PathLike[str] | pl.DataFrame) -> pl.DataFrame:
    """A table from a file whose name ends in .csv, .tsv or .parquet; a DataFrame is taken as it is.

    A text file is in UTF-8. Its first line names the columns; values are separated by commas,
    semicolons or tabs, whichever the first line has most of. An empty value is a missing one;
    words such as NA are text. Spaces around a value are no part of it, and empty lines at the end
    no rows.

    Raises DataError, which names the file and the place in it.
    """
    import polars as pl

    if isinstance(source, pl.DataFrame):
        return _checked("the table", source)
    if not isinstance(source, str | PathLike):
        raise DataError(
            "a table is the path of a .csv, .tsv or .parquet file, or a polars DataFrame; "
            f"this is of type {type(source).__name__}"
        )
    path = Path(source)
    readers = {".csv": _read_text, ".tsv": _read_text, ".parquet": _read_parquet}
    read = readers.get(path.suffix.lower())
    if read is None:
        raise DataError(f"{path}: the name of a table's file ends in .csv, .tsv or .parquet")
    try:
        if not path.is_file():
            raise DataError(f"{path} is {'a folder' if path.is_dir() else 'not there'}")
        return _checked(str(path), read(path))
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None


def _read_text(path: Path) -> pl.DataFrame:
    import polars as pl

    names, separator = header(path)
    _check_count(path, len(names))
    if _odd_quotation_marks(path):  # polars may close a quotation at the file's end
        check_lines(path, separator, len(names))
    try:
        frame = _parsed(path, separator)
        frame.columns = names
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        check_lines(path, separator, len(names))
        raise DataError(
            f"{path} is no table that can be read ({_reason(error)}); "
            "a quotation mark may be out of place"
        ) from None
    # Without its name: polars reads one like "^a$" as a pattern, which the column does not match.
    settled = (_settled(column.alias("")).alias(column.name) for column in frame.iter_columns())
    frame = frame.with_columns(settled)
    frame = _without_empty_end(frame).rechunk()
    if frame[:, -1].null_count():  # polars fills up a row that is too short
        check_lines(path, separator, len(names), len(frame))
    return frame


def _parsed(path: Path, separator: str) -> pl.DataFrame:
    """As polars reads it: with types after the first rows or, where others disagree, as text."""
    import polars as pl

    try:
        return pl.read_csv(path, separator=separator, glob=False)
    except pl.exceptions.ComputeError:
        return pl.read_csv(path, separator=separator, glob=False, infer_schema=False)


def _odd_quotation_marks(path: Path) -> bool:
    """Whether one is left open, wherever it is."""
    with path.open("rb") as file:
        return sum(part.count(b'"') for part in iter(lambda: file.read(2**20), b"")) % 2 == 1


def _settled(column: pl.Series) -> pl.Series:
    """Text without the spaces around it, and as numbers if all of it can be read so."""
    import polars as pl

    if column.dtype != pl.String:
        return column
    text = column.str.strip_chars().replace("", None)
    for kind in (pl.Int64, pl.Float64):
        numbers = text.cast(kind, strict=False)
        if numbers.null_count() == text.null_count() < len(text):
            return numbers
    return text


def _without_empty_end(frame: pl.DataFrame) -> pl.DataFrame:
    """The table up to the last row that has any value."""
    import polars as pl

    any_value = pl.any_horizontal(pl.all().is_not_null()).alias("any value")
    filled = frame.select(any_value).to_series().arg_true()
    return frame.head(filled[-1] + 1 if len(filled) else 0)


def _read_parquet(path: Path) -> pl.DataFrame:
    import polars as pl

    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 8))
        footer = int.from_bytes(file.read(4), "little")
        if file.read() == b"PAR1" and LONGEST_FOOTER < footer < path.stat().st_size:
            raise DataError(
                f"{path} takes {footer / 1e6:.0f} MB to describe its columns: "
                f"they are too many; up to {MOST_COLUMNS:,} can be read"
            )
    try:
        _check_count(path, len(pl.read_parquet_schema(path)))
        return pl.read_parquet(path, glob=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise DataError(f"{path} is no Parquet file, or is damaged: {_reason(error)}") from None


def _reason(error: BaseException) -> str:
    return str(error).split("\n")[0]


def _check_count(path: Path, columns: int) -> None:
    if columns > MOST_COLUMNS:
        raise DataError(f"{path} has {columns:,} columns: up to {MOST_COLUMNS:,} can be read")


def _checked(what: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The table, if it has anything in it."""
    if not frame.width:
        raise DataError(f"{what} has no columns")
    if not len(frame):
        raise DataError(f"{what} has no rows below the names of its columns")
    return frame
