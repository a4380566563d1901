"""Operations that take more than one instruction: maxima, divisions that round down."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ....language.expression import FloorDivide, Modulo
from ....language.expression import Value as Number
from .block import Block
from .value import Value, overloaded

WHOLE_COMPARISONS = {"==": "eq", "!=": "ne", "<": "slt", "<=": "sle", ">": "sgt", ">=": "sge"}
REAL_COMPARISONS = {"==": "oeq", "!=": "une", "<": "olt", "<=": "ole", ">": "ogt", ">=": "oge"}


def as_float(value: Number) -> float:
    """The number as a float; one that is too large becomes infinite."""
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def larger(block: Block, values: Sequence[Value]) -> Value:
    """The maximum, NaN where one of them is NaN."""
    return _extreme(block, values, "ogt")


def smaller(block: Block, values: Sequence[Value]) -> Value:
    """The minimum, NaN where one of them is NaN."""
    return _extreme(block, values, "olt")


def _extreme(block: Block, values: Sequence[Value], comparison: str) -> Value:
    a, b = values
    better = block.instruction(f"fcmp {comparison}", [a, b], "i1")
    result = block.choose(better, a, b)  # b where either is NaN
    if a.text.startswith("0x"):
        return result
    nan = block.instruction("fcmp uno", [a, a], "i1")
    return block.choose(nan, a, result)


def _intrinsic(name: str) -> Callable[[Block, Sequence[Value]], Value]:
    def call(block: Block, values: Sequence[Value]) -> Value:
        (x,) = values
        kind = overloaded(block.element, x.lanes)
        return block.f.call(f"llvm.{name}.{kind}", block.element, x.lanes, values)

    return call


SIMPLE: dict[str, Callable[[Block, Sequence[Value]], Value]] = {
    "max": larger,
    "min": smaller,
    "abs": _intrinsic("fabs"),
    "sqrt": _intrinsic("sqrt"),
}


def whole_division(block: Block, e: FloorDivide | Modulo, values: Sequence[Value]) -> Value:
    """`a // b` or `a % b` of whole numbers, rounded down; 0 for a division by 0."""
    a, b = block.even(values)
    zero = block.f.integer(0)
    if values[1].constant in (None, 0):
        none = block.instruction("icmp eq", [b, zero], "i1")
        safe = block.choose(none, block.f.integer(1), b)
    else:
        none, safe = None, b
    quotient = block.instruction("sdiv", [a, safe], "i64")
    rest = block.instruction("sub", [a, block.instruction("mul", [quotient, safe], "i64")], "i64")
    signs = block.instruction("xor", [rest, safe], "i64")
    apart = block.instruction("icmp slt", [signs, zero], "i1")
    some = block.instruction("icmp ne", [rest, zero], "i1")
    down = block.instruction("and", [apart, some], "i1")
    if isinstance(e, FloorDivide):
        less = block.instruction("sub", [quotient, block.f.integer(1)], "i64")
        result = block.choose(down, less, quotient)
    else:
        more = block.instruction("add", [rest, safe], "i64")
        result = block.choose(down, more, rest)
    return result if none is None else block.choose(none, zero, result)


def real_division(block: Block, e: FloorDivide | Modulo, values: Sequence[Value]) -> Value:
    """`a // b` or `a % b` of numbers, as Python has it."""
    a, b = block.even(values)
    zero = block.f.real(0, block.element)
    rest = block.instruction("frem", [a, b], block.element)
    apart = block.instruction(
        "xor",
        [
            block.instruction("fcmp olt", [rest, zero], "i1"),
            block.instruction("fcmp olt", [b, zero], "i1"),
        ],
        "i1",
    )
    some = block.instruction("fcmp une", [rest, zero], "i1")
    down = block.instruction("and", [apart, some], "i1")
    rest = block.choose(down, block.instruction("fadd", [rest, b], block.element), rest)
    if isinstance(e, Modulo):
        return rest
    quotient = block.instruction(
        "fdiv", [block.instruction("fsub", [a, rest], block.element), b], block.element
    )
    kind = overloaded(block.element, quotient.lanes)
    return block.f.call(f"llvm.rint.{kind}", block.element, quotient.lanes, [quotient])
