"""Formulas that write LLVM IR: a value stands for one SSA name, and operators append lines.

Nothing optimises what is written, so one operator is one instruction. Every
value has the same number of lanes; one lane is a scalar.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Format:
    """An IEEE binary format, and the integers of its width."""

    element: str
    integer: str
    letter: str
    bits: int
    mantissa: int

    @property
    def bias(self) -> int:
        """What the exponent of 1 is stored as."""
        return (1 << (self.bits - self.mantissa - 2)) - 1

    @property
    def one(self) -> int:
        """The bits of 1."""
        return self.bias << self.mantissa

    @property
    def half(self) -> int:
        """The bits of ½."""
        return self.one - (1 << self.mantissa)

    @property
    def rounder(self) -> float:
        """Added to a number below 2**(mantissa - 1), it rounds it to a whole one, kept in the
        lowest bits of the sum (Muller, Elementary Functions, section 11.1)."""
        return 1.5 * 2.0**self.mantissa

    @property
    def rounder_bits(self) -> int:
        """The bits of the rounder; a whole number added to them is added to the rounder."""
        return ((self.bias + self.mantissa) << self.mantissa) + (1 << (self.mantissa - 1))


FORMATS = {
    "float": Format("float", "i32", "f32", 32, 23),
    "double": Format("double", "i64", "f64", 64, 52),
}


class Writer:
    """Collects the lines of straight-line code over one number type and number of lanes."""

    def __init__(self, element: str, lanes: int, fresh: Callable[[], str]) -> None:
        self.format = FORMATS[element]
        self.lanes = lanes
        self.fresh = fresh
        self.lines: list[str] = []

    def value(self, name: str) -> Value:
        """An SSA name of the writer's own number type."""
        return Value(self, name, self.format.element)

    def type(self, element: str) -> str:
        """The LLVM type of values of an element type."""
        return element if self.lanes == 1 else f"<{self.lanes} x {element}>"

    def line(self, element: str, text: str) -> Value:
        """Append an instruction whose result has this element type."""
        name = self.fresh()
        self.lines.append(f"{name} = {text}")
        return Value(self, name, element)

    def text(self, operand: Value | float, element: str) -> str:
        """An operand as LLVM writes it, without its type."""
        if isinstance(operand, Value):
            return operand.name
        constant = constant_text(operand, element)
        return constant if self.lanes == 1 else f"splat ({element} {constant})"

    def call(self, intrinsic: str, element: str, *arguments: Value | float) -> Value:
        """Call an intrinsic whose arguments and result have one type."""
        kind = self.type(element)
        letter = FORMATS[element].letter
        suffix = letter if self.lanes == 1 else f"v{self.lanes}{letter}"
        listed = ", ".join(f"{kind} {self.text(argument, element)}" for argument in arguments)
        return self.line(element, f"call {kind} @llvm.{intrinsic}.{suffix}({listed})")


@lru_cache(maxsize=1024)
def constant_text(number: float, element: str) -> str:
    """A constant, rounded to the element type; LLVM writes a float with the bits of a double."""
    if element.startswith("i"):
        return str(int(number))
    if element == "float":
        number = struct.unpack("<f", struct.pack("<f", number))[0]
    return f"0x{struct.unpack('<Q', struct.pack('<d', number))[0]:016X}"


@dataclass(frozen=True, slots=True)
class Value:
    """One SSA value. `element` is float, double, an integer type, or i1 for a truth."""

    writer: Writer
    name: str
    element: str

    @property
    def format(self) -> Format:
        """The binary format of the value, or of floats as wide as this integer."""
        return FORMATS["float" if self.element in ("float", "i32") else "double"]

    def _binary(
        self, float_name: str, int_name: str, left: Value | float, right: Value | float
    ) -> Value:
        name = float_name if self.element in FORMATS else int_name
        w, element = self.writer, self.element
        return w.line(
            element, f"{name} {w.type(element)} {w.text(left, element)}, {w.text(right, element)}"
        )

    def __add__(self, other: Value | float) -> Value:
        return self._binary("fadd", "add", self, other)

    def __radd__(self, other: float) -> Value:
        return self._binary("fadd", "add", other, self)

    def __sub__(self, other: Value | float) -> Value:
        return self._binary("fsub", "sub", self, other)

    def __rsub__(self, other: float) -> Value:
        return self._binary("fsub", "sub", other, self)

    def __mul__(self, other: Value | float) -> Value:
        return self._binary("fmul", "mul", self, other)

    def __truediv__(self, other: Value | float) -> Value:
        return self._binary("fdiv", "", self, other)

    def __rtruediv__(self, other: float) -> Value:
        return self._binary("fdiv", "", other, self)

    def __and__(self, other: Value | int) -> Value:
        return self._binary("", "and", self, other)

    def __or__(self, other: Value | int) -> Value:
        return self._binary("", "or", self, other)

    def __xor__(self, other: Value | int) -> Value:
        return self._binary("", "xor", self, other)

    def __lshift__(self, places: int) -> Value:
        return self._binary("", "shl", self, places)

    def __rshift__(self, places: int) -> Value:
        """Shift right, zeros coming in."""
        return self._binary("", "lshr", self, places)

    def shift_signed(self, places: int) -> Value:
        """Shift right, copies of the sign coming in."""
        return self._binary("", "ashr", self, places)

    def __neg__(self) -> Value:
        return self.writer.line(self.element, f"fneg {self.writer.type(self.element)} {self.name}")

    def __abs__(self) -> Value:
        return self.writer.call("fabs", self.element, self)

    def compare(self, relation: str, other: Value | float) -> Value:
        """A truth; false where a side is NaN unless the relation starts with u."""
        w = self.writer
        name = "fcmp" if self.element in FORMATS else "icmp"
        return w.line(
            "i1",
            f"{name} {relation} {w.type(self.element)} {self.name}, {w.text(other, self.element)}",
        )

    def __lt__(self, other: Value | float) -> Value:
        return self.compare("olt", other)

    def __gt__(self, other: Value | float) -> Value:
        return self.compare("ogt", other)

    def convert(self, operation: str, element: str) -> Value:
        """A conversion to another element type by the LLVM instruction of that name."""
        w = self.writer
        return w.line(
            element, f"{operation} {w.type(self.element)} {self.name} to {w.type(element)}"
        )

    def bits(self) -> Value:
        """The bits of a float as an integer."""
        return self.convert("bitcast", self.format.integer)

    def number(self) -> Value:
        """The float that has these bits."""
        return self.convert("bitcast", self.format.element)


def fma(a: Value, b: Value | float, c: Value | float) -> Value:
    """a·b + c, rounded once where the processor can and twice where it cannot."""
    return a.writer.call("fmuladd", a.element, a, b, c)


def select(truth: Value, then: Value | float, otherwise: Value | float, element: str = "") -> Value:
    """`then` in the lanes where it is true, else `otherwise`."""
    w = truth.writer
    element = element or next(v.element for v in (then, otherwise) if isinstance(v, Value))
    kind = w.type(element)
    sides = f"{kind} {w.text(then, element)}, {kind} {w.text(otherwise, element)}"
    return w.line(element, f"select {w.type('i1')} {truth.name}, {sides}")


def at_most(x: Value, bound: float) -> Value:
    """min(x, bound), NaN where x is; one instruction of every processor."""
    return select(x > bound, bound, x)


def at_least(x: Value, bound: float) -> Value:
    """max(x, bound), NaN where x is."""
    return select(x < bound, bound, x)


def horner(x: Value, coefficients: Sequence[Value | float]) -> Value:
    """The value of a polynomial, the constant coefficient first."""
    *rest, last_but_one, last = coefficients
    result = fma(x, last, last_but_one)
    for coefficient in reversed(rest):
        result = fma(result, x, coefficient)
    return result


def polynomial(x: Value, coefficients: Sequence[float]) -> Value:
    """The same by Estrin's scheme, once: pairs side by side, then Horner's rule in x².

    Half as long to wait for as Horner's rule alone, at the price of one instruction.
    """
    if len(coefficients) < 4:
        return horner(x, coefficients)
    last = coefficients[-1:] if len(coefficients) % 2 else ()
    even, odd = coefficients[::2], coefficients[1::2]
    pairs = [fma(x, b, a) for a, b in zip(even, odd, strict=False)]
    return horner(x * x, [*pairs, *last])


def with_sign_of(size: Value, sign: Value) -> Value:
    """|size| with the sign of another."""
    return size.writer.call("copysign", size.element, size, sign)


def sqrt(x: Value) -> Value:
    """The square root, rounded correctly: one instruction of every processor."""
    return x.writer.call("sqrt", x.element, x)


def widened(x: Value) -> Value:
    """The same number as a double."""
    return x.convert("fpext", "double") if x.element == "float" else x
