"""Engines: they compile a system into a program that maps arrays to arrays."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ..errors import WhygradError, nearest

if TYPE_CHECKING:
    from .base import Engine

# Each engine is the class of a module that is imported when it is first asked for.
ENGINES = {
    "reference": ("reference", "ReferenceEngine"),
    "native": ("native", "NativeEngine"),
}


def find(name: str, threads: int | None = None) -> Engine:
    """The engine of that name; raises WhygradError for a name that is unknown.

    `threads` is in how many threads it runs, for an engine that leaves the choice.
    """
    if not isinstance(name, str) or name not in ENGINES:
        raise WhygradError(f"unknown engine {name!r}; {nearest(str(name), ENGINES)}")
    module, kind = ENGINES[name]
    if threads is not None and name != "native":
        raise WhygradError(f"the engine {name} takes no threads; those are for engine='native'")
    chosen = {} if threads is None else {"threads": threads}
    engine: Engine = getattr(import_module(f"{__name__}.{module}"), kind)(**chosen)
    return engine
