"""Programs on disk: found again as they were, or not at all, and never an error."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whygrad.engines.native import cache

CONTENT = b"machine code" * 1000


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WHYGRAD_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def only(place: Path) -> Path:
    (path,) = place.iterdir()
    return path


def test_what_was_written_is_read() -> None:
    assert cache.read("k") is None
    cache.write("k", CONTENT)
    cache.write("other", b"")
    assert (cache.read("k"), cache.read("other")) == (CONTENT, b"")


def test_the_last_to_write_wins() -> None:
    cache.write("k", CONTENT)
    cache.write("k", b"new")
    assert cache.read("k") == b"new"


def test_a_nought_turns_it_off(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WHYGRAD_CACHE", "0")
    cache.write("k", CONTENT)
    assert cache.read("k") is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"XDG_CACHE_HOME": "/var/x"}, "/var/x/whygrad"),
        ("linux", {"XDG_CACHE_HOME": "relative", "HOME": "/home/ada"}, "/home/ada/.cache/whygrad"),
        ("linux", {"HOME": "/home/ada"}, "/home/ada/.cache/whygrad"),
        ("darwin", {"HOME": "/Users/ada"}, "/Users/ada/Library/Caches/whygrad"),
        ("win32", {"LOCALAPPDATA": "/ada"}, "/ada/whygrad/cache"),
    ],
)
def test_each_platform_has_a_place_for_caches(
    platform: str, variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("WHYGRAD_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert cache.folder() == Path(expected)


def test_without_a_home_there_is_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WHYGRAD_CACHE")
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    monkeypatch.setattr(sys, "platform", "win32")
    cache.write("k", CONTENT)
    assert cache.folder() is None
    assert cache.read("k") is None


@given(st.data())
def test_no_byte_may_change(data: st.DataObject) -> None:
    cache.write("k", CONTENT)
    path = cache.folder() / f"k{cache.SUFFIX}"
    damaged = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(damaged) - 1))
    damaged[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(damaged)
    assert cache.read("k") is None


def test_a_file_that_was_cut_short_or_grew_is_not_read(place: Path) -> None:
    cache.write("k", CONTENT)
    path = only(place)
    whole = path.read_bytes()
    for content in (b"", whole[:10], whole[:32], whole[:-1], whole + b"\0"):
        path.write_bytes(content)
        assert cache.read("k") is None
    cache.write("k", CONTENT)
    assert cache.read("k") == CONTENT


def test_the_file_of_another_key_is_not_read(place: Path) -> None:
    cache.write("k", CONTENT)
    only(place).rename(place / f"other{cache.SUFFIX}")
    assert cache.read("other") is None


posix = pytest.mark.skipif(sys.platform == "win32", reason="modes of files as on POSIX")


@posix
def test_a_file_that_others_may_write_is_not_read(place: Path) -> None:
    cache.write("k", CONTENT)
    assert only(place).stat().st_mode & 0o777 == 0o600
    only(place).chmod(0o620)
    assert cache.read("k") is None


@posix
def test_a_file_of_somebody_else_is_not_read(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.write("k", CONTENT)
    monkeypatch.setattr(os, "getuid", lambda: only(place).stat().st_uid + 1)
    assert cache.read("k") is None


@posix
def test_what_is_no_file_is_not_read(place: Path) -> None:
    place.mkdir()
    (place / f"folder{cache.SUFFIX}").mkdir()
    os.mkfifo(place / f"pipe{cache.SUFFIX}")
    assert (cache.read("folder"), cache.read("pipe")) == (None, None)
    cache.write("folder", CONTENT)
    cache.write("pipe", CONTENT)
    assert (cache.read("folder"), cache.read("pipe")) == (None, CONTENT)


def test_a_file_where_the_folder_should_be(place: Path) -> None:
    place.write_text("mine")
    cache.write("k", CONTENT)
    assert cache.read("k") is None
    assert place.read_text() == "mine"


def full(*_: object) -> None:
    raise OSError(28, "No space left on device")


def refused(*_: object, **__: object) -> None:
    raise PermissionError(13, "Permission denied")


@pytest.mark.parametrize(
    ("name", "fault"),
    [("os.fdopen", full), ("os.replace", refused), ("pathlib.Path.mkdir", refused)],
)
def test_a_disk_that_cannot_be_written_is_no_error(
    name: str, fault: Callable[..., None], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(name, fault)
        cache.write("k", CONTENT)
    assert cache.read("k") is None
    assert not place.exists() or list(place.iterdir()) == []


@posix
def test_a_folder_that_may_only_be_read_is_read(place: Path) -> None:
    """Run as root, it may be written all the same."""
    cache.write("k", CONTENT)
    place.chmod(0o500)
    try:
        cache.write("other", CONTENT)
        assert cache.read("k") == CONTENT
    finally:
        place.chmod(0o700)


def test_the_longest_unused_go_first(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "LIMIT", 4 * len(CONTENT))
    for age, key in enumerate("cba", start=1):
        cache.write(key, CONTENT)
        path = place / f"{key}{cache.SUFFIX}"
        os.utime(path, (time.time() - 100 * age,) * 2)
    assert cache.read("a") == CONTENT  # which makes it the last used
    cache.write("d", CONTENT)
    assert [key for key in "abcd" if cache.read(key)] == ["a", "c", "d"]


def test_other_files_in_the_folder_are_left_alone(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "LIMIT", 10)
    place.mkdir()
    (place / "thesis.tex").write_text("...")
    os.utime(place / "thesis.tex", (0, 0))
    cache.write("k", CONTENT)
    assert [p.name for p in place.iterdir()] == ["thesis.tex"]


def test_what_was_never_finished_is_removed_after_an_hour(place: Path) -> None:
    place.mkdir()
    old, young = place / f".new-1{cache.SUFFIX}", place / f".new-2{cache.SUFFIX}"
    for path, age in ((old, 2 * cache.ABANDONED), (young, 1)):
        path.write_bytes(b"half")
        os.utime(path, (time.time() - age,) * 2)
    cache.write("k", CONTENT)
    assert (old.exists(), young.exists()) == (False, True)


def test_processes_that_write_and_read_at_once_see_all_or_nothing() -> None:
    code = """
from whygrad.engines.native import cache
for k in range(200):
    cache.write("k", bytes([k % 7]) * 50_000)
    found = cache.read("k")
    assert found is not None and found == found[:1] * 50_000
"""
    running = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [process.wait() for process in running] == [0, 0]
