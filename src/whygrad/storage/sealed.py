"""Arrays and words about them in one file, under a seal: a safetensors file with a checksum.

The checksum stands in the metadata. It is the SHA-256 of the whole file as it is with zeros in
the checksum's own place, so that no bit of it can change unnoticed. Equal contents give equal
bytes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import BinaryIO

import numpy as np

from ..errors import DataError
from ..network.data import Arrays
from .files import Bytes, reading, write_whole

FORMAT = "whygrad model"
VERSION = "1"

# a header may hold so many bytes, as safetensors has it
LONGEST_HEADER = 100_000_000

_LENGTH = 8  # the bytes at the start that give the length of the header
_ZEROS = "0" * 64


@dataclass(frozen=True)
class Sealed:
    """What is in a file: arrays by name, and words by name."""

    arrays: Arrays
    words: Mapping[str, str]


def write_sealed(path: object, content: Sealed) -> None:
    """Write a file, whole or not at all; the words `checksum`, `format` and `version` are added."""
    from safetensors.numpy import save

    arrays = {name: np.asarray(array, order="C") for name, array in content.arrays.items()}
    words = {**content.words, "format": FORMAT, "version": VERSION, "checksum": _ZEROS}
    raw = memoryview(save(arrays, words))
    end = _header_end(raw)
    # the library writes the words in an order that changes from run to run
    entries = json.loads(bytes(raw[_LENGTH:end]))
    header = json.dumps(entries, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    if len(header) > LONGEST_HEADER:
        raise DataError(
            f"cannot write {path}: its text, history and the like take {len(header):,} bytes, "
            f"and {LONGEST_HEADER:,} is the limit"
        )
    start, data = len(header).to_bytes(_LENGTH, "little"), raw[end:]
    checksum = _checksum(start, header, data)
    write_whole(path, [start, header.replace(_entry(_ZEROS), _entry(checksum), 1), data])


def read_sealed(path: object) -> Sealed:
    """Read a file that `write_sealed` wrote.

    Raises DataError for any other file, be it foreign, newer, cut short or changed.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    with reading(path) as file:
        words = _words(file)
        if words is None or words.get("format") != FORMAT:
            raise DataError(f"{path} is no model that whygrad saved, or not the whole of one")
        if words.get("version") != VERSION:
            raise DataError(
                f"{path} was saved by whygrad {words.get('whygrad')} in version "
                f"{words.get('version')} of the format; this whygrad reads version {VERSION}: "
                "install a newer one"
            )
        file.seek(0)
        raw = file.read()
    end = _header_end(raw)
    header, found = raw[_LENGTH:end], words.get("checksum", "")
    zeroed = header.replace(_entry(found), _entry(_ZEROS), 1)
    if found != _checksum(raw[:_LENGTH], zeroed, memoryview(raw)[end:]):
        raise DataError(f"{path} is damaged: it was cut short, or bytes of it were changed")
    try:
        return Sealed(load(raw), words)
    except (SafetensorError, KeyError, ValueError) as error:
        raise DataError(f"{path} is damaged: {error}") from None


def _words(file: BinaryIO) -> dict[str, str] | None:
    """The words of a safetensors file, or None where it is none or ends too early."""
    start = file.read(_LENGTH)
    length = _header_end(start) - _LENGTH
    if length > min(LONGEST_HEADER, os.fstat(file.fileno()).st_size - _LENGTH):
        return None
    try:
        entries = json.loads(file.read(length))
    except (ValueError, RecursionError):
        return None
    words = entries.get("__metadata__") if isinstance(entries, dict) else None
    if isinstance(words, dict) and all(isinstance(word, str) for word in words.values()):
        return words
    return None


def _header_end(raw: Bytes) -> int:
    return _LENGTH + int.from_bytes(raw[:_LENGTH], "little")


def _entry(checksum: str) -> bytes:
    """How the checksum stands in the header; within a word a quotation mark has a backslash."""
    return f'"checksum":"{checksum}"'.encode(errors="replace")


def _checksum(*parts: Bytes) -> str:
    digest = sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
