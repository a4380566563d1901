"""What the code generator hands on: the text of a module, and the memory that it works in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a buffer: an index, and how many places there are before 0 and after its end.

    `size` is that of the index, or None for one whose size comes with each call.
    """

    index: str
    size: int | None
    before: int = 0
    after: int = 0


@dataclass(frozen=True, slots=True)
class Buffer:
    """The memory of one tensor, or of a copy of it in another layout.

    `axes` stand in the order of memory, the last one contiguous; `order` says which axis of the
    tensor each of them is. The last axis is as long as a multiple of `multiple`, and `extra`
    places more. An external buffer is the caller's array, C-contiguous; the others are the
    engine's own. `element` is "float", "double" or "i64".

    `alive` are the first and the last part of the program that use an internal buffer; before and
    after, its place may hold others. Without it, the buffer keeps its place, and its padding
    stays zero.

    With a `block` the last axis is cut into so many places each time: all of the buffer at the
    first of them lies first, in one piece. Of a `private` buffer each thread has one of its own.
    """

    name: str
    tensor: str
    element: str
    axes: tuple[Axis, ...]
    order: tuple[int, ...]
    multiple: int = 1
    external: bool = False
    alive: tuple[int, int] | None = None
    block: int | None = None
    extra: int = 0
    private: bool = False

    @property
    def is_exchanged(self) -> bool:
        """Whether its axes have another order in memory than the tensor's."""
        return list(self.order) != sorted(self.order)


@dataclass(frozen=True, slots=True)
class Code:
    """LLVM IR with the function `@step`, and the tables that it expects.

    `buffers` is the order of the table of pointers, `runtime_sizes` that of the table of sizes.
    """

    text: str
    buffers: tuple[Buffer, ...]
    runtime_sizes: tuple[str, ...]
