"""The elementwise functions as LLVM IR: within 2 ulp, for any processor and number of lanes.

`lines` is a function's code to be spliced in at a place, `emit` the same as an LLVM function.
Neither needs LLVM's passes, a library of vector functions or instructions of one processor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count

import numpy as np

from .error import erf
from .exponential import exp, expm1, sigmoid, softplus, tanh
from .logarithm import log
from .power import pow
from .table import Table
from .trigonometry import cos, finish, sin
from .values import FORMATS, Value, Writer, sqrt

_FORMULAS: dict[str, Callable[..., Value]] = {
    "cos": cos,
    "erf": erf,
    "exp": exp,
    "expm1": expm1,
    "log": log,
    "pow": pow,
    "sigmoid": sigmoid,
    "sin": sin,
    "softplus": softplus,
    "sqrt": sqrt,
    "tanh": tanh,
}

NAMES = frozenset(_FORMULAS)

# What one float32 is looked up in: a small batch waits for nothing else.
TABLES = {
    "sigmoid": Table("@wg.sigmoid.table", lambda x: np.exp(-np.logaddexp(0, -x)), -104.5, 17.5)
}

# The functions whose `lines` are a call of their symbol, so that `emit` must be in the module too:
# they have a branch.
CALLED = frozenset({"sin", "cos"})


def lines(
    name: str, args: list[str], fresh: Callable[[], str], element: str, lanes: int
) -> tuple[list[str], str]:
    """The instructions that compute a function, and the SSA name of its value.

    `args` are SSA names of type `element` ("float" or "double"), or of a vector of `lanes` of
    them; `fresh` gives a new SSA name, with its %, at every call. The lines hold no label.
    """
    writer = Writer(element, lanes, fresh)
    kind = writer.type(element)
    if name in CALLED:
        listed = ", ".join(f"{kind} {arg}" for arg in args)
        result = writer.line(element, f"call {kind} {symbol(name, element, lanes)}({listed})")
    else:
        result = _value(name, list(map(writer.value, args)))
    return writer.lines, result.name


def beside(name: str, element: str, lanes: int) -> Mapping[str, str]:
    """What a module needs where it has the `lines` of a function: texts, by symbol."""
    if name in CALLED:
        return {symbol(name, element, lanes): emit(name, element, lanes)}
    table = _table(name, element, lanes)
    return {table.symbol: table.text} if table else {}


def arguments(name: str) -> int:
    """How many arguments a function takes."""
    return _FORMULAS[name].__code__.co_argcount


def symbol(name: str, element: str, lanes: int) -> str:
    """The name of the function that `emit` writes, with its @."""
    letter = FORMATS[element].letter
    return f"@wg.{name}.{letter}" if lanes == 1 else f"@wg.{name}.v{lanes}{letter}"


def emit(name: str, element: str, lanes: int) -> str:
    """The text of an internal LLVM function of that symbol.

    It needs no declarations, but the table where `beside` gives one.
    """
    numbers = count()
    writer = Writer(element, lanes, lambda: f"%v{next(numbers)}")
    kind = writer.type(element)
    args = [writer.value(arg) for arg in ("%x", "%y")[: arguments(name)]]
    result = _value(name, args)
    if name in CALLED:
        finish(name, args[0], result)
    else:
        writer.lines.append(f"ret {kind} {result.name}")
    listed = ", ".join(f"{kind} {arg.name}" for arg in args)
    head = f"define internal {kind} {symbol(name, element, lanes)}({listed}) {{"
    return "\n  ".join([head, *writer.lines]) + "\n}\n"


def _value(name: str, args: list[Value]) -> Value:
    table = _table(name, args[0].element, args[0].writer.lanes)
    return table.value(*args) if table else _FORMULAS[name](*args)


def _table(name: str, element: str, lanes: int) -> Table | None:
    return TABLES.get(name) if (element, lanes) == ("float", 1) else None
