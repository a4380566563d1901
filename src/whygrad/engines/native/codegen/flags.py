"""The flags that a step sets, and after which it is undone."""

from __future__ import annotations

from .block import Block, Point
from .value import Value


def raise_flag(block: Block, wrong: Value, number: int, point: Point) -> None:
    """Set a flag in the control block if it is wrong in any lane inside the range."""
    f = block.f
    if wrong.lanes > 1:
        if (tail := block.tail(point[1])) is not None:
            wrong = block.instruction("and", [wrong, tail], "i1")
        bits = f.emit(f"bitcast {wrong} to i{wrong.lanes}", f"i{wrong.lanes}", 1, [wrong])
        wrong = f.emit(f"icmp ne {bits}, 0", "i1", 1, [bits])
    flag = f.offset(f.control, f.integer(number), 8)
    f.when(wrong, f"store i64 1, ptr {flag.text}, align 8")
