"""One function of the module: its arguments, and where in memory tensors lie."""

from __future__ import annotations

from collections.abc import Mapping

from ....language.expression import Index, Reference
from ..code import Axis, Buffer
from .value import Value
from .writer import Writer

SIZES = {"float": 4, "double": 8, "i64": 8}


class Function(Writer):
    """A function that gets what it uses of buffers, run-time sizes and loop indices.

    It also knows its thread, among so many, and how many steps are `left` after this one.

    `buffers`, `sizes` and `outer` list what it turned out to use, in order of first use, and
    `functions` has the text of functions that it calls.
    """

    def __init__(self, memory: Mapping[str, Buffer], constants: Mapping[str, int]) -> None:
        super().__init__()
        self.memory = memory
        self.constants = constants
        self.buffers: list[str] = []
        self.sizes: list[str] = []
        self.outer: list[str] = []
        self.functions: dict[str, str] = {}
        self.thread = Value("%thread", "i64", 1, self.root)
        self.threads = Value("%threads", "i64", 1, self.root)
        self.left = Value("%left", "i64", 1, self.root)
        self.control = Value("%control", "ptr", 1, self.root)

    @property
    def nowhere(self) -> Value:
        """Memory of no meaning, for what is not to be read or written."""
        known = self.known("nowhere")
        if known is None:
            known = self.note("nowhere", Value(self.fresh(), "ptr", 1, self.root))
            self.root.code.append(f"  {known.text} = alloca [64 x i64], align 64")
        return known

    def cell(self, value: Value) -> Value:
        """Memory for one number, which is this one at first."""
        cell = Value(self.fresh(), "ptr", 1, self.root)
        text = f"  {cell.text} = alloca {value.type}", f"  store {value}, ptr {cell.text}"
        self.root.code += text
        return cell

    @property
    def parameters(self) -> str:
        """The list of parameters; the names do not tell which tensors they stand for."""
        return ", ".join(
            [
                *(f"ptr noalias %b{k}" for k in range(len(self.buffers))),
                *(f"i64 %n{k}" for k in range(len(self.sizes))),
                *(f"i64 %o{k}" for k in range(len(self.outer))),
                "ptr %control",
                "i64 %thread",
                "i64 %threads",
                "i64 %left",
            ]
        )

    def argument(self, letter: str, found: list[str], name: str, element: str) -> Value:
        """The parameter for a name, a new one if it is the first use."""
        if name not in found:
            found.append(name)
        return Value(f"%{letter}{found.index(name)}", element, 1, self.root)

    def size(self, index: str) -> Value:
        """How many values an index takes."""
        if index in self.constants:
            return self.integer(self.constants[index])
        return self.argument("n", self.sizes, index, "i64")

    def outer_index(self, index: str) -> Value:
        """The value of the index of a loop around this function."""
        return self.argument("o", self.outer, index, "i64")

    def pointer(self, tensor: str) -> Value:
        """Where a tensor begins."""
        return self.argument("b", self.buffers, tensor, "ptr")

    def strides(self, tensor: str) -> list[Value]:
        """The steps in memory, in elements, of each axis of the tensor; inside of a block."""
        buffer = self.memory[tensor]
        found: dict[int, Value] = {}
        step = self.integer(1)
        last = len(buffer.axes) - 1
        for k in range(last, -1, -1):
            found[buffer.order[k]] = step
            if k:
                length = self.length(buffer.axes[k])
                if k == last and buffer.block is not None:
                    length = self.integer(buffer.block)
                elif k == last:
                    length = self.add(
                        self.round_up(length, buffer.multiple), self.integer(buffer.extra)
                    )
                step = self.multiply(step, length)
        return [found[k] for k in range(len(buffer.axes))]

    def stride(self, e: Reference, index: str) -> Value:
        """How far apart neighbours along an index are, in elements."""
        axis = e.subscripts.index(Index(index))
        return self.strides(e.tensor)[axis]

    def corner(self, e: Reference, indices: Mapping[str, Value]) -> Value:
        """Where the element of a reference with plain indices lies."""
        size = SIZES[self.memory[e.tensor].element]
        pointer = self.pointer(e.tensor)
        for axis, (subscript, stride) in enumerate(
            zip(e.subscripts, self.strides(e.tensor), strict=True)
        ):
            assert isinstance(subscript, Index)
            place = self.add(indices[subscript.name], self.integer(self.before(e.tensor, axis)))
            pointer = self.offset(pointer, self.multiply(place, stride), size)
            if self.is_blocked(e.tensor, axis):
                more = self.multiply(self.block_number(e.tensor, place), self.jump(e.tensor))
                pointer = self.offset(pointer, more, size)
        return pointer

    def is_blocked(self, tensor: str, axis: int) -> bool:
        """Whether the tensor's axis is cut into blocks."""
        buffer = self.memory[tensor]
        return buffer.block is not None and buffer.order[-1] == axis

    def block_number(self, tensor: str, place: Value) -> Value:
        """In which block a place on the last axis is."""
        return self.divide(place, self.memory[tensor].block or 1)

    def jump(self, tensor: str) -> Value:
        """From a place to the one that follows it in the next block, beyond one inside a block."""
        buffer = self.memory[tensor]
        rows = self.integer(1)
        for axis in buffer.axes[:-1]:
            rows = self.multiply(rows, self.length(axis))
        block = self.integer(buffer.block or 0)
        return self.multiply(self.subtract(rows, self.integer(1)), block)

    def length(self, axis: Axis) -> Value:
        """How many places an axis has."""
        return self.add(self.size(axis.index), self.integer(axis.before + axis.after))

    def before(self, tensor: str, place: int) -> int:
        """How many places the tensor's axis has before 0."""
        buffer = self.memory[tensor]
        return buffer.axes[buffer.order.index(place)].before
