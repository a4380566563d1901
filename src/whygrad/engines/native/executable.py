"""Compiled code that can be called, with the memory that it works in."""

from __future__ import annotations

import ctypes
from array import array
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ..base import Array
from .code import Code
from .jit import Library
from .memory import ELEMENTS, LINE, Memory, memory_shape
from .threads import SUBSCRIPT, new_control, together

_WORD, _POINTER = ctypes.c_int64, ctypes.c_void_p
_EPOCH = ctypes.CFUNCTYPE(_WORD, _POINTER, _POINTER, _WORD, _WORD, _POINTER, _WORD, _POINTER, _WORD)
"""The type of `@epoch`, see `driver`."""

_BYTES = ctypes.sizeof(_WORD)


@lru_cache(64)
def _words(values: tuple[int, ...]) -> ctypes.Array[ctypes.c_int64]:
    """The numbers as compiled code reads them; it does not change them."""
    return (_WORD * len(values))(*values)


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
        # so many words for each thread that no two of them write to one cache line
        self._width = len(code.buffers) + LINE // _BYTES
        self._own = [k for k, b in enumerate(code.buffers) if not b.external]
        self._most = 1
        self._tables: list[int] = []
        self._addresses: list[list[int]] | None = None
        self._library = Library(machine_code, ["epoch"], symbols)
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
        tables = self._filled(sizes, pointers, threads)
        moves = tuple(word for n, s in (strides or {}).items() for word in (self.external[n], s))
        places, values, control = _words(moves), _words(sizes), new_control()
        start, _ = tables.buffer_info()

        def enter(number: int) -> int:
            done: int = self._epoch(
                start + number * self._width * _BYTES,
                values,
                number,
                threads,
                control,
                count,
                places,
                len(moves) // 2,
            )
            return done

        done = together(enter, control, threads)
        return Outcome(done, bool(control[SUBSCRIPT]))

    def allocate(self, tensor: str, sizes: Mapping[str, int]) -> Array:
        """Memory for an external tensor."""
        return np.empty(self.shape(tensor, sizes), self.dtype(tensor))

    def dtype(self, tensor: str) -> np.dtype[Any]:
        """The type of an external tensor's numbers."""
        return ELEMENTS[self.code.buffers[self.external[tensor]].element]

    def shape(self, tensor: str, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """The shape of an external tensor in memory."""
        return tuple(memory_shape(self.code.buffers[self.external[tensor]], sizes))

    def _filled(
        self, sizes: tuple[int, ...], pointers: Mapping[str, int], threads: int
    ) -> array[int]:
        """A table of buffers for each thread, with the addresses of all."""
        self._most = max(self._most, threads)
        addresses, width = self.memory.addresses(sizes, self._most), self._width
        if addresses is not self._addresses:
            self._tables = [0] * (width * self._most)
            for number, own in enumerate(addresses):
                for slot, address in zip(self._own, own, strict=True):
                    self._tables[number * width + slot] = address
            self._addresses = addresses
        for name, slot in self.external.items():
            self._tables[slot::width] = [pointers[name]] * self._most
        return array("q", self._tables)
