"""The native engine: systems as machine code, for one evaluation or a whole epoch."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from ...errors import DataError
from ...language.system import System
from ..base import Array
from ..request import Request
from .arrays import Unusual
from .epoch import Epochs
from .jit import Target, host
from .once import Once

if TYPE_CHECKING:
    from ..reference import ReferenceProgram


MOST_THREADS = 1024
"""More than any one machine has cores for; each takes memory."""


class NativeEngine:
    """Compiles systems to machine code.

    `threads` says in how many threads a program runs; without it, in as many as a step is worth,
    and in a long training in as many as take the least time (see `pace`). The result is the same
    bit for bit in any number. `target` is the processor to compile for: this one, or a plainer one
    of its kind.
    """

    name = "native"

    def __init__(self, threads: int | None = None, target: Target | None = None) -> None:
        if threads is not None and not (
            isinstance(threads, int | np.integer) and 1 <= threads <= MOST_THREADS
        ):
            raise DataError(
                f"threads has to be a whole number from 1 to {MOST_THREADS}, not {threads!r}"
            )
        self.threads = threads
        self.target = target

    def compile(
        self,
        system: System,
        sizes: Mapping[str, int],
        wanted: Sequence[str],
        dtype: str = "float64",
        training: bool = True,
    ) -> NativeProgram:
        """See `engines.base.Engine`. Machine code is made when it is first needed."""
        request = Request(system, sizes, wanted, dtype, training)
        return NativeProgram(request, self.threads, self.target or host())


class NativeProgram:
    """See `engines.base.Program`.

    What machine code cannot take or cannot finish is left to a program of the reference engine:
    it has the words for all that can be wrong.
    """

    def __init__(self, request: Request, threads: int | None, target: Target) -> None:
        self.wanted = request.wanted
        self._request = request
        self._threads = threads
        self._target = target
        self._lock = Lock()
        self._epochs: Epochs | None = None

    def run(self, arrays: Mapping[str, Array], seed: int = 0, step: int = 0) -> dict[str, Array]:
        """See `engines.base.Program.run`."""
        with self._lock:
            try:
                return self._once.run(arrays, seed, step)
            except Unusual:
                return self._reference.run(arrays, seed, step)

    def epoch(
        self,
        arrays: MutableMapping[str, Array],
        order: Array,
        batch_size: int,
        seed: int = 0,
        step: int = 0,
        room: MutableMapping[str, Array] | None = None,
    ) -> dict[str, Array]:
        """See `engines.base.Program.epoch`."""
        room = {} if room is None else room
        with self._lock:
            try:
                if self._epochs is None:
                    request, threads = self._request.step(), self._threads
                    self._epochs = Epochs(
                        request, lambda: self._reference, threads, self._target, arrays
                    )
                return self._epochs.run(arrays, order, batch_size, seed, step, room)
            except Unusual:
                return self._reference.epoch(arrays, order, batch_size, seed, step)

    @cached_property
    def _once(self) -> Once:
        return Once(self._request, self._threads, self._target)

    @cached_property
    def _reference(self) -> ReferenceProgram:
        from ..reference import ReferenceProgram

        return ReferenceProgram(self._request)
