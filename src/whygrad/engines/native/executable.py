"""Compiled code that can be called, with the memory that it works in."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from .code import Code
from .jit import Library
from .memory import Memory
from .threads import SUBSCRIPT, new_control, together

_WORD, _POINTER = ctypes.c_int64, ctypes.c_void_p
_EPOCH = ctypes.CFUNCTYPE(_WORD, _POINTER, _POINTER, _WORD, _WORD, _POINTER, _WORD, _POINTER, _WORD)
"""The type of `@epoch`, see `driver`."""


class Outcome(NamedTuple):
    """How many steps went well, and whether a subscript left its range in the one after them."""

    steps: int
    outside: bool


class Executable:
    """A step as machine code. Only one thread may call it at a time."""

    def __init__(self, code: Code, machine_code: bytes, symbols: Sequence[str]) -> None:
        self.code = code
        self.memory = Memory(code)
        self.external = {b.tensor: k for k, b in enumerate(code.buffers) if b.external}
        self._external = list(self.external.values())
        self._own = [k for k, b in enumerate(code.buffers) if not b.external]
        self._library = Library(machine_code, symbols)
        self._epoch = _EPOCH(self._library.address("epoch"))

    def call(
        self,
        sizes: tuple[int, ...],
        pointers: Mapping[str, int],
        count: int = 1,
        strides: Mapping[str, int] | None = None,
        threads: int = 1,
    ) -> Outcome:
        """Take `count` steps, or fewer if one of them sets a flag.

        `pointers` has the address of every external tensor's array, which must stay as long as
        this call. From step to step some of them move on by so many bytes (`strides`).
        """
        words = len(self.code.buffers) + 8  # so that two threads write to different cache lines
        tables = np.zeros((threads, words + -words % 8), np.int64)
        tables[:, self._own] = self.memory.addresses(sizes)
        tables[:, self._external] = [pointers[name] for name in self.external]
        moves = np.array([(self.external[n], s) for n, s in (strides or {}).items()], np.int64)
        values = np.array(sizes, np.int64)
        control = new_control()
        first, size_place = tables.ctypes.data, values.ctypes.data
        control_place, move_place = control.ctypes.data, moves.ctypes.data

        def enter(number: int) -> int:
            done: int = self._epoch(
                first + number * tables.strides[0],
                size_place,
                number,
                threads,
                control_place,
                count,
                move_place,
                len(moves),
            )
            return done

        done = together(enter, control, threads)
        return Outcome(done, bool(control[SUBSCRIPT]))
