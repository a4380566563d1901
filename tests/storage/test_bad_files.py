"""Files that are no model, not a whole one, or not the one that was saved: one clear error each."""

from __future__ import annotations

import io
import json
import tracemalloc
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save as safetensors
from tests.storage.likeness import TEXT, assert_same, network, table, trained

import whygrad as wg
from whygrad.storage import sealed
from whygrad.storage.sealed import Sealed, read_sealed, write_sealed

FOREIGN = "is no model that whygrad saved"
DAMAGED = "is damaged"


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "model"
    network().save(path)
    return path


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Sealed:
    """What is in the file of a network that has been trained on a table."""
    path = tmp_path_factory.mktemp("full") / "model"
    trained().save(path)
    return read_sealed(path)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "wine.model"


def refused(path: Path, content: bytes, because: str = "") -> None:
    path.write_bytes(content)
    with pytest.raises(wg.DataError) as error:
        wg.load(path)
    assert str(path) in str(error.value) and because in str(error.value)


# What happens to a file on its way


def test_every_byte_counts(saved: Path, target: Path) -> None:
    whole = saved.read_bytes()
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1 << place % 8  # one bit of it
        refused(target, changed)


def test_every_beginning_is_told_from_the_whole(saved: Path, target: Path) -> None:
    whole = saved.read_bytes()
    for length in range(len(whole)):
        refused(target, whole[:length])
    refused(target, whole[:100], "or not the whole of one")
    refused(target, whole[:-1], "it was cut short")


@settings(max_examples=200, deadline=None, database=None)
@given(st.data())
def test_no_change_passes(
    saved: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = saved.read_bytes()
    places = st.integers(0, len(whole))
    start, end, source = data.draw(places), data.draw(places), data.draw(places)
    new = data.draw(st.binary(max_size=20) | st.just(whole[source : source + abs(end - start)]))
    changed = whole[:start] + new + whole[end:]
    path = tmp_path_factory.getbasetemp() / "changed.model"
    if changed == whole:
        path.write_bytes(changed)
        assert_same(wg.load(path), network())
    else:
        refused(path, changed)


# Files of another kind


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("data.pkl", b"\x80\x04.")
    return buffer.getvalue()


def headed(header: bytes, length: int | None = None) -> bytes:
    return (len(header) if length is None else length).to_bytes(8, "little") + header


METADATA = {"format": sealed.FORMAT, "version": sealed.VERSION, "checksum": "0" * 64}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\0", id="one byte"),
        pytest.param(bytes(8), id="a header of no bytes"),
        pytest.param(bytes(100), id="zeros"),
        pytest.param(TEXT.encode(), id="the text of a network"),
        pytest.param(b"alcohol,ash\n14.2,1.7\n" * 50, id="a table"),
        pytest.param(zipped(), id="a zip"),
        pytest.param(b"\x80\x04\x95" + bytes(50), id="a pickle"),
        pytest.param(safetensors({"w1": np.ones((2, 3))}), id="another's safetensors"),
        pytest.param(safetensors({"w1": np.ones(2)}, {"format": "pt"}), id="another's metadata"),
        pytest.param(headed(b"{}", 2**63), id="a header of 8 EiB"),
        pytest.param(headed(b"{}", 2**32), id="a header of 4 GiB"),
        pytest.param(headed(b"[" * 100_000), id="a deep header"),
        pytest.param(headed(b"[1]"), id="a header that is a list"),
        pytest.param(headed(b'{"__metadata__": []}'), id="metadata in a list"),
        pytest.param(headed(b'{"__metadata__": {"format": 1}}'), id="metadata that is no text"),
        pytest.param(headed(b"\xff\xfe{}"), id="a header that is no UTF-8"),
    ],
)
def test_files_of_another_kind(content: bytes, target: Path) -> None:
    refused(target, content, FOREIGN)


KEYS = st.sampled_from(["dtype", "shape", "data_offsets"]) | st.text(max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None, database=None)
@given(JSON, st.binary(max_size=40))
def test_whatever_a_header_says(
    tmp_path_factory: pytest.TempPathFactory, entry: object, data: bytes
) -> None:
    header = json.dumps({"__metadata__": METADATA, "value/w": entry}).encode()
    path = tmp_path_factory.getbasetemp() / "header.model"
    refused(path, headed(header) + data, DAMAGED)


@settings(max_examples=200, deadline=None, database=None)
@given(st.binary(max_size=200))
def test_whatever_a_file_holds(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    refused(tmp_path_factory.getbasetemp() / "any.model", content, FOREIGN)


def test_a_large_foreign_file_is_not_read(target: Path) -> None:
    with open(target, "wb") as file:
        file.write(safetensors({"w1": np.ones((2, 3))}))
        file.truncate(2**33)
    tracemalloc.start()
    with pytest.raises(wg.DataError, match=FOREIGN):
        wg.load(target)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_a_file_of_a_newer_format(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed, "VERSION", "2")
    network().save(target)
    monkeypatch.undo()
    refused(target, target.read_bytes(), "in version 2 of the format; this whygrad reads version 1")


# A file whose checksum is right, and which holds what no network has


def with_arrays(**arrays: object) -> Callable[[Sealed], Sealed]:
    """Replace arrays, or take them out where None is given."""

    def change(content: Sealed) -> Sealed:
        changed = {**content.arrays, **{f"value/{n}": a for n, a in arrays.items()}}
        return Sealed(
            {n: np.asarray(a) for n, a in changed.items() if a is not None}, content.words
        )

    return change


def with_words(**words: str | None) -> Callable[[Sealed], Sealed]:
    """Replace words, or take them out where None is given."""

    def change(content: Sealed) -> Sealed:
        changed = {**content.words, **words}
        return Sealed(content.arrays, {n: w for n, w in changed.items() if w is not None})

    return change


WITHOUT_RULES = TEXT.replace("minimize J", "minimise J")


@pytest.mark.parametrize(
    ("change", "because"),
    [
        (with_arrays(w1=None), "the value of 'w1' is missing"),
        (with_arrays(lr=None), "the value of 'lr' is missing"),
        (with_arrays(w3=[1.0]), "keeps no 'w3'; did you mean"),
        (
            lambda c: Sealed({**c.arrays, "w1": np.ones(2)}, c.words),
            "an array 'w1', which no model",
        ),
        (with_arrays(w1=np.ones((2, 4))), "4 in w1"),
        (with_arrays(w1=np.ones(6)), "w1[i, j] has 2 axes"),
        (with_arrays(w1=np.ones((2, 0))), "w1 is empty"),
        (with_arrays(w1=[[1, 2, 3], [4, np.nan, 6]]), "w1[1,1] is nan"),
        (with_arrays(lr=np.inf), "lr is inf"),
        (with_words(text=None), "it has no text"),
        (with_words(text=""), "the network keeps no"),
        (with_words(text=WITHOUT_RULES), "minimise J"),
        (with_words(text="(" * 100_000), "cannot be restored"),
        (with_words(sizes=None), "it has no sizes"),
        (with_words(sizes="{"), "its sizes cannot be read: it is no JSON"),
        (with_words(sizes="[" * 100_000), "its sizes cannot be read: it is no JSON"),
        (with_words(sizes="[1]"), "sizes has to go by names"),
        (with_words(sizes='{"j": true}'), "the size of j has to be a whole number"),
        (with_words(sizes='{"j": 2.0}'), "the size of j has to be a whole number"),
        (with_words(sizes='{"jj": 2}'), "has no index 'jj'"),
        (with_words(sizes='{"i": 1000000000000000}'), "1000000000000000"),
        (with_words(preprocessing="{"), "its preprocessing cannot be read"),
        (with_words(preprocessing="[]"), "cannot be restored"),
        (with_words(history='"\\ud800"'), "its history cannot be read"),
        (with_words(history="{}"), "the history of the training is damaged"),
        (with_words(run="{}"), "the value of 'w1' is missing"),
    ],
)
def test_contents_that_fit_no_network(
    saved: Path, target: Path, change: Callable[[Sealed], Sealed], because: str
) -> None:
    write_sealed(target, change(read_sealed(saved)))
    tracemalloc.start()
    refused(target, target.read_bytes(), because)
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()


def places(value: object) -> list[tuple[object, ...]]:
    """The way to every value within a value of JSON, its own first."""
    inner = value.items() if isinstance(value, dict) else ()
    inner = enumerate(value) if isinstance(value, list) else inner
    return [(), *((key, *rest) for key, below in inner for rest in places(below))]


def replaced(value: Any, place: tuple[Any, ...], new: object) -> object:
    """The same value with another one at a place."""
    if not place:
        return new
    inner = replaced(value[place[0]], place[1:], new)
    if isinstance(value, dict):
        return {**value, place[0]: inner}
    return [*value[: place[0]], inner, *value[place[0] + 1 :]]


@pytest.mark.parametrize("part", ["sizes", "preprocessing", "history", "run"])
@settings(max_examples=60, deadline=None, database=None)
@given(data=st.data())
def test_a_part_that_says_something_else_is_read_or_refused(
    full: Sealed, tmp_path_factory: pytest.TempPathFactory, part: str, data: st.DataObject
) -> None:
    stored = json.loads(full.words[part])
    place = data.draw(st.sampled_from(places(stored)))
    changed = json.dumps(replaced(stored, place, data.draw(JSON)))
    path = tmp_path_factory.getbasetemp() / "part.model"
    write_sealed(path, with_words(**{part: changed})(full))
    try:
        net = wg.load(path)
    except wg.DataError as error:
        assert str(path) in str(error)
        return
    assert net.history is not None and str(net.history)
    for ask in (net.predict_table, net.score, net.held_out, lambda t: stepped(net, t)):
        with suppress(wg.WhygradError):
            ask(table())


def stepped(net: wg.Network, frame: pl.DataFrame) -> None:
    """Replay a step, as a training of any length could have taken it."""
    net.why("b1[0]", step=0, data=net.arrays(frame))


@pytest.mark.parametrize("count", [1, 3])
def test_as_many_classes_as_the_network_has_outputs(full: Sealed, target: Path, count: int) -> None:
    stored = json.loads(full.words["preprocessing"])
    stored["target"]["values"] = ["a", "b", "c"][:count]
    write_sealed(target, with_words(preprocessing=json.dumps(stored))(full))
    with pytest.raises(wg.DataError, match=f"needs {count} outputs, not 2"):
        wg.load(target).predict_table(table())


def test_what_is_not_finite_is_not_saved(target: Path) -> None:
    net = network()
    net.save(target)
    before = target.read_bytes()
    net.params["w1"][1, 2] = np.nan
    with pytest.raises(wg.DataError, match=r"w1\[1,2\] is nan"):
        net.save(target)
    assert target.read_bytes() == before


def test_what_would_be_too_long_to_load_is_not_saved(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealed, "LONGEST_HEADER", 500)
    with pytest.raises(wg.DataError, match="and 500 is the limit"):
        network().save(target)
    assert not target.exists()


def test_a_network_without_values_is_not_saved(target: Path) -> None:
    with pytest.raises(wg.WhygradError, match=r"call net\.init"):
        wg.Network(TEXT).save(target)
    assert not target.exists()
