"""Tables read from files, and what is said of files that are none."""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from whygrad.errors import DataError
from whygrad.table import read_table, reading

GOOD = pl.DataFrame({"height": [1, 2, 3], "weight": [0.5, 1.5, 2.5], "kind": ["a", "b", "a"]})


def written(folder: Path, content: bytes | str, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def message(source: object) -> str:
    with pytest.raises(DataError) as caught:
        read_table(source)
    return str(caught.value)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("name", ["table.csv", "table.tsv", "TABLE.CSV"])
def test_a_text_file_is_read(tmp_path: Path, name: str, separator: str) -> None:
    GOOD.write_csv(tmp_path / name, separator=separator)
    assert_frame_equal(read_table(tmp_path / name), GOOD)
    assert_frame_equal(read_table(str(tmp_path / name)), GOOD)


def test_a_parquet_file_is_read(tmp_path: Path) -> None:
    GOOD.write_parquet(tmp_path / "table.parquet")
    assert_frame_equal(read_table(tmp_path / "table.parquet"), GOOD)


def test_a_frame_is_taken_as_it_is() -> None:
    assert read_table(GOOD) is GOOD


@pytest.mark.parametrize("name", ["[ab]*", "a?", "*", "x=1", "a b", "ü"])
def test_a_file_may_have_any_name(tmp_path: Path, name: str) -> None:
    for other in ("ab", "ax", name):
        GOOD.head(1 + (other == name)).write_csv(tmp_path / f"{other}.csv")
        GOOD.head(1 + (other == name)).write_parquet(tmp_path / f"{other}.parquet")
    assert_frame_equal(read_table(tmp_path / f"{name}.csv"), GOOD.head(2))
    assert_frame_equal(read_table(tmp_path / f"{name}.parquet"), GOOD.head(2))


@pytest.mark.parametrize("name", ["^a$", "^.*$", "*"])
def test_a_name_may_look_like_a_pattern(tmp_path: Path, name: str) -> None:
    frame = read_table(written(tmp_path, f"{name},^kind$\n1, x\n 2,y \n,\n"))
    assert_frame_equal(frame, pl.DataFrame({name: [1, 2], "^kind$": ["x", "y"]}))


def test_text_that_reads_as_numbers_has_their_type(tmp_path: Path) -> None:
    frame = read_table(written(tmp_path, "a, b, c, d\n1, 2, 5, x\n3, 4, 0.5, y\n"))
    assert frame.dtypes == [pl.Int64, pl.Int64, pl.Float64, pl.String]


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ("a,b\n1,2\n3,4", [(1, 2), (3, 4)]),
        ("a,b\r\n1,2\r\n3,4\r\n", [(1, 2), (3, 4)]),
        ("\n\na,b\n1,2\n", [(1, 2)]),
        ("a,b\n1,2\n\n  \n,\n", [(1, 2)]),
        ("a\n1\n2\n\n", [(1,), (2,)]),
        ("\ufeffa,b\n1,2\n", [(1, 2)]),
        ("a, b \n1, x y\n 2 ,z\n", [(1, "x y"), (2, "z")]),
        ("a, b\n1, 2\n3, 4.5\n", [(1, 2.0), (3, 4.5)]),
        ("a,b\n1,x\n ,y\n", [(1, "x"), (None, "y")]),
        ('a,b\n"x\ny","2"\n"","3"\n', [("x\ny", 2), (None, 3)]),
        ("a,b\n+1,.5\n-2,5.\n", [(1, 0.5), (-2, 5.0)]),
        ("a,b\ntrue,1\nfalse,2\n", [(True, 1), (False, 2)]),
        ("a\n" + "1\n" * 4711 + "2.5\n", [(1.0,)] * 4711 + [(2.5,)]),
        ("a,b\n" + "1,\n" * 200 + "1,2\n", [(1, None)] * 200 + [(1, 2)]),
        ("a,b\n" + "1,1\n" * 200 + "x, 2\n", [("1", 1)] * 200 + [("x", 2)]),
    ],
)
def test_what_a_text_file_may_look_like(
    tmp_path: Path, content: str, rows: list[tuple[object, ...]]
) -> None:
    frame = read_table(written(tmp_path, content))
    assert frame.columns == ["a", "b"][: frame.width]
    assert frame.rows() == rows


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "{} is empty"),
        ("\n \n", "{} is empty"),
        ("a,b", "{} has no rows below the names of its columns"),
        ("a,b\n\n,\n", "{} has no rows below the names of its columns"),
        ("a,b\n1,2\n1,2,3\n", "{}, line 3 has 3 values; the header names 2 columns"),
        ("a,b\n1,2\n3\n4,5\n", "{}, line 3 has 1 value; the header names 2 columns"),
        ("a,b\n1,2\n\n4,5\n", "{}, line 3 is empty; the header names 2 columns"),
        ('a,b\n"1\n2",3\n4\n', "{}, line 4 has 1 value; the header names 2 columns"),
        ("a,b,a\n1,2,3\n", "{}: columns 1 and 3 are both named 'a'"),
        ("a, a\n1,2\n", "{}: columns 1 and 2 are both named 'a'"),
        ("a,,b\n1,2,3\n", "{}: column 2 of 3 has no name"),
        ('a,b\n1,2\n"3,4\n5,6\n', "{}, line 3: a quotation mark or a line's end is out of place"),
        ('a,b\n1,2\n3,"45', "{}, line 3: a quotation mark or a line's end is out of place"),
        ('a,b\n"x"y,2\n', "{}, line 2: a quotation mark or a line's end is out of place"),
        ("a,b\r1,2\r", "{}, line 1: a quotation mark or a line's end is out of place"),
        ("a,b\ncafé,2\n".encode("latin-1"), "{}, line 2: the byte 0xe9 is no UTF-8"),
        (b"a,b\n" + b"1,2\n" * 4710 + b"\xe9,2\n", "{}, line 4712: the byte 0xe9 is no UTF-8"),
        ("é,b\n1,2\n".encode("latin-1"), "{}, line 1: the byte 0xe9 is no UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), "{}, line 1: the byte 0xff is no UTF-8"),
        ("a,b\n1,2\n".encode("utf-16-le"), "{}, line 1 holds a NUL character"),
        (b"\x89PNG\r\n\x1a\n\x00", "{}, line 1: the byte 0x89 is no UTF-8"),
        (",".join(f"c{i}" for i in range(10**6)) + "\n", "{} has 1,000,000 columns: up to 100,000"),
    ],
)
def test_a_text_file_at_fault(tmp_path: Path, content: bytes | str, said: str) -> None:
    path = written(tmp_path, content)
    assert message(path).startswith(said.format(path))


def test_a_fault_that_only_polars_sees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise pl.exceptions.ComputeError("a strange chunk\nin detail")

    path = written(tmp_path, 'a,b\nx"y,2\n')
    monkeypatch.setattr(pl, "read_csv", fail)
    assert message(path) == (
        f"{path} is no table that can be read (a strange chunk); "
        "a quotation mark may be out of place"
    )


def test_a_line_without_end_is_not_held_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whygrad.table.lines.LONGEST_LINE", 2**20)
    path = written(tmp_path, b"a," * 2**20)
    assert message(path) == f"{path}, line 1 is longer than 1 MiB"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "{} is no Parquet file, or is damaged: "),
        (b"a,b\n1,2\n", "{} is no Parquet file, or is damaged: "),
        (b"PAR1" + b"\xff" * 4 + b"PAR1", "{} is no Parquet file, or is damaged: "),
    ],
)
def test_a_parquet_file_at_fault(tmp_path: Path, content: bytes, said: str) -> None:
    path = written(tmp_path, content, "table.parquet")
    assert message(path).startswith(said.format(path))


def test_a_parquet_file_of_too_many_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "table.parquet"
    GOOD.write_parquet(path)
    monkeypatch.setattr(reading, "MOST_COLUMNS", 2)
    assert message(path) == f"{path} has 3 columns: up to 2 can be read"
    with path.open("wb") as file:  # as a million columns are described, but all of it zeros
        file.truncate(172_000_000)
        file.seek(0, 2)
        file.write((171_000_000).to_bytes(4, "little") + b"PAR1")
    assert message(path).startswith(f"{path} takes 171 MB to describe its columns")


def test_a_path_that_leads_to_no_table(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    assert message(tmp_path / "folder.csv") == f"{tmp_path / 'folder.csv'} is a folder"
    assert message(tmp_path / "none.csv") == f"{tmp_path / 'none.csv'} is not there"
    assert message("none\0.csv") == "none\0.csv is not there"
    assert message("x" * 5000 + ".csv").endswith("File name too long")
    endings = "the name of a table's file ends in .csv, .tsv or .parquet"
    assert message(written(tmp_path, "a\n1\n", "t.xlsx")) == f"{tmp_path / 't.xlsx'}: {endings}"
    assert message("-") == f"-: {endings}"


@pytest.mark.parametrize("source", [None, 3, [[1, 2]], np.zeros((2, 2)), GOOD.lazy()])
def test_something_that_is_no_table(source: object) -> None:
    assert message(source).startswith("a table is the path of a .csv, .tsv or .parquet file, or a")


def test_a_frame_without_anything_in_it() -> None:
    assert message(pl.DataFrame()) == "the table has no columns"
    assert message(GOOD.clear()) == "the table has no rows below the names of its columns"


values = st.text(alphabet='ab1.-,;"\n \t0é', max_size=5)
tables = st.integers(2, 4).flatmap(
    lambda width: st.lists(st.lists(values, min_size=width, max_size=width), min_size=1, max_size=8)
)
dialects = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from(",;\t"),
        "quoting": st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
        "lineterminator": st.sampled_from(["\n", "\r\n"]),
    }
)


def as_text(rows: list[list[str]], dialect: dict[str, Any]) -> str:
    """A header of names without fault, and the rows; as Python's own writer writes them."""
    file = io.StringIO(newline="")
    csv.writer(file, **dialect).writerows([[f"c{i}" for i in range(len(rows[0]))], *rows])
    return file.getvalue()


@settings(max_examples=200, deadline=None)
@given(rows=tables, dialect=dialects)
def test_any_table_comes_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], dialect: dict[str, Any]
) -> None:
    path = written(tmp_path_factory.getbasetemp(), as_text(rows, dialect))
    while rows and not any(value.strip() for value in rows[-1]):
        rows.pop()
    if not rows:
        assert message(path).endswith("has no rows below the names of its columns")
        return
    for row, expected in zip(read_table(path).rows(), rows, strict=True):
        for value, text in zip(row, expected, strict=True):
            if isinstance(value, int | float):
                assert value == float(text)
            else:
                assert (value or "") == text.strip()


@settings(max_examples=200, deadline=None)
@given(rows=tables, dialect=dialects, data=st.data())
def test_a_row_of_another_length_is_named_by_its_line(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[list[str]],
    dialect: dict[str, Any],
    data: st.DataObject,
) -> None:
    rows = [["x", *row[1:-1], "x"] for row in rows]
    place = data.draw(st.integers(1, len(rows))) - 1
    rows.insert(place + 1, data.draw(st.sampled_from([rows[place][:-1], [*rows[place], "x"]])))
    path = written(tmp_path_factory.getbasetemp(), as_text(rows, dialect))
    before = as_text(rows[: place + 1], dialect)
    line = before.count("\n") + 1
    assert message(path).startswith(f"{path}, line {line} ")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([*"ab1.,;\n \t0é", '"', '","', "\r", "1,2\n"])).map("".join))
def test_any_text_is_a_table_or_a_data_error(
    tmp_path_factory: pytest.TempPathFactory, content: str
) -> None:
    path = written(tmp_path_factory.getbasetemp(), f"h,i\n{content}")
    try:
        assert len(read_table(path)) > 0
    except DataError as error:
        assert str(path) in str(error)


@settings(max_examples=150, deadline=None)
@given(content=st.binary(max_size=200), ending=st.sampled_from([".csv", ".parquet"]))
def test_any_bytes_are_a_table_or_a_data_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, ending: str
) -> None:
    path = written(tmp_path_factory.getbasetemp(), content, f"table{ending}")
    try:
        assert len(read_table(path)) > 0
    except DataError as error:
        assert str(path) in str(error)


@settings(max_examples=100, deadline=None)
@given(length=st.integers(0, 1_000))
def test_a_parquet_file_cut_short(tmp_path_factory: pytest.TempPathFactory, length: int) -> None:
    path = tmp_path_factory.getbasetemp() / "cut.parquet"
    GOOD.write_parquet(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: min(length, len(whole) - 1)])
    assert str(path) in message(path)
