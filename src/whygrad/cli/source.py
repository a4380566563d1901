"""Where a command finds its network: a text, a saved model, layers in short, or the input."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

import typer

from ..errors import LanguageError, WhygradError

if TYPE_CHECKING:
    from ..calculus import Derivation
    from ..model import Network

LENGTH = 8  # bytes with which a safetensors file says how long its header is

Net = typer.Argument(
    metavar="NET", help="A network's text (a .wg file, or - for the input), or a saved model."
)
Data = typer.Argument(metavar="DATA", help="A table: a CSV or Parquet file.")


def open_network(name: str) -> Network:
    """The network of a text or of a saved model; `-` is a text that comes in."""
    from .. import model

    if name != "-":
        return model.load(name) if is_model(name) else model.read(name)
    if sys.stdin is None:
        raise WhygradError("there is no input to read")
    try:
        return model.Network(sys.stdin.buffer.read().decode("utf-8"))
    except UnicodeDecodeError:
        raise WhygradError("what came in is no UTF-8 text") from None


def is_model(name: str) -> bool:
    """Whether a file is a safetensors file, whose first bytes no text has."""
    beginning = b""
    with suppress(OSError, ValueError), open(name, "rb") as file:
        beginning = file.read(LENGTH + 1)
    return b"\0" in beginning and beginning.endswith(b"{")


def is_there(name: str) -> bool:
    """Whether there is anything under this name."""
    try:
        return Path(name).exists()
    except (OSError, ValueError):
        return False


def is_short(name: str) -> bool:
    """Whether layers are written in short, as dense:16:tanh,dense:3, and it is no file's name."""
    return ":" in name and not name.endswith(".wg") and not is_there(name)


def check_output(option: str, name: str, *inputs: str) -> None:
    """Raise WhygradError where a file cannot be written, or would replace what is read."""
    place = Path(name)
    if not name:
        raise WhygradError(f"{option} is empty: name a file")
    if not is_there(str(place.parent)):
        raise WhygradError(f"{option} {name}: there is no folder '{place.parent}'")
    if is_there(name) and place.is_dir():
        raise WhygradError(f"{option} {name}: it is a folder; name a file in it")
    for source in inputs:
        if is_there(name) and is_there(source) and place.samefile(source):
            raise WhygradError(f"{option} {name} would replace a file that is read: choose another")
    try:
        _try_to_write(place)
    except OSError as error:
        raise WhygradError(f"{option} {name}: it cannot be written: {error.strerror}") from None


def _try_to_write(place: Path) -> None:
    """Raise OSError where no file can be written, before hours of work are lost for it."""
    try:
        place.stat()
    except FileNotFoundError:
        with TemporaryFile(dir=place.parent):
            return
    if not os.access(place, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


@contextmanager
def faults_in(name: str) -> Iterator[None]:
    """Say of which file a fault in a text speaks."""
    try:
        yield
    except LanguageError as error:
        raise WhygradError(f"{'the input' if name == '-' else name}: {error}") from None


def check_wanted(derivation: Derivation) -> None:
    """Raise WhygradError where there is no parameter by which to derive."""
    if not derivation.wanted:
        raise WhygradError(
            f"there is no parameter by which to derive {derivation.cost}: add a line 'param ...', "
            "or name a tensor for `whygrad derive` by --wrt"
        )
