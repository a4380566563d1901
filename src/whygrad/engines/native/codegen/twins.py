"""What two parts have to have in common to be run by the same function.

The names of tensors and indices do not matter, only which are the same, how large they are, and
how they lie in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ....language.expression import Expression, Index, Reduce, Reference, Size
from ..code import Buffer
from .packs import packs
from .schedule import Tiled

Key = tuple[object, ...]


class Shape:
    """The shape of a nest; `tensors` and `indices` are its names, in order of first occurrence."""

    def __init__(
        self,
        tiled: Tiled,
        memory: Mapping[str, Buffer],
        constants: Mapping[str, int],
        checked: frozenset[str],
        trusted: Callable[[Reference, int], bool],
    ) -> None:
        self.tensors: dict[str, int] = {}
        self.indices: dict[str, int] = {}
        self._memory, self._constants = memory, constants
        self._checked, self._trusted = checked, trusted
        nest = tiled.nest
        how = (tiled.rows, tiled.vectors, tiled.exchange)
        loops = tuple(self._index(i) for i in nest.indices)
        lane = None if tiled.lane is None else self._index(tiled.lane)
        row = None if tiled.row is None else self._index(tiled.row)
        steps = tuple((self._key(s.target), self._key(s.value)) for s in nest.steps)
        packed = [self._tensor(b.name) for b in packs(tiled, memory, constants, "", 0)]
        self.key: Key = (how, loops, lane, row, steps, *packed)

    def _index(self, name: str) -> Key:
        known = self.indices.get(name)
        if known is not None:
            return (known,)
        self.indices[name] = len(self.indices)
        return (self.indices[name], self._constants.get(name))

    def _tensor(self, name: str) -> Key:
        known = self.tensors.get(name)
        if known is not None:
            return (known,)
        self.tensors[name] = len(self.tensors)
        b = self._memory.get(name)
        if b is None:
            return (self.tensors[name],)
        axes = tuple((self._index(a.index), a.size, a.before, a.after) for a in b.axes)
        lies = (b.element, axes, b.order, b.multiple, b.extra, b.external, b.block)
        return (self.tensors[name], lies, name in self._checked)

    def _key(self, e: Expression) -> Key:
        if isinstance(e, Index):
            return self._index(e.name)
        if isinstance(e, Size):
            return ("size", self._index(e.index))
        if isinstance(e, Reference):
            safe = (
                tuple(
                    isinstance(s, Index) or self._trusted(e, k) for k, s in enumerate(e.subscripts)
                )
                if e.tensor in self._memory
                else ()
            )
            return (self._tensor(e.tensor), safe, *map(self._key, e.subscripts))
        if isinstance(e, Reduce):
            condition = () if e.condition is None else self._key(e.condition)
            own = tuple(map(self._index, e.indices))
            return (e.operation, own, condition, self._key(e.body))
        parts = []
        for name in e.fields:
            value = getattr(e, name)
            if isinstance(value, Expression):
                parts.append(self._key(value))
            elif isinstance(value, tuple):
                parts.append(tuple(map(self._key, value)))
            else:
                parts.append(value)
        return (type(e), *parts)
