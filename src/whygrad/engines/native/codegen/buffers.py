"""The buffers of a program: which tensors are kept in memory at all, and how they lie there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ....language.expression import Reference, references
from ....language.ranges import margins
from ....language.system import System
from ..code import Axis, Buffer
from ..plan import Scatter
from .parts import leaves, read_by
from .schedule import Schedule


def buffers(
    schedule: Schedule,
    system: System,
    wanted: frozenset[str],
    external: frozenset[str],
    constants: Mapping[str, int],
    whole: frozenset[str],
    element: str,
    lanes: int,
) -> dict[str, Buffer]:
    """The buffers by name.

    `wanted` are kept in any case, `external` lie in the caller's memory, `whole` hold whole
    numbers. What is read only where it is computed needs none.
    """
    extra = margins(system)
    found: dict[str, Buffer] = {}
    for name in sorted(wanted | _read_elsewhere(schedule)):
        axes, order = schedule.axes[name], schedule.orders[name]
        beyond = extra.get(name, ((0, 0),) * len(axes))
        memory = tuple(Axis(axes[k], constants.get(axes[k]), *beyond[k]) for k in order)
        out = name in external
        kind = "i64" if name in whole else element
        buffer = Buffer(name, name, kind, memory, order, external=out)
        found[name] = buffer if out or not axes else _padded(buffer, lanes)
    return found


def _padded(buffer: Buffer, lanes: int) -> Buffer:
    """The buffer with rows of whole vectors.

    Rows that lie a multiple of 1,024 bytes apart share few places of the cache; such rows, and
    those of which it is not known, get a vector more.
    """
    last = buffer.axes[-1]
    if last.size is None:  # blocks along a run-time index are of two vectors
        return replace(buffer, multiple=2 * lanes, extra=lanes if len(buffer.axes) > 1 else 0)
    length = last.size + last.before + last.after
    length += -length % lanes
    crowded = len(buffer.axes) > 1 and length % (16 * lanes) == 0
    return replace(buffer, multiple=lanes, extra=lanes if crowded else 0)


def _read_elsewhere(schedule: Schedule) -> frozenset[str]:
    """Tensors that are read in another part than their own, or at another place."""
    found: set[str] = set()
    for part in leaves(schedule.parts):
        if isinstance(part, Scatter):
            found |= {part.name, *read_by(part)}
            continue
        done: set[Reference] = set()
        for step in part.nest.steps:
            found |= {r.tensor for r in references(step.value) if r not in done}
            done.add(step.target)
    return frozenset(found)
