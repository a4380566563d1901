"""Runs the code of a plan on arrays that have guards around them, which it must not touch."""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from math import prod
from textwrap import dedent
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from whygrad.engines.native import jit
from whygrad.engines.native.code import Buffer
from whygrad.engines.native.codegen.module import Module
from whygrad.engines.native.jit import Library, Target, externals, host, machine_code
from whygrad.engines.native.lowering import lower
from whygrad.engines.native.memory import ELEMENTS, memory_shape, placed, view, zeros
from whygrad.engines.native.plan import Assign, Nest, Part, Plan, assigned
from whygrad.engines.native.threads import INFINITE, SUBSCRIPT, barrier_ir, new_control, together
from whygrad.language.parsing import parse
from whygrad.language.system import System

Array = NDArray[Any]
Fence = Literal["before", "behind"]

GUARD = 4096
"""Bytes before and behind every buffer; vectors may be read a little beyond one."""

AVX512 = Target(
    jit.X86.triple, "x86-64", "+avx,+avx2,+fma,+avx512f,+avx512vl,+avx512dq,+avx512bw,+avx512cd"
)

ENTER = """
define void @enter(
    ptr %buffers, ptr %sizes, i64 %thread, i64 %threads, ptr %control, i64 %left
) {
  call void @begin(ptr %buffers, ptr %sizes, i64 %thread, i64 %threads, ptr %control, i64 0)
  call void @barrier(ptr %control, i64 %threads)
  call void @step(ptr %buffers, ptr %sizes, i64 %thread, i64 %threads, ptr %control, i64 %left)
  call void @barrier(ptr %control, i64 %threads)
  call void @end(ptr %buffers, ptr %sizes, i64 %thread, i64 %threads, ptr %control, i64 0)
  ret void
}
"""

_WORD, _POINTER = ctypes.c_int64, ctypes.c_void_p
_ENTER = ctypes.CFUNCTYPE(None, _POINTER, _POINTER, _WORD, _WORD, _POINTER, _WORD)


@cache
def runnable() -> tuple[Target, ...]:
    """The processors whose code this machine runs."""
    found = [t for t in (AVX512, jit.AVX2) if all(map(host().has, _names(t)))]
    return (*found, jit.X86) if host().is_x86 else (host(),)


def _names(target: Target) -> list[str]:
    return [f.removeprefix("+") for f in target.features.split(",")]


class Compiled:
    """A plan as machine code.

    After `run`, `flags` has the two flags: a subscript outside its range, a value not finite.
    """

    def __init__(
        self,
        plan: Plan,
        system: System,
        dtype: str = "float64",
        target: Target | None = None,
        updated: Iterable[str] = (),
    ) -> None:
        target = target or host()
        self.plan, self.dtype = plan, np.dtype(dtype)
        self.module = Module(plan, system, dtype, target, updated)
        self.code = self.module.code()
        text = "\n".join((barrier_ir(target), self.code.text, ENTER))
        self._library = Library(machine_code(text, target), ["enter"], externals(text))
        self._enter = _ENTER(self._library.address("enter"))
        self.flags = (False, False)

    def run(
        self,
        arrays: Mapping[str, object],
        sizes: Mapping[str, int] | None = None,
        threads: int = 1,
        shared: bool = False,
        fence: Fence | None = None,
        left: int = 0,
    ) -> dict[str, Array]:
        """Every tensor that lies in memory, after a step that so many others follow.

        `shared` lets the engine's own share their memory. Fails if anything was written outside of
        them; with a `fence`, reading on that side of the caller's arrays ends the process.
        """
        known = {i: s for i, s in self.plan.sizes.items() if s is not None} | dict(sizes or {})
        buffers = self.code.buffers
        blocks = [
            Guarded(b, known, k, fence if b.external else None) for k, b in enumerate(buffers)
        ]
        own = [k for k, b in enumerate(buffers) if not b.external]
        others = [
            [Guarded(b, known, k) if b.private else blocks[k] for k, b in enumerate(buffers)]
            for _ in range(threads - 1)
        ]
        if shared:
            places = placed([buffers[k] for k in own], known, threads)
            room = zeros(places.size)
            room[:] = 255
            for number, found in enumerate([blocks, *others]):
                for k, offset, step in zip(own, places.offsets, places.steps, strict=True):
                    found[k].move(room, offset + number * step)
        for buffer, block in zip(buffers, blocks, strict=True):
            if buffer.tensor in arrays and buffer.external:
                block.tensor[...] = np.asarray(arrays[buffer.tensor])
        tables = [(_WORD * len(t))(*(b.address for b in t)) for t in (blocks, *others)]
        numbers = [known[i] for i in self.code.runtime_sizes]
        values, control = (_WORD * len(numbers))(*numbers), new_control()

        def enter(number: int) -> int:
            table = ctypes.addressof(tables[number])
            self._enter(table, values, number, threads, control, left)
            return 0

        together(enter, control, threads)
        self.flags = bool(control[SUBSCRIPT]), bool(control[INFINITE])
        for block in (b for found in (blocks, *others) for b in found):
            assert block.untouched, f"written outside of {block.buffer.name}\n{self.plan}"
        return {b.name: m.tensor.copy() for b, m in zip(buffers, blocks, strict=True)}


class Guarded:
    """The memory of one buffer, between guards of random bytes; it begins as NaN.

    What keeps its place from step to step begins as zeros instead, as it does in the engine.
    """

    def __init__(
        self, buffer: Buffer, sizes: Mapping[str, int], seed: int, fence: Fence | None = None
    ) -> None:
        self.buffer, self.sizes = buffer, sizes
        element = ELEMENTS[buffer.element]
        self.size = prod(memory_shape(buffer, sizes)) * element.itemsize
        self.start = 0 if fence == "before" else GUARD
        behind = 0 if fence == "behind" else GUARD
        length = self.start + self.size + behind
        self.room = zeros(length) if fence is None else fenced(length, fence)
        self.guards = np.random.default_rng(seed).integers(0, 256, length - self.size, np.uint8)
        front, back = self._around
        front[:], back[:] = self.guards[: self.start], self.guards[self.start :]
        self.room[self.start :][: self.size] = 255 if buffer.alive is not None else 0
        self.move(self.room, self.start)

    def move(self, room: Array, offset: int) -> None:
        """Let it lie elsewhere."""
        if self.buffer.alive is None:
            room[offset : offset + self.size] = 0
        self.address = room.ctypes.data + offset
        self.tensor = view(self.buffer, self.sizes, room, offset)

    @property
    def untouched(self) -> bool:
        """Whether the guards are as they were."""
        return bool(np.array_equal(np.concatenate(self._around), self.guards))

    @property
    def _around(self) -> tuple[Array, Array]:
        return self.room[: self.start], self.room[self.start + self.size :]


def fenced(size: int, side: Fence) -> Array:
    """So many bytes, next to which there is memory that nobody may read."""
    page = mmap.PAGESIZE
    length = -(-size // page) * page
    room = np.frombuffer(mmap.mmap(-1, length + 2 * page), np.uint8)
    forbidden = room.ctypes.data + (0 if side == "before" else page + length)
    assert ctypes.CDLL(None).mprotect(ctypes.c_void_p(forbidden), page, 0) == 0
    inner = room[page : page + length]
    return inner[:size] if side == "before" else inner[length - size :]


# Plans from texts


def lowered(
    text: str,
    in_place: bool = False,
    target: Target | None = None,
    dtype: str = "float64",
    sparse: frozenset[str] = frozenset(),
    **s: int,
) -> Compiled:
    """All that a text computes, or its step of training, compiled."""
    system = parse(dedent(text))
    updates = [u.name for u in system.updates]
    names = [t.name for t in system.of_kind("equation")]
    plan = lower(system, s, [*names, *(f"{u} <-" for u in updates)], True, in_place)
    plan = replace(plan, sparse=sparse)
    return Compiled(plan, system, dtype, target, updates if in_place else ())


def nests(text: str, together: bool = False, **sizes: int | None) -> tuple[Plan, System]:
    """A plan with a nest for each equation of a text, or one nest for all of them."""
    system = parse(dedent(text))
    steps = [Assign(e.name, e.subscripts, e.value) for (e,) in system.definitions.values()]
    found = [Nest(tuple(map(str, s.subscripts)), (s,)) for s in steps]
    parts = [Nest(found[0].indices, tuple(steps))] if together else found
    return plan_of(parts, system, sizes), system


def plan_of(
    parts: Sequence[Part],
    system: System,
    sizes: Mapping[str, int | None],
    wanted: Iterable[str] | None = None,
) -> Plan:
    """A plan of these parts, of which everything is wanted, or some of it."""
    axes = {name: t.indices for name, t in system.tensors.items()}
    names = [n for p in parts for n in assigned(p)] if wanted is None else wanted
    return Plan(tuple(parts), axes, sizes, {n: n for n in names})
