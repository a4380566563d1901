"""A file is written whole or not at all, whatever happens in between."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.storage.likeness import assert_same, network

import whygrad as wg
from whygrad.storage.files import read_text, write_whole

KILLS = 40

# Forks a process that saves two networks in turn, and kills it; it imports only once.
KILLING = """
import os, random, signal, sys, time
import numpy as np
import whygrad as wg

path, kills = sys.argv[1], int(sys.argv[2])
text = "size i = 100000\\nparam w[i] ~ zeros\\nJ = sum[i](w[i])\\nminimize J\\n"
nets = [wg.Network(text).init() for _ in range(2)]
nets[1].params["w"] = np.ones(100_000)
nets[1].save(path)
start = time.monotonic()
nets[0].save(path)
once = time.monotonic() - start
seen = []
while len(seen) < kills or len(set(seen)) < 2:
    child = os.fork()
    if child == 0:
        while True:
            nets[1].save(path)
            nets[0].save(path)
    time.sleep(random.uniform(0, 3 * once))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    w = wg.load(path).params["w"]
    assert (w == w[0]).all()
    seen.append(w[0])
"""

# Saves again where no file may be longer than 300 bytes, as on a full disk.
FULL = """
import resource, sys
import whygrad as wg
net = wg.load(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))
net.params["w1"] = net.params["w1"] + 1
try:
    net.save(sys.argv[1])
except wg.WhygradError as error:
    print(error)
"""


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "model"


@pytest.fixture
def narrow_umask() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    os.umask(before)


def test_a_kill_at_any_moment_leaves_the_old_file_or_the_new_one(target: Path) -> None:
    run = [sys.executable, "-c", KILLING, str(target), str(KILLS)]
    done = subprocess.run(run, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr


def test_a_reader_never_sees_a_part_of_a_file(target: Path) -> None:
    nets = [network(seed) for seed in range(2)]
    nets[0].save(target)
    stop = threading.Event()

    def save() -> None:
        while not stop.is_set():
            for net in nets:
                net.save(target)

    writer = threading.Thread(target=save)
    writer.start()
    try:
        for _ in range(50):
            w1 = wg.load(target).params["w1"]
            assert any((w1 == net.params["w1"]).all() for net in nets)
    finally:
        stop.set()
        writer.join()


def test_a_full_disk_leaves_the_old_file(target: Path) -> None:
    net = network()
    net.save(target)
    run = [sys.executable, "-c", FULL, str(target)]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"cannot write {target}: File too large"
    assert_same(wg.load(target), net)
    assert os.listdir(target.parent) == ["model"]


@pytest.mark.parametrize("name", ["fsync", "replace"])
@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_whatever_stops_it_the_old_file_stays_and_nothing_else(
    target: Path, name: str, fault: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise fault

    write_whole(target, [b"old"])
    monkeypatch.setattr(os, name, stop)
    with pytest.raises((wg.WhygradError, KeyboardInterrupt)):
        write_whole(target, [b"new"])
    assert target.read_bytes() == b"old"
    assert os.listdir(target.parent) == ["model"]


def test_parts_that_cannot_be_made_leave_the_old_file(target: Path) -> None:
    def parts() -> Iterator[bytes]:
        yield b"ne"
        raise RuntimeError

    write_whole(target, [b"old"])
    with pytest.raises(RuntimeError):
        write_whole(target, parts())
    assert target.read_bytes() == b"old"
    assert os.listdir(target.parent) == ["model"]


def test_it_is_on_the_disk_before_it_takes_the_place_of_the_old_one(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def noted(name: str) -> Callable[..., object]:
        real = getattr(os, name)

        def call(*arguments: Any) -> object:
            folder = name == "fsync" and stat.S_ISDIR(os.fstat(arguments[0]).st_mode)
            calls.append("fsync of the folder" if folder else name)
            return real(*arguments)

        return call

    for name in "fsync", "replace":
        monkeypatch.setattr(os, name, noted(name))
    write_whole(target, [b"new"])
    assert calls == ["fsync", "replace", "fsync of the folder"]


def test_a_symbolic_link_stays_one(target: Path) -> None:
    link = target.with_name("link")
    (target.parent / "folder").mkdir()
    link.symlink_to("folder/real")
    for content in b"one", b"two":  # there is nothing at its end at first
        write_whole(link, [content])
        assert link.is_symlink() and (target.parent / "folder" / "real").read_bytes() == content
    assert os.listdir(target.parent / "folder") == ["real"]


@pytest.mark.usefixtures("narrow_umask")
def test_permissions_are_those_of_the_old_file_or_the_usual_ones(target: Path) -> None:
    write_whole(target, [b"new"])
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    target.chmod(0o604)
    write_whole(target, [b"newer"])
    assert stat.S_IMODE(target.stat().st_mode) == 0o604


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write what is read-only")
def test_a_file_that_is_read_only_is_not_replaced(target: Path) -> None:
    write_whole(target, [b"old"])
    target.chmod(0o444)
    with pytest.raises(wg.WhygradError, match=f"cannot write {target}: Permission denied"):
        write_whole(target, [b"new"])
    assert target.read_bytes() == b"old"


def test_a_pipe_is_written_to_and_stays_a_pipe(target: Path) -> None:
    os.mkfifo(target)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(target.read_bytes()))
    reader.start()
    write_whole(target, [b"through ", b"the pipe"])
    reader.join()
    assert got == [b"through the pipe"] and target.is_fifo()


@pytest.mark.parametrize(
    ("name", "because"),
    [
        ("no/such/folder/model", "cannot write .*/no/such/folder/model: No such file or directory"),
        ("file/model", "cannot write .*/file/model: Not a directory"),
        (".", "cannot write .*: Is a directory"),
        ("x" * 300, "cannot write .*xxx: File name too long"),
        ("a\0b", "cannot write '.*a.*b': embedded null"),
        ("\ud800", "cannot write .*surrogates not allowed"),
    ],
)
def test_names_of_no_use(tmp_path: Path, name: str, because: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(wg.WhygradError, match=because):
        network().save(f"{tmp_path}/{name}")
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("call", [lambda p: network().save(p), wg.load, wg.read])
def test_what_is_no_name_at_all(call: Callable[[object], object]) -> None:
    for path in 3, None, np.ones(2), "":
        with pytest.raises(wg.WhygradError, match="a file's name is expected, not"):
            call(path)


def test_a_missing_model(target: Path) -> None:
    with pytest.raises(wg.WhygradError, match=f"cannot read {target}: No such file or directory"):
        wg.load(target)


def test_texts_of_any_system_are_read(target: Path) -> None:
    target.write_bytes("größer\r\nend\r".encode())
    assert read_text(target) == "größer\nend\n"
