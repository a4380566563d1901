"""The whole module: a function for each part, shared where two are alike, and `@step`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from math import prod
from typing import NamedTuple

from ....language.expression import Pad, Reference
from ....language.intervals import interval
from ....language.system import System
from ..code import Buffer, Code
from ..jit import Target
from ..names import ALL
from ..plan import Plan, Scatter
from .blocks import block_sizes
from .buffers import buffers
from .copies import COPY
from .function import Function
from .nest import NestWriter
from .packs import packs
from .parts import leaves, read_by, written_by
from .resident import OWN, resident
from .scatter import write_scatter
from .schedule import ACROSS, Scheduled, Scheduler, Stepped, Tiled, lanes
from .step import Call, Steps, StepWriter
from .tiles import NOMINAL
from .twins import Key, Shape
from .whole import whole_numbered

SMALL = 1 << 15
"""A part of fewer multiplications is run by one thread: the others would cost more than they do."""

OWN_COPY = 1 << 17
"""Numbers in a copy that each thread makes for itself, at most."""


def generate(
    plan: Plan, system: System, dtype: str, target: Target, updated: Iterable[str] = ()
) -> Code:
    """The code of a plan.

    `updated` are the tensors that a training step changes in place, in copies of the engine's own
    (see `resident`). Their new values are checked to be finite, as is the cost. All other results
    of a step go to the caller's memory.
    """
    return Module(plan, system, dtype, target, updated).code()


class Written(NamedTuple):
    """A function of the module and its arguments: tensors, run-time sizes, indices around it."""

    name: str
    buffers: tuple[str, ...]
    sizes: tuple[str, ...]
    outer: tuple[str, ...]


class Twin(NamedTuple):
    """The same with places in a shape's lists of names."""

    name: str
    buffers: tuple[int, ...]
    sizes: tuple[int, ...]
    outer: tuple[int, ...]


class Module:
    """A plan, scheduled, with its memory, and the code of it."""

    def __init__(
        self,
        plan: Plan,
        system: System,
        dtype: str,
        target: Target,
        updated: Iterable[str] = (),
    ) -> None:
        updated = frozenset(updated)
        self.resident = {name: name + OWN for name in sorted(updated)}
        self.plan, self.system = resident(plan, self.resident), system
        self.element = "float" if dtype == "float32" else "double"
        self.lanes, self.bits = lanes(target, self.element), target.vector_bits
        own = frozenset(self.resident.values())
        self.checked = own.union({str(system.cost)} if updated else ())
        self.constants = {i: s for i, s in plan.sizes.items() if s is not None}
        followed = frozenset(plan.results.values()) - updated if updated else frozenset()
        self.external = frozenset(self.plan.axes) - self.plan.assigned | followed
        whole = whole_numbered(self.plan, system)
        registers = target.vector_registers
        scheduler = Scheduler(self.plan, self.external, own, whole, self.lanes, registers)
        self.schedule = scheduler.schedule()
        self.lasting = frozenset(self.plan.results.values()) | own
        self.memory = buffers(
            self.schedule,
            system,
            self.lasting | updated,
            self.external,
            self.constants,
            whole,
            self.element,
            self.lanes,
        )
        copies = frozenset(n for n in self.memory if n.endswith(ACROSS))
        apart = copies.union(n for n in own if not self.memory[n].is_exchanged)
        for name, block in block_sizes(self.schedule, apart, self.memory, self.lanes).items():
            self.memory[name] = replace(self.memory[name], block=block, multiple=block, extra=0)
        for name in self._private():
            self.memory[name] = replace(self.memory[name], private=True)
        # of those that share a name, the widest stays
        packed = {b.name: b for b in sorted(self._packed(), key=_width)}
        if packed:
            self.memory |= packed
            self.lasting |= packed.keys()
        self.functions: dict[tuple[str, str], str] = {}
        self.helpers: dict[str, str] = {}
        self.twins: dict[Key, Twin] = {}

    def _private(self) -> Iterator[str]:
        """The copies that each thread makes for itself: those that several threads read.

        With one for all, every line of it would have to come from another processor's cache, and
        to be taken back before the next step can write to it, which takes longer than to copy it
        twice. Large ones are shared out: there may be many threads.
        """
        parts = list(leaves(self.schedule.parts))
        together = {name for p in parts if not self._is_single(p) for name in read_by(p)}
        for part in parts:
            if isinstance(part, Tiled) and part.exchange and self._work(part) <= OWN_COPY:
                yield from written_by(part) & together

    def _packed(self) -> Iterator[Buffer]:
        """Memory for what threads copy for themselves."""
        for part in leaves(self.schedule.parts):
            if isinstance(part, Tiled):
                yield from packs(part, self.memory, self.constants, self.element, self.lanes)

    def code(self) -> Code:
        """Everything, in an order that does not depend on chance."""
        step, text = self.step()
        calls = Counter(e.what.name for e in step.events if isinstance(e.what, Call))
        begin = StepWriter(self.memory, self.plan).copies("@begin", self.resident, into=True)
        end = StepWriter(self.memory, self.plan).copies("@end", self.resident, into=False)
        parts = (
            f"define internal void {name}({parameters}) #{int(calls[name] == 1)} {{\n"
            f"entry:\n{body}\n  ret void\n}}\n"
            for (parameters, body), name in self.functions.items()
        )
        helpers = (COPY, *(t for _, t in sorted(self.helpers.items())))
        usual = f'nounwind "prefer-vector-width"="{self.bits}"'
        # what is called at one place is put there: no arguments to pass, and less to translate
        attributes = f"attributes #0 = {{ {usual} }}\nattributes #1 = {{ alwaysinline {usual} }}\n"
        whole = "\n".join([*helpers, *parts, text, begin, end, attributes])
        return Code(whole, self.buffers(step.lives), step.runtime_sizes)

    def step(self) -> tuple[StepWriter, str]:
        """The function `@step`, and its text."""
        writer = StepWriter(self.memory, self.plan)
        return writer, writer.write("@step", tuple(map(self._call, self.schedule.parts)))

    def buffers(self, lives: Mapping[str, tuple[int, int]]) -> tuple[Buffer, ...]:
        """The buffers, each with the phases in which it is used; what lasts is used in all."""
        return tuple(
            b if b.external or b.name in self.lasting else replace(b, alive=lives[b.name])
            for b in self.memory.values()
        )

    def _call(self, part: Scheduled) -> Call | Steps:
        if isinstance(part, Stepped):
            body = tuple(self._call(inner) for inner in part.body)
            return Steps(part.loop.index, part.loop.direction, body)
        kept = frozenset(self.memory)
        reads, writes = read_by(part) & kept, written_by(part) & kept
        private = any(self.memory[name].private for name in writes)
        single = not private and self._is_single(part)
        if isinstance(part, Scatter):
            written = self._written(self._scatter(part))
        else:
            written = self._nest(part, single or private)
        return Call(part, *written, reads, writes, single, private)

    def _is_single(self, part: Tiled | Scatter) -> bool:
        """Whether one thread runs it."""
        return isinstance(part, Scatter) or part.split is None or self._work(part) < SMALL

    def _nest(self, part: Tiled, single: bool) -> Written:
        """The function of a nest: that of its twin, where there is one."""
        shape = Shape(part, self.memory, self.constants, self.checked, self._trusted)
        tensors, indices = list(shape.tensors), list(shape.indices)
        key = (single, shape.key)
        if key not in self.twins:
            shared = (self.element, self._lanes(part), self.memory, self.constants, self._trusted)
            new = self._written(NestWriter(part, *shared, self.checked, single).write())
            self.twins[key] = Twin(
                new.name,
                tuple(tensors.index(n) for n in new.buffers),
                tuple(indices.index(i) for i in new.sizes),
                tuple(indices.index(i) for i in new.outer),
            )
        twin = self.twins[key]
        return Written(
            twin.name,
            tuple(tensors[k] for k in twin.buffers),
            tuple(indices[k] for k in twin.sizes),
            tuple(indices[k] for k in twin.outer),
        )

    def _lanes(self, part: Tiled) -> int:
        """How many lanes vectors have, a power of 2: fewer where there are few numbers."""
        size = max(2, self.constants.get(part.lane or "", self.lanes))
        return self.lanes if part.exchange else min(self.lanes, 1 << (size - 1).bit_length())

    def _scatter(self, part: Scatter) -> Function:
        shared = (self.element, self.lanes, self.memory, self.constants, self._trusted)
        return write_scatter(part, *shared)

    def _written(self, function: Function) -> Written:
        """Take a function into the module, unless there is one with the same text."""
        text = function.parameters, "\n".join(function.text())
        self.helpers |= function.functions
        name = self.functions.setdefault(text, f"@part{len(self.functions)}")
        return Written(name, tuple(function.buffers), tuple(function.sizes), tuple(function.outer))

    def _trusted(self, e: Reference, axis: int) -> bool:
        """Whether a subscript stays in its range whatever the data are."""
        if e.tensor.endswith(ALL):
            return True
        buffer = self.memory[e.tensor]
        own = buffer.axes[buffer.order.index(axis)]
        if own.size is None:
            return False
        subscript = e.subscripts[axis]
        inner = subscript.subscript if isinstance(subscript, Pad) else subscript
        found = interval(inner, self.constants, self.system)
        return found is not None and -own.before <= found[0] and found[1] < own.size + own.after

    def _work(self, part: Tiled) -> int:
        """Multiplications, roughly, for a nominal number of samples."""
        work = 0
        for step in part.nest.steps:
            work += prod(self.constants.get(i, NOMINAL) for i in part.nest.space(step))
        return work


def _width(buffer: Buffer) -> int:
    """How long the last axis is, or 0 if that is not known."""
    return buffer.axes[-1].size or 0
