"""mean, logsumexp and softmax in terms of sum, max, exp, log and division.

The largest value is subtracted first, so that no exponential overflows (Goodfellow, Bengio and
Courville, "Deep Learning", 2016, section 4.1).
"""

from __future__ import annotations

from collections.abc import Callable

from ....language.expression import (
    ONE,
    ZERO,
    Bracket,
    Call,
    Compare,
    Expression,
    Reduce,
    Softmax,
    Where,
    add,
    divide,
    multiply,
    subtract,
)


def primitive(e: Expression, size: Callable[[str], Expression]) -> Expression:
    """The expression with no reduction but sum, max and argmax; `size` gives that of an index."""
    e = e.map(lambda child: primitive(child, size))
    if isinstance(e, Softmax):
        shift = _shift(e)
        share = Call("exp", (subtract(e.body, shift),))
        value = divide(share, Reduce("sum", e.indices, e.condition, share))
        return value if e.condition is None else multiply(Bracket(e.condition), value)
    if not isinstance(e, Reduce):
        return e
    if e.operation == "mean":
        if e.condition is None:
            count = multiply(*map(size, e.indices))
        else:
            count = Reduce("sum", e.indices, e.condition, ONE)
        return divide(Reduce("sum", e.indices, e.condition, e.body), count)
    if e.operation == "logsumexp":
        shift = _shift(e)
        share = Call("exp", (subtract(e.body, shift),))
        return add(Call("log", (Reduce("sum", e.indices, e.condition, share),)), shift)
    return e


def _shift(e: Reduce | Softmax) -> Expression:
    """The largest value, or 0 where that is infinite or NaN."""
    largest = Reduce("max", e.indices, e.condition, e.body)
    return Where(Compare("==", subtract(largest, largest), ZERO), largest, ZERO)
