"""What is known when a system is lowered: `training`, sizes, and what follows from them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from operator import eq, ge, gt, le, lt, ne

from ....language.expression import (
    ONE,
    ZERO,
    Bracket,
    Call,
    Compare,
    Expression,
    FloorDivide,
    Logic,
    Modulo,
    Number,
    Power,
    Reduce,
    Reference,
    Size,
    Softmax,
    Training,
    Value,
    Where,
    number,
)

TRUE = Compare("==", ZERO, ZERO)
FALSE = Compare("==", ZERO, ONE)

_COMPARISONS = {"==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}


def constants(
    training: bool, sizes: Mapping[str, int], spared: frozenset[str] = frozenset()
) -> Callable[[Expression], Expression]:
    """A function that puts in what is known and drops what a condition decides.

    References to the tensors `spared` are left alone.
    """

    def known(e: Expression) -> Expression:
        if isinstance(e, Reference) and e.tensor in spared:
            return e
        e = e.map(known)
        match e:
            case Size(index=index) if index in sizes:
                return number(sizes[index])
            case Training():
                return TRUE if training else FALSE
            case Compare(left=Number(value=a), right=Number(value=b)):
                return TRUE if _COMPARISONS[e.operator](a, b) else FALSE
            case FloorDivide(left=Number(value=int(a)), right=Number(value=int(b))) if b:
                return number(a // b)
            case Modulo(left=Number(value=int(a)), right=Number(value=int(b))) if b:
                return number(a % b)
            case Call(arguments=(Number(value=x),)) if hasattr(math, e.function):
                return _computed(getattr(math, e.function), e, x)
            case Power(base=Number(value=base), exponent=Number(value=exponent)):
                return _computed(math.pow, e, base, exponent)
            case Logic():
                return _logic(e)
            case Bracket(condition=condition) if condition in (TRUE, FALSE):
                return ONE if condition == TRUE else ZERO
            case Where(condition=condition) if condition in (TRUE, FALSE):
                return e.yes if condition == TRUE else e.no
            case Softmax(condition=condition) if condition == TRUE:
                return Softmax(e.indices, None, e.body)
            case Softmax(condition=condition) if condition == FALSE:
                return ZERO
            case Reduce(condition=condition) if condition == TRUE:
                return Reduce(e.operation, e.indices, None, e.body)
            case Reduce(operation="sum", condition=condition) if condition == FALSE:
                return ZERO
        return e

    return known


def _computed(function: Callable[..., float], e: Expression, *values: Value) -> Expression:
    """The value of a function of constants, where it is finite."""
    try:
        return number(function(*map(float, values)))
    except (ValueError, OverflowError):
        return e


def _logic(e: Logic) -> Expression:
    if e.operator == "not":
        (inner,) = e.arguments
        return FALSE if inner == TRUE else TRUE if inner == FALSE else e
    ends, neutral = (FALSE, TRUE) if e.operator == "and" else (TRUE, FALSE)
    if ends in e.arguments:
        return ends
    rest = tuple(a for a in e.arguments if a != neutral)
    if not rest:
        return neutral
    return rest[0] if len(rest) == 1 else Logic(e.operator, rest)
