"""Listings: the values of an index at which a sum has anything to add, and what it reads there."""

from __future__ import annotations

from dataclasses import dataclass

from .function import SIZES, Function
from .packed import Packed
from .value import Value


@dataclass(frozen=True, slots=True)
class Listing:
    """Lines of memory, one for each listed value of `index`, behind one that tells how many.

    A line has `width` numbers of the type `element`, and then the value, as large as they are.
    """

    base: Value
    index: str
    width: int
    element: str

    @property
    def places(self) -> str:
        """The index of the lines."""
        return f"listed·{self.index}"

    def packed(self, f: Function) -> Packed:
        """The numbers in the lines."""
        step = f.integer(self.width + 1)
        return Packed(f.offset(self.base, step, SIZES[self.element]), step, self.places, 1)

    def count(self, f: Function) -> Value:
        """How many lines there are."""
        return self._load(f, self.base)

    def value(self, f: Function, place: Value) -> Value:
        """The value of the index that a line is for."""
        behind = f.integer(self.width)
        return self._load(f, f.offset(self._line(f, place), behind, SIZES[self.element]))

    def put(self, f: Function, place: Value, numbers: Value, value: Value) -> None:
        """Write a line."""
        size, line = SIZES[self.element], self._line(f, place)
        f.command(f"store {numbers}, ptr {line.text}, align {size}")
        self._store(f, f.offset(line, f.integer(self.width), size), value)

    def put_all(self, f: Function, place: Value, value: Value, holds: Value) -> Value:
        """Write a line for each lane in which it holds; gives the place behind the last one.

        The lanes begin with a value. They may write into as many lines more.
        """
        lanes = holds.lanes
        steps = ", ".join(f"{self._whole} {k}" for k in range(lanes))
        first = f.spread(self._narrow(f, value), lanes)
        values = f.emit(f"add {first}, <{steps}>", self._whole, lanes, [first])
        rest = Value("poison", self._whole, lanes, f.root)
        name = f"llvm.experimental.vector.compress.v{lanes}{self._whole}"
        packed = f.call(name, self._whole, lanes, [values, holds, rest])
        line = self._line(f, place)
        f.command(f"store {packed}, ptr {line.text}, align {SIZES[self.element]}")
        bits = f.emit(f"bitcast {holds} to i{lanes}", f"i{lanes}", 1, [holds])
        bits = f.emit(f"zext {bits} to i64", "i64", 1, [bits])
        return f.add(place, f.call("llvm.ctpop.i64", "i64", 1, [bits]))

    def close(self, f: Function, count: Value) -> None:
        """Note how many lines were written."""
        self._store(f, self.base, count)

    def _line(self, f: Function, place: Value) -> Value:
        numbers = self.packed(f)
        return f.offset(numbers.base, f.multiply(place, numbers.step), SIZES[self.element])

    @property
    def _whole(self) -> str:
        return f"i{8 * SIZES[self.element]}"

    def _store(self, f: Function, pointer: Value, value: Value) -> None:
        text = f"store {self._narrow(f, value)}, ptr {pointer.text}, align {SIZES[self.element]}"
        f.command(text)

    def _narrow(self, f: Function, value: Value) -> Value:
        if self._whole == "i64":
            return value
        return f.emit(f"trunc {value} to {self._whole}", self._whole, 1, [value])

    def _load(self, f: Function, pointer: Value) -> Value:
        text = f"load {self._whole}, ptr {pointer.text}, align {SIZES[self.element]}"
        value = f.emit(text, self._whole, 1, [pointer], here=True)  # another loop wrote it
        if self._whole == "i64":
            return value
        return f.emit(f"zext {value} to i64", "i64", 1, [value])
