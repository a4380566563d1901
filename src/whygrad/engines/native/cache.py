"""Compiled programs on disk: what was compiled once need not be compiled again.

A cache may be missing, full, damaged or somebody else's; then there is none, and never an error.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from tempfile import mkstemp

LIMIT = 128 * 2**20
"""Bytes of all files together; beyond, those go first that were not used for the longest time."""

ABANDONED = 3600.0
"""Seconds after which a file that was never finished is removed."""

SUFFIX = ".whygrad"
"""Ends the name of each file."""

_UNFINISHED = ".new-"
_DIGEST = 32


def folder() -> Path | None:
    """Where the programs are: $WHYGRAD_CACHE, or the platform's place; None if that is "0"."""
    named = os.environ.get("WHYGRAD_CACHE", "")
    if named:
        return None if named == "0" else Path(named)
    try:
        if sys.platform == "win32":
            return Path(os.environ["LOCALAPPDATA"]) / "whygrad" / "cache"
        if sys.platform == "darwin":
            return Path.home() / "Library" / "Caches" / "whygrad"
        configured = Path(os.environ.get("XDG_CACHE_HOME", ""))
        return (configured if configured.is_absolute() else Path.home() / ".cache") / "whygrad"
    except (KeyError, RuntimeError):  # there is no home
        return None


def read(key: str) -> bytes | None:
    """What was written under a key, every byte of it as it was; None if it is not there."""
    place = folder()
    if place is None:
        return None
    path = place / f"{key}{SUFFIX}"
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            if not _trusted(os.fstat(file.fileno())):
                return None
            content = file.read()
    except OSError:
        return None
    if content[:_DIGEST] != _digest(key, content[_DIGEST:]):
        return None
    with suppress(OSError):
        os.utime(path)
    return content[_DIGEST:]


def write(key: str, content: bytes) -> None:
    """Keep the content under a key, if that is possible.

    A reader finds all of it or nothing, also where several processes write at once.
    """
    place = folder()
    if place is None:
        return
    with suppress(OSError):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = mkstemp(suffix=SUFFIX, prefix=_UNFINISHED, dir=place)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_digest(key, content) + content)
            os.replace(name, place / f"{key}{SUFFIX}")
        except BaseException:
            os.unlink(name)
            raise
        _prune(place)


def _open_at_once(path: str, flags: int) -> int:
    """Open a file, and do not wait for a writer if it is a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _digest(key: str, content: bytes) -> bytes:
    """Over the key as well: the file of another key is none."""
    return blake2b(key.encode() + content, digest_size=_DIGEST).digest()


def _trusted(status: os.stat_result) -> bool:
    """Whether it is a file that nobody else can have written: what is in it will be executed."""
    if not stat.S_ISREG(status.st_mode):
        return False
    return sys.platform == "win32" or (status.st_uid == os.getuid() and not status.st_mode & 0o022)


def _prune(place: Path) -> None:
    """Remove what was not used for the longest time, until the rest is within the limit.

    The folder may be one that the user named and keeps other things in: only our files count.
    """
    now, total = time.time(), 0
    for used, size, path in sorted(_files(place), reverse=True):
        total += size
        abandoned = path.name.startswith(_UNFINISHED) and now - used > ABANDONED
        if total > LIMIT or abandoned:
            with suppress(OSError):
                path.unlink()


def _files(place: Path) -> Iterator[tuple[float, int, Path]]:
    """When each of our files was last used, and how large it is."""
    for path in place.glob(f"*{SUFFIX}"):
        with suppress(OSError):
            status = path.lstat()
            yield status.st_mtime, status.st_size, path
