"""Files: read with one clear message where that fails, and written whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

from ..errors import WhygradError

Bytes = bytes | memoryview


def read_text(path: object) -> str:
    """The text of a file in UTF-8; raises WhygradError, which names the file."""
    try:
        with reading(path) as file, TextIOWrapper(file, "utf-8") as text:
            return text.read()
    except UnicodeDecodeError:
        raise WhygradError(f"cannot read {path}: it is no UTF-8 text") from None


@contextmanager
def reading(path: object) -> Iterator[BinaryIO]:
    """A file that is open for reading; raises WhygradError, which names it, where that fails."""
    with _faults("read", path) as name, open(name, "rb") as file:
        yield file


def write_whole(path: object, parts: Iterable[Bytes]) -> None:
    """Write the parts, one after the other, as the content of a file: all of it or nothing.

    They go to a temporary file in the same folder, which then takes the place of the file.
    Whatever happens, be it the end of the process, the file holds either what it held before or
    all that is new; only where the process is killed may the temporary file be left behind.
    A symbolic link stays one, and the permissions of a file that was there are kept. A device or
    a pipe is written to directly.

    Raises WhygradError, which names the file, where it cannot be written.
    """
    with _faults("write", path) as name:
        old = _status(name)
        if old is None or stat.S_ISREG(old.st_mode):
            _replace(Path(os.path.realpath(name)), old, parts)
        else:
            with open(name, "wb") as file:
                file.writelines(parts)


def _status(name: str) -> os.stat_result | None:
    try:
        return os.stat(name)
    except FileNotFoundError:
        return None


def _replace(target: Path, old: os.stat_result | None, parts: Iterable[Bytes]) -> None:
    if old is not None:
        with open(target, "r+b"):  # a file that may not be written may not be replaced
            pass
    temporary = target.with_name(f".whygrad-{token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        if old is not None:
            temporary.chmod(stat.S_IMODE(old.st_mode))
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    with suppress(OSError):  # not every system can; the file is whole all the same
        _synchronise(target.parent)


def _synchronise(folder: Path) -> None:
    """See to it that what a folder lists outlasts a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _faults(doing: str, path: object) -> Iterator[str]:
    """The name of a file; what goes wrong with it becomes a message."""
    if not isinstance(path, str | os.PathLike) or path == "":
        raise WhygradError(f"a file's name is expected, not {path!r}")
    try:
        with suppress(OSError):
            os.lstat(path)
    except ValueError as error:  # a character that no name may hold
        raise WhygradError(f"cannot {doing} {str(path)!r}: {error}") from None
    try:
        yield os.fsdecode(path)
    except OSError as error:
        raise WhygradError(f"cannot {doing} {path}: {error.strerror or error}") from None
