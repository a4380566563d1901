"""Compiled programs for another processor, run by an emulator of it.

It needs QEMU's user mode and a C compiler for 64-bit Arm; on Debian these are `qemu-user` and
`gcc-aarch64-linux-gnu`.
"""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from weakref import finalize

import numpy as np

from whygrad.engines.native.executable import Executable, Outcome
from whygrad.engines.native.memory import size_of
from whygrad.engines.native.threads import SUBSCRIPT, WORDS

COMPILER, EMULATOR = "aarch64-linux-gnu-gcc", "qemu-aarch64"

installed = bool(which(COMPILER) and which(EMULATOR))


@cache
def _folder() -> TemporaryDirectory[str]:
    """A folder with the caller of programs, translated; it goes with this process."""
    folder = TemporaryDirectory(prefix="whygrad-")
    source = Path(__file__).with_name("call.c")
    subprocess.run([COMPILER, "-O1", "-c", source, "-o", f"{folder.name}/call.o"], check=True)
    return folder


class Linked:
    """Stands in for `jit.Library`: a program to be run by the emulator."""

    count = 0

    def __init__(self, code: bytes, names: Iterable[str], symbols: Iterable[str] = ()) -> None:
        Linked.count += 1
        self.path = Path(_folder().name, f"program{Linked.count}")
        translated = self.path.with_suffix(".o")
        translated.write_bytes(code)
        parts = [f"{_folder().name}/call.o", translated]
        # static, so that the emulator needs to find no library
        command = [COMPILER, "-static", *parts, "-o", self.path, "-lm", "-lpthread"]
        subprocess.run(command, check=True)
        translated.unlink()
        finalize(self, self.path.unlink, missing_ok=True)

    def address(self, name: str) -> int:
        """Nowhere in this process."""
        return 0


class Emulated(Executable):
    """Calls the program in the emulator, on copies of the memory that it may touch."""

    _library: Linked

    def call(
        self,
        sizes: tuple[int, ...],
        pointers: Mapping[str, int],
        count: int = 1,
        strides: Mapping[str, int] | None = None,
        threads: int = 1,
    ) -> Outcome:
        """See `Executable.call`."""
        moving = strides or {}
        named = dict(zip(self.code.runtime_sizes, sizes, strict=True))
        addresses = self.memory.addresses(sizes, threads)
        block = self.memory._block  # in which these addresses are
        regions = [(block.ctypes.data, block.size, 0)]
        buffers = len(self.code.buffers)
        where = np.zeros((threads, buffers, 2), np.int64)
        where[:, self._own, 1] = np.array(addresses) - block.ctypes.data
        for name, slot in self.external.items():
            bytes_ = size_of(self.code.buffers[slot], named)
            where[:, slot] = len(regions), 0
            regions.append((pointers[name], count * moving[name] if name in moving else bytes_, 1))
        moves = [word for name, step in moving.items() for word in (self.external[name], step)]
        head = [
            threads,
            self._width,
            count,
            len(moving),
            len(sizes),
            len(regions),
            len(self.code.buffers),
        ]
        about = [word for start, size, wall in regions for word in (size, start % 64, wall)]
        words = np.array([*head, *moves, *sizes, *about, *where.flat], np.int64)
        memory = b"".join(ctypes.string_at(start, size) for start, size, _ in regions)
        done = subprocess.run(
            [EMULATOR, self._library.path],
            input=words.tobytes() + memory,
            stdout=subprocess.PIPE,
            timeout=60,  # threads that wait for each other would do so for ever
            check=True,
        )
        taken, *control = np.frombuffer(done.stdout, np.int64, 1 + WORDS).tolist()
        place = 8 * (1 + WORDS)
        for start, size, _ in regions:
            ctypes.memmove(start, done.stdout[place : place + size], size)
            place += size
        assert place == len(done.stdout)
        return Outcome(taken, bool(control[SUBSCRIPT]))
