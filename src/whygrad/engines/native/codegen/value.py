"""Operands of LLVM's instructions, and the scopes in which they are known."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Scope:
    """`code` comes first, then `rest`: a loop and what follows it.

    What follows a loop is a scope that has the one in front of the loop as its `before`.
    """

    depth: int
    before: Scope | None = None
    code: list[str] = field(default_factory=list)
    rest: list[str | Scope] = field(default_factory=list)
    memo: dict[object, Value] = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """The text, in order."""
        waiting: list[str | Scope] = [self]
        while waiting:
            part = waiting.pop()
            if isinstance(part, str):
                yield part
            else:
                yield from part.code
                waiting += reversed(part.rest)


@dataclass(frozen=True, slots=True)
class Value:
    """An operand: its text, the type of one element, how many lanes, and where it is known."""

    text: str
    element: str
    lanes: int
    scope: Scope
    constant: int | None = None

    @property
    def type(self) -> str:
        """Its LLVM type."""
        return vector(self.element, self.lanes)

    def __str__(self) -> str:
        return f"{self.type} {self.text}"


def vector(element: str, lanes: int) -> str:
    """The LLVM type of so many lanes."""
    return element if lanes == 1 else f"<{lanes} x {element}>"


def overloaded(element: str, lanes: int) -> str:
    """How the name of an intrinsic ends for this type: f32, v16f32."""
    letter = {"float": "f32", "double": "f64"}.get(element, element)
    return letter if lanes == 1 else f"v{lanes}{letter}"


def real_text(value: float, element: str) -> str:
    """A constant as LLVM writes it: the bits of the double that equals it."""
    if element == "float":
        try:
            (value,) = struct.unpack("f", struct.pack("f", value))
        except OverflowError:
            value = float("inf") if value > 0 else float("-inf")
    (bits,) = struct.unpack("<Q", struct.pack("<d", value))
    return f"0x{bits:016X}"
