"""Decides how each nest runs: which index the lanes run along, which the rows of a tile, and
how tensors lie in memory.

Lanes want memory that is contiguous along them. A tensor is laid out with the lanes of the nest
that computes it along its last axis; where a reduction reads one across, it gets a copy with its
axes exchanged, if that costs less than gathering.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import prod

from ....language.expression import Expression, Index, Reduce, Reference, references
from ..jit import Target
from ..plan import Assign, Loop, Nest, Part, Scatter, assigned
from .costs import GATHER, Costs

ACROSS = "ᵗ"
"""Ends the name of a copy with its axes exchanged."""


@dataclass(frozen=True, slots=True)
class Tiled:
    """A nest, and how it runs: `rows` points of `row` by `vectors` vectors of `lane` at a time.

    Without a lane it runs point by point. The lane may be an index of a reduction; its lanes are
    then added up at the end. Turns of a sum are left out in which a tile reads only zeros of
    `skips`. What a block of lanes reads of `transposed` is transposed before its tiles read it.
    """

    nest: Nest
    lane: str | None
    row: str | None
    rows: int
    vectors: int
    skips: Reference | None = None
    transposed: Reference | None = None
    exchange: bool = False

    @property
    def split(self) -> str | None:
        """The index along which threads share the work; without one it is for one thread."""
        return self.row or next((i for i in self.nest.indices if i != self.lane), None)


@dataclass(frozen=True, slots=True)
class Stepped:
    """Parts that run for each value of an index."""

    loop: Loop
    body: tuple[Scheduled, ...]


Scheduled = Tiled | Scatter | Stepped


@dataclass(frozen=True, slots=True)
class Schedule:
    """All parts in order, the axes of all tensors, and those of each in the order of memory."""

    parts: tuple[Scheduled, ...]
    axes: Mapping[str, tuple[str, ...]]
    orders: Mapping[str, tuple[int, ...]]


def lanes(target: Target, element: str) -> int:
    """How many numbers a vector holds."""
    return target.vector_bits // (32 if element == "float" else 64)


class Scheduler(Costs):
    """Schedules a plan."""

    def schedule(self) -> Schedule:
        """The schedule of the whole plan."""
        parts = tuple(self._parts(self.plan.parts, frozenset()))
        return Schedule(parts, self.axes, self.orders)

    def _parts(self, parts: Iterable[Part], own: frozenset[str]) -> Iterator[Scheduled]:
        """Schedule parts; `own` are the tensors that the loop around them computes."""
        for part in parts:
            if isinstance(part, Nest):
                copies, tiled = self._nest(part, own)
                yield from copies
                yield tiled
                self._forget({step.name for step in part.steps})
            elif isinstance(part, Loop):
                inside = frozenset(assigned(part))
                body = list(self._parts(part.body, own | inside))
                # what does not change in the loop is copied before it
                yield from (p for p in body if _is_copy(p))
                yield Stepped(part, tuple(p for p in body if not _is_copy(p)))
                self._forget(inside)
            else:
                yield part
                self._forget({part.name})

    def _forget(self, written: Iterable[str]) -> None:
        """Copies of tensors that have changed are of no use any more."""
        changed = set(written)
        self.copies = {key: name for key, name in self.copies.items() if key[0] not in changed}

    # Lanes

    def _nest(self, nest: Nest, own: frozenset[str]) -> tuple[list[Tiled], Tiled]:
        lane = min(self._candidates(nest), key=lambda c: self.cost(nest, c, own))
        copies: list[Tiled] = []
        if lane is not None:
            self._settle(nest, lane)
            nest, copies = self._with_copies(nest, lane, own)
            self._place(nest, lane)
        form = self.tile(nest, lane, own)
        if form.transposed is not None:
            self.free.discard(form.transposed.tensor)  # panels are of the order that it has now
        return copies, Tiled(nest, lane, *form)

    def _candidates(self, nest: Nest) -> list[str | None]:
        """The last index first, since it is preferred among equals."""
        found: list[str | None] = [*reversed(nest.indices)]
        same = len({r.indices for r in nest.reductions}) == 1
        if same and all(r.operation != "argmax" for r in nest.reductions):
            found += reversed(nest.reductions[0].indices)
        return [*found, None]

    # Copies with the axes exchanged

    def _with_copies(self, nest: Nest, lane: str, own: frozenset[str]) -> tuple[Nest, list[Tiled]]:
        """The nest with references across lanes turned into ones along copies."""
        copies: list[Tiled] = []
        written = {step.name for step in nest.steps}
        points = prod(self.size(i) for i in nest.indices)
        replaced: dict[Reference, Reference] = {}
        transposed = self.tile(nest, lane, own).transposed
        for step in nest.steps:
            if not isinstance(step.value, Reduce):
                continue
            inner = prod(self.size(i) for i in step.value.indices)
            for reference in dict.fromkeys(references(step.value)):
                if (
                    reference.tensor in written
                    or self.kind(reference, lane) != "across"
                    or reference == transposed
                    or not self.copyable(reference, own)
                    or self.exchange(reference.tensor) > points * inner * GATHER
                ):
                    continue
                name, made = self._copy(reference, lane)
                copies += made
                replaced[reference] = Reference(name, reference.subscripts)
        if not replaced:
            return nest, []
        steps = tuple(replace(s, value=_replaced(s.value, replaced)) for s in nest.steps)
        return Nest(nest.indices, steps), copies

    def _copy(self, reference: Reference, lane: str) -> tuple[str, list[Tiled]]:
        """The name of the copy in which the lane's axis is last, and the nest that makes it."""
        tensor = reference.tensor
        axes = self.axes[tensor]
        place = next(k for k, s in enumerate(reference.subscripts) if s == Index(lane))
        if (tensor, place) in self.copies:
            return self.copies[tensor, place], []
        name = f"{tensor}{ACROSS}{place}" if len(axes) > 2 else f"{tensor}{ACROSS}"
        while name in self.axes:
            name += ACROSS
        self.copies[tensor, place] = name
        self.free.discard(tensor)  # the copy is made from the order that it has now
        self.axes[name] = axes
        self.orders[name] = (*(k for k in range(len(axes)) if k != place), place)
        self.placed.add(name)
        subscripts = tuple(Index(i) for i in axes)
        nest = Nest(axes, (Assign(name, subscripts, Reference(tensor, subscripts)),))
        last = axes[self.orders[tensor][-1]]
        return name, [Tiled(nest, axes[place], last, self.lanes, 1, exchange=True)]

    def _place(self, nest: Nest, lane: str) -> None:
        """Lay out what the nest computes with the lanes' axis last."""
        for step in nest.steps:
            if step.name in self.fixed or step.name in self.placed:
                continue
            self.placed.add(step.name)
            self._order(step.target, lane)
            if lane not in step.target.free:
                self.free.add(step.name)

    def _settle(self, nest: Nest, lane: str) -> None:
        """Lay out what is free, and read point by point, with the lanes' axis last."""
        for step in nest.steps:
            for reference in references(step.value):
                if lane in reference.free and self.is_free(reference, nest.space(step)):
                    self.free.discard(reference.tensor)
                    self._order(reference, lane)

    def _order(self, e: Reference, lane: str) -> None:
        """Lay out a tensor with the lanes' axis last, if they run along one."""
        places = [k for k, s in enumerate(e.subscripts) if s == Index(lane)]
        if places and len(e.subscripts) == len(self.axes[e.tensor]):
            rest = [k for k in range(len(e.subscripts)) if k != places[0]]
            self.orders[e.tensor] = (*rest, places[0])


def _replaced(e: Expression, by: Mapping[Reference, Reference]) -> Expression:
    if isinstance(e, Reference) and e in by:
        return by[e]
    return e.map(lambda child: _replaced(child, by))


def _is_copy(part: Scheduled) -> bool:
    return isinstance(part, Tiled) and part.exchange
