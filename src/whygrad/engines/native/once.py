"""One evaluation of a system in machine code."""

from __future__ import annotations

from collections.abc import Mapping

from ..base import Array
from ..request import Request
from .arrays import Unusual, suited
from .build import build
from .executable import Executable
from .jit import Target
from .layouts import Layouts
from .work import worthwhile


class Once:
    """A request as machine code, for any number of samples."""

    def __init__(self, request: Request, threads: int | None, target: Target) -> None:
        self._request = request
        self._threads = threads
        self._build = build(request, False, target)
        self._executable = Executable(
            self._build.code, self._build.machine_code, self._build.symbols
        )
        self._layouts = Layouts(request, self._build)

    def run(self, arrays: Mapping[str, Array], seed: int, step: int) -> dict[str, Array]:
        """See `engines.base.Program.run`; raises Unusual where the reference engine must run."""
        request, executable = self._request, self._executable
        layout = self._layouts.find(request.samples(arrays))
        given = request.prepared(arrays, layout.sizes, layout.shapes.__getitem__)
        for t in request.system.of_kind("noise"):
            if t.name in executable.external or t.name in request.wanted:
                given[t.name] = request.noise(t.name, layout.shapes[t.name], seed, step)
        values = {}
        for name in executable.external:
            if name in given:
                values[name] = suited(given[name], executable.dtype(name))
            else:
                values[name] = executable.allocate(name, layout.sizes)
        threads = self._threads or worthwhile(layout.operations)
        pointers = {name: array.ctypes.data for name, array in values.items()}
        if executable.call(layout.values, pointers, threads=threads).outside:
            raise Unusual
        return {name: self._result(name, given, values) for name in request.wanted}

    def _result(self, name: str, given: Mapping[str, Array], values: Mapping[str, Array]) -> Array:
        """What was asked for, in an array of its own."""
        tensor = self._build.results[name]
        if tensor in given:
            return given[tensor].copy()
        if tensor in values:
            return values[tensor] if tensor == name else values[tensor].copy()
        return self._executable.memory.view(tensor).copy(order="C")
