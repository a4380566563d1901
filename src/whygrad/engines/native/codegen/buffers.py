"""The buffers of a program: which tensors are kept in memory at all, and how they lie there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
        multiple = 1 if out or not axes else _multiple(memory, lanes)
        found[name] = Buffer(name, name, kind, memory, order, multiple, out)
    return found


def _multiple(axes: Sequence[Axis], lanes: int) -> int:
    """Of what the length of the last axis is a multiple: whole vectors.

    Rows that lie a multiple of 1,024 bytes apart share few places of the cache; such rows get a
    vector more.
    """
    size = axes[-1].size
    if size is None:
        return 2 * lanes  # blocks along a run-time index are of two vectors
    length = size + axes[-1].before + axes[-1].after
    length += -length % lanes
    crowded = len(axes) > 1 and length % (16 * lanes) == 0
    return length + lanes if crowded else lanes


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
