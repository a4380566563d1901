"""mean, logsumexp and softmax in terms of sum, max, exp, log and division.

The largest value is subtracted first, so that no exponential overflows (Goodfellow, Bengio and
Courville, "Deep Learning", 2016, section 4.1).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

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
from ....language.system import Equation
from .helpers import Helpers
from .indices import Ranges


def primitive(equations: Iterable[Equation], ranges: Ranges, helpers: Helpers) -> list[Equation]:
    """The equations with no reductions but sum, max and argmax."""
    found = []
    for equation in equations:
        match equation.value:
            case Softmax() | Reduce(operation="logsumexp"):
                equation = replace(equation, value=_exponential(equation, helpers))
            case Reduce(operation="mean"):
                equation = replace(equation, value=_mean(equation, ranges, helpers))
        found += [*helpers.take(), equation]
    return found


def _mean(equation: Equation, ranges: Ranges, helpers: Helpers) -> Expression:
    e = equation.value
    assert isinstance(e, Reduce)
    total = Reduce("sum", e.indices, e.condition, e.body)
    count = multiply(*map(ranges.size, e.indices))
    if e.condition is not None:
        holds = Reduce("sum", e.indices, e.condition, ONE)
        count = helpers.define(equation.name, holds, equation.indices)
    return divide(helpers.define(equation.name, total, equation.indices), count)


def _exponential(equation: Equation, helpers: Helpers) -> Expression:
    e = equation.value
    assert isinstance(e, Reduce | Softmax)
    name, order = equation.name, equation.indices
    largest = helpers.define(name, Reduce("max", e.indices, e.condition, e.body), order)
    is_finite = Compare("==", subtract(largest, largest), ZERO)
    shift = helpers.define(name, Where(is_finite, largest, ZERO), order, "shift")
    share = Call("exp", (subtract(e.body, shift),))
    total = helpers.define(name, Reduce("sum", e.indices, e.condition, share), order)
    if isinstance(e, Reduce):
        return add(Call("log", (total,)), shift)
    value = divide(share, total)
    return value if e.condition is None else multiply(Bracket(e.condition), value)
