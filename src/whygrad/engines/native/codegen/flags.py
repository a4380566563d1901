"""The flags that a step sets, and after which it is undone."""

from __future__ import annotations

from .block import Block, Point
from .value import Value


def raise_flag(block: Block, wrong: Value, number: int, point: Point) -> None:
    """Set a flag in the control block if it is wrong in any lane inside the range."""
    f = block.f
    flag = f.offset(f.control, f.integer(number), 8)
    f.when(anywhere(block, wrong, point), f"store i64 1, ptr {flag.text}, align 8")


def anywhere(block: Block, wrong: Value, point: Point) -> Value:
    """Whether it is wrong in any lane inside the range."""
    if wrong.lanes > 1 and (tail := block.tail(point[1])) is not None:
        wrong = block.instruction("and", [wrong, tail], "i1")
    return block.f.any(wrong)
