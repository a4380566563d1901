"""The lines of a text file, read one by one: its header, and where it is at fault.

polars reads a file fast but says little of a bad one, and takes some for good:
names that come twice, rows that end early, a header in another encoding.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import dropwhile, islice
from pathlib import Path

from ..errors import DataError
from .wording import shown

SEPARATORS = ",;\t"
LONGEST_LINE = 2**26  # bytes; the names of a million columns fit in


def header(path: Path) -> tuple[list[str], str]:
    """The names of the columns, and the character that separates them.

    Raises DataError if there are none, or if one is empty or comes twice.
    """
    first = next((line for line in _lines(path) if line.strip()), None)
    if first is None:
        raise DataError(f"{path} is empty")
    separator = max(SEPARATORS, key=first.count)
    names = [name.strip() for name in next(_records(path, separator))[1]]
    places: dict[str, int] = {}
    for place, name in enumerate(names, 1):
        if not name:
            raise DataError(f"{path}: column {place} of {len(names)} has no name")
        if places.setdefault(name, place) != place:
            raise DataError(
                f"{path}: columns {places[name]} and {place} are both named {shown(name)}"
            )
    return names, separator


def check_lines(path: Path, separator: str, width: int, rows: int | None = None) -> None:
    """Raise DataError for the first line at fault, if there is one.

    `rows` says how many there are, and that there has to be something in each.
    """
    for line, values in islice(_records(path, separator), 1, rows and rows + 1):
        if len(values) != width and (values or rows):
            some = f"has {len(values)} value{'s' * (len(values) > 1)}" if values else "is empty"
            raise DataError(f"{path}, line {line} {some}; the header names {width} columns")


def _records(path: Path, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Header and rows, each with the number of the line in which it begins."""
    reader = csv.reader(_lines(path), delimiter=separator, strict=True)
    line = 1
    try:
        for values in dropwhile(lambda values: not values, reader):
            yield line, values
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{path}, line {line}: a quotation mark or a line's end is out of place ({error})"
        ) from None


def _lines(path: Path) -> Iterator[str]:
    """The lines of a file in UTF-8; raises DataError for the first that is none."""
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE), b""), 1):
            if len(line) == LONGEST_LINE:
                raise DataError(f"{path}, line {number} is longer than {LONGEST_LINE >> 20} MiB")
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise DataError(
                    f"{path}, line {number}: the byte {line[error.start]:#04x} is no UTF-8; "
                    "save the file in that encoding"
                ) from None
            if "\0" in text:
                raise DataError(f"{path}, line {number} holds a NUL character: this is no text")
            yield text
