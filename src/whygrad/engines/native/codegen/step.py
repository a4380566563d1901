"""`@step`: the calls of all parts in order, and the barriers between those that need them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..code import Buffer
from ..plan import Plan, Scatter
from .function import SIZES
from .schedule import Tiled
from .value import Value
from .writer import Writer


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a part's function, what it reads and writes, and whether one thread runs it.

    `buffers`, `sizes` and `outer` (indices of loops around it) are the arguments. A `private` part
    is not shared: every thread runs all of it, and writes to private buffers only.
    """

    part: Tiled | Scatter
    name: str
    buffers: tuple[str, ...]
    sizes: tuple[str, ...]
    outer: tuple[str, ...]
    reads: frozenset[str]
    writes: frozenset[str]
    single: bool
    private: bool = False


@dataclass(frozen=True, slots=True)
class Steps:
    """Calls for each value of an index."""

    index: str
    direction: int
    body: tuple[Call | Steps, ...]

    @property
    def single(self) -> bool:
        """Whether one thread runs all of it."""
        return all(part.single for part in self.body)

    @property
    def reads(self) -> frozenset[str]:
        """What any part reads."""
        return frozenset[str]().union(*(part.reads for part in self.body))

    @property
    def writes(self) -> frozenset[str]:
        """What any part writes."""
        return frozenset[str]().union(*(part.writes for part in self.body))


@dataclass(frozen=True, slots=True)
class Event:
    """A call, the beginning of a loop, or (None) a barrier, so deep inside loops."""

    depth: int
    what: Call | Steps | None


class StepWriter(Writer):
    """Writes `@step`: the calls in order, and the barriers between those that need them.

    `events` says what was written, and `lives` in which phases a tensor is in use; a phase ends
    at a barrier.
    """

    def __init__(self, memory: Mapping[str, Buffer], plan: Plan) -> None:
        super().__init__()
        self.memory = memory
        self.slots = {name: k for k, name in enumerate(memory)}
        self.constants = {i: s for i, s in plan.sizes.items() if s is not None}
        self.runtime_sizes = tuple(i for i, s in plan.sizes.items() if s is None)
        self.control = Value("%control", "ptr", 1, self.root)
        self.thread = Value("%thread", "i64", 1, self.root)
        self.threads = Value("%threads", "i64", 1, self.root)
        self.indices: dict[str, Value] = {}
        self.pending: list[Call | Steps] = []
        self.phase = self.depth = 0
        self.events: list[Event] = []
        self.lives: dict[str, tuple[int, int]] = {}

    def write(self, name: str, calls: tuple[Call | Steps, ...]) -> str:
        """The text of a function that makes the calls."""
        self._sequence(calls)
        return self._function(name)

    def copies(self, name: str, resident: Mapping[str, str], into: bool) -> str:
        """The text of a function that copies what is resident in (or back out), in one thread."""
        only = self.begin(self.thread, self.integer(1), 1, may_be_empty=True)
        for caller, own in resident.items():
            self._copy(caller, own, into)
        self.end(only)
        return self._function(name)

    def _copy(self, caller: str, own: str, into: bool) -> None:
        """Copy a tensor row by row, and block by block where it lies in blocks."""
        buffer = self.memory[own]
        if buffer.is_exchanged:
            self._exchange(caller, own, into)
            return
        size, rows, length = SIZES[buffer.element], self.integer(1), self.integer(1)
        for axis in buffer.axes[:-1]:
            rows = self.multiply(rows, self._size(axis.index))
        if buffer.axes:
            length = self._size(buffer.axes[-1].index)
        padded = self.add(self.round_up(length, buffer.multiple), self.integer(buffer.extra))
        width = padded if buffer.block is None else self.integer(buffer.block)
        loop = self.begin(self.integer(0), length, width.constant or 1) if buffer.block else None
        first = loop.counter if loop else self.integer(0)
        mine = self.offset(self._pointer(own), self.multiply(first, rows), size)
        theirs = self.offset(self._pointer(caller), first, size)
        bytes_ = self.multiply(
            self.minimum(width, self.subtract(length, first)), self.integer(size)
        )
        steps = [self.multiply(n, self.integer(size)) for n in (width, length)]
        pointers = (mine, theirs) if into else (theirs, mine)
        arguments = (*pointers, *(steps if into else reversed(steps)), bytes_, rows)
        self.command(f"call void @copy({', '.join(map(str, arguments))})")
        if loop:
            self.end(loop)

    def _exchange(self, caller: str, own: str, into: bool) -> None:
        """Copy a small matrix number by number, to where its axes have changed places."""
        buffer = self.memory[own]
        element, size = buffer.element, SIZES[buffer.element]
        width, length = (self._size(axis.index) for axis in buffer.axes)
        apart = self.add(self.round_up(length, buffer.multiple), self.integer(buffer.extra))
        down = self.begin(self.integer(0), length, 1)
        across = self.begin(self.integer(0), width, 1)
        mine = self.add(self.multiply(across.counter, apart), down.counter)
        theirs = self.add(self.multiply(down.counter, width), across.counter)
        pointers = [
            self.offset(self._pointer(name), place, size)
            for name, place in ((own, mine), (caller, theirs))
        ]
        to, source = pointers if into else reversed(pointers)
        number = self.emit(f"load {element}, {source}", element, 1, [source], here=True)
        self.command(f"store {number}, {to}")
        self.end(across)
        self.end(down)

    def _function(self, name: str) -> str:
        body = "\n".join(self.text())
        parameters = "ptr %buffers, ptr %sizes, i64 %thread, i64 %threads, ptr %control, i64 %left"
        return f"define internal void {name}({parameters}) #1 {{\nentry:\n{body}\n  ret void\n}}\n"

    def _sequence(self, calls: tuple[Call | Steps, ...]) -> None:
        for single, group in _groups(calls):
            if any(self._clash(p, c) for p in self.pending for c in group):
                self._barrier()
            if single:
                # the loop has a turn for thread 0 and none for the others
                only = self.begin(self.thread, self.integer(1), 1, may_be_empty=True)
                for call in group:
                    self._one(call, alone=True)
                self.end(only)
                self.pending += group
            else:
                for call in group:
                    self._one(call, alone=False)

    def _one(self, call: Call | Steps, alone: bool) -> None:
        if isinstance(call, Steps):
            self._steps(call, alone)
            return
        whole = alone or call.private
        threads = ["i64 0", "i64 1"] if whole else ["i64 %thread", "i64 %threads"]
        arguments = [
            *(str(self._pointer(name)) for name in call.buffers),
            *(str(self._size(index)) for index in call.sizes),
            *(str(self.indices[index]) for index in call.outer),
            "ptr %control",
            *threads,
            "i64 %left",
        ]
        if not alone:
            if any(self._clash(p, call) for p in self.pending):
                self._barrier()
            self.pending.append(call)
        self.command(f"call void {call.name}({', '.join(arguments)})")
        self.events.append(Event(self.depth, call))
        self._lives(call, self.phase)

    def _barrier(self) -> None:
        self.command("call void @barrier(ptr %control, i64 %threads)")
        self.events.append(Event(self.depth, None))
        self.pending.clear()
        self.phase += 1

    def _clash(self, first: Call | Steps, second: Call | Steps) -> bool:
        """Whether the second has to wait for the first."""
        if first.single and second.single:
            return False
        both = first.writes & (second.reads | second.writes) | first.reads & second.writes
        return not all(self.memory[name].private for name in both)

    def _lives(self, call: Call | Steps, since: int) -> None:
        """Note which tensors are in use from a phase to the present one."""
        for name in call.reads | call.writes:
            first, _ = self.lives.get(name, (since, 0))
            self.lives[name] = min(first, since), self.phase

    def _steps(self, call: Steps, alone: bool) -> None:
        size, since = self._size(call.index), self.phase
        self.events.append(Event(self.depth, call))
        self.depth += 1
        loop = self.begin(self.integer(0), size, 1)
        value = loop.counter
        if call.direction < 0:
            value = self.subtract(self.subtract(size, self.integer(1)), loop.counter)
        self.indices[call.index] = value
        if alone:
            for inner in call.body:
                self._one(inner, alone=True)
        else:
            self._barrier()
            self._sequence(call.body)
        self.end(loop)
        self.depth -= 1
        del self.indices[call.index]
        if not alone:
            self.pending.append(call)
        self._lives(call, since)

    def _pointer(self, name: str) -> Value:
        """A buffer's address, read where it is needed: kept, it would take up a register."""
        text = f"getelementptr ptr, ptr %buffers, i64 {self.slots[name]}"
        place = self.emit(text, "ptr", 1, (), here=True)
        return self.emit(f"load ptr, ptr {place.text}", "ptr", 1, (), here=True)

    def _size(self, index: str) -> Value:
        if index in self.constants:
            return self.integer(self.constants[index])
        known = self.known(("size", index))
        if known is None:
            slot = self.runtime_sizes.index(index)
            text = f"getelementptr i64, ptr %sizes, i64 {slot}"
            place = self.emit(text, "ptr", 1, [self.integer(0)])
            known = self.emit(f"load i64, ptr {place.text}", "i64", 1, [place])
            self.note(("size", index), known)
        return known


def _groups(calls: tuple[Call | Steps, ...]) -> Iterator[tuple[bool, list[Call | Steps]]]:
    """Neighbours that one thread runs, together."""
    group: list[Call | Steps] = []
    for call in calls:
        if call.single:
            group.append(call)
            continue
        if group:
            yield True, group
            group = []
        yield False, [call]
    if group:
        yield True, group
