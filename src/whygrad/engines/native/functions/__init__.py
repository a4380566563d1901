"""The elementwise functions as LLVM IR: within 2 ulp, for any processor and number of lanes.

`lines` is a function's code to be spliced in at a place, `emit` the same as an LLVM function.
Neither needs LLVM's passes, a library of vector functions or instructions of one processor.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from .exponential import exp, expm1, sigmoid, softplus, tanh
from .logarithm import log
from .values import FORMATS, Value, Writer

_FORMULAS: dict[str, Callable[..., Value]] = {
    "exp": exp,
    "expm1": expm1,
    "log": log,
    "sigmoid": sigmoid,
    "softplus": softplus,
    "tanh": tanh,
}

NAMES = frozenset(_FORMULAS)


def lines(
    name: str, args: list[str], fresh: Callable[[], str], element: str, lanes: int
) -> tuple[list[str], str]:
    """The instructions that compute a function, and the SSA name of its value.

    `args` are SSA names of type `element` ("float" or "double"), or of a vector of `lanes` of
    them; `fresh` gives a new SSA name, with its %, at every call. The lines hold no label.
    """
    writer = Writer(element, lanes, fresh)
    result = _FORMULAS[name](*map(writer.value, args))
    return writer.lines, result.name


def arguments(name: str) -> int:
    """How many arguments a function takes."""
    return _FORMULAS[name].__code__.co_argcount


def symbol(name: str, element: str, lanes: int) -> str:
    """The name of the function that `emit` writes, with its @."""
    letter = FORMATS[element].letter
    return f"@wg.{name}.{letter}" if lanes == 1 else f"@wg.{name}.v{lanes}{letter}"


def emit(name: str, element: str, lanes: int) -> str:
    """The text of an internal LLVM function of that symbol; it needs no declarations."""
    kind = element if lanes == 1 else f"<{lanes} x {element}>"
    args = ["%x", "%y"][: arguments(name)]
    numbers = count()
    body, result = lines(name, args, lambda: f"%v{next(numbers)}", element, lanes)
    listed = ", ".join(f"{kind} {arg}" for arg in args)
    head = f"define internal {kind} {symbol(name, element, lanes)}({listed}) {{"
    return "\n  ".join([head, *body, f"ret {kind} {result}"]) + "\n}\n"
