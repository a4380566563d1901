"""What may stand where in an expression: values, conditions, whole numbers; names and indices.

A value is a number, a condition is true or false, and a subscript is a whole
number made of indices, sizes and integers. Every index is bound by the left
side or by exactly one reduction around it.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import LanguageError, resembling
from .expression import (
    Add,
    Bracket,
    Call,
    Compare,
    Expression,
    FloorDivide,
    Index,
    Logic,
    Modulo,
    Multiply,
    Number,
    Pad,
    Power,
    Reduce,
    Reference,
    Size,
    Softmax,
    Span,
    Training,
    Where,
    bound,
)
from .functions import RESERVED
from .system import System, Tensor


class Contexts:
    """Checks expressions of one system.

    `open_derivatives` collects the references such as `δw` for which the
    system has no equation, so that they wait for the chain rule.
    """

    def __init__(self, system: System) -> None:
        self.system = system
        self.known_indices = _known_indices(system)
        self.open_derivatives: list[Reference] = []
        self.place: Span | None = None

    def check(self, e: Expression, scope: Iterable[str], place: Span | None) -> None:
        """Raise LanguageError unless `e` is a value in which `scope` are the indices.

        `place` is shown where a node has no place of its own.
        """
        self.place = place
        self.value(e, frozenset(scope))

    def fault(self, e: Expression, message: str, hint: str = "") -> LanguageError:
        span = e.span or self.place
        return LanguageError(message, span=span, source=self.system.source, hint=hint)

    def value(self, e: Expression, scope: frozenset[str]) -> None:
        match e:
            case Compare() | Logic() | Training():
                hint = "in brackets it is one, 1 or 0: [i == j]; where(condition, a, b) selects"
                raise self.fault(e, "a condition is not a number", hint)
            case Pad():
                hint = "a whole subscript may be one: x[n, pad(i-1)]"
                raise self.fault(e, "pad(...) is only for subscripts", hint)
            case Reference():
                self.reference(e, scope)
            case Reduce() | Softmax():
                self.reduction(e, scope)
            case Bracket():
                self.condition(e.condition, scope)
            case Where():
                self.condition(e.condition, scope)
                self.value(e.yes, scope)
                self.value(e.no, scope)
            case FloorDivide() | Modulo():
                self.whole(e, scope)
            case Index():
                self.index(e, e.name, scope)
            case Size():
                self.size(e)
            case Number() | Add() | Multiply() | Power() | Call():
                for child in e.children:
                    self.value(child, scope)
            case _:
                raise self.fault(e, f"{type(e).__name__} is not part of the language")

    def condition(self, e: Expression, scope: frozenset[str]) -> None:
        match e:
            case Training():
                pass
            case Compare():
                self.value(e.left, scope)
                self.value(e.right, scope)
            case Logic():
                for argument in e.arguments:
                    self.condition(argument, scope)
            case Bracket():
                raise self.fault(e, "the brackets make this a number", "leave them out here")
            case _:
                hint = "compare it with something: a > 0, i == j"
                raise self.fault(e, "a condition is expected here, and this is a number", hint)

    def whole(self, e: Expression, scope: frozenset[str]) -> None:
        """Subscripts, and what `//` and `%` work on."""
        match e:
            case Index():
                self.index(e, e.name, scope)
            case Size():
                self.size(e)
            case Number(value=int()):
                pass
            case Add() | Multiply() | FloorDivide() | Modulo():
                for child in e.children:
                    self.whole(child, scope)
            case Reference():
                self.reference(e, scope)
                tensor = self.system.tensors.get(e.tensor)
                if tensor is not None and tensor.kind == "param":
                    hint = "whole numbers come from data: given y[n] in k"
                    raise self.fault(e, f"'{e.tensor}' is trained, so not a whole number", hint)
            case Pad():
                hint = "pad(...) stands around a whole subscript: x[n, pad(i-1)]"
                raise self.fault(e, "pad(...) cannot be a part of a subscript", hint)
            case Power() | Number():
                hint = "whole numbers are divided with // and %"
                raise self.fault(e, "a whole number is expected here", hint)
            case _:
                hint = "made of indices, integers, size(i), + - * // % and tensors of integers"
                raise self.fault(e, "a whole number is expected here", hint)

    def reference(self, e: Reference, scope: frozenset[str]) -> None:
        tensor = self.tensor(e)
        if len(e.subscripts) != len(tensor.indices):
            have = _count(len(tensor.indices), "index", "indices")
            given = _count(len(e.subscripts), "subscript", "subscripts")
            raise self.fault(e, f"'{e.tensor}' has {have}, and here {given}", f"it is {tensor}")
        for subscript in e.subscripts:
            self.whole(subscript.subscript if isinstance(subscript, Pad) else subscript, scope)

    def tensor(self, e: Reference) -> Tensor:
        """The tensor that is referred to; for an open derivative, what it is the derivative of."""
        tensors = self.system.tensors
        if e.tensor in tensors:
            return tensors[e.tensor]
        base = e.tensor
        while base.startswith("δ"):
            base = base[1:]
            if base in tensors:
                self.open_derivatives.append(e)
                return tensors[base]
        span = e.span and Span(
            e.span.line, e.span.column, min(e.span.end, e.span.column + len(e.tensor))
        )
        if base in self.known_indices and not e.subscripts:
            message = f"the index '{base}' is never bound"
            hint = f"it belongs on the left side, or in a reduction: sum[{base}](...)"
        else:
            message = f"there is no tensor '{base}'"
            hint = (
                resembling(base, tensors) or "given, param, setting or an equation introduces one"
            )
        place = span or self.place
        raise LanguageError(message, span=place, source=self.system.source, hint=hint)

    def reduction(self, e: Reduce | Softmax, scope: frozenset[str]) -> None:
        if len(set(e.indices)) < len(e.indices):
            twice = next(i for i in e.indices if e.indices.count(i) > 1)
            raise self.fault(e, f"the index '{twice}' is bound twice", "name it once")
        for index in e.indices:
            if isinstance(e, Softmax):
                self.index(e, index, scope)
            elif index in scope:
                hint = f"use another one of the same size: size {index}2 = size({index})"
                raise self.fault(e, f"the index '{index}' is bound twice", hint)
            elif index in RESERVED:
                raise self.fault(e, f"'{index}' is a word of the language, not an index")
        inner = scope | frozenset(e.indices)
        if e.condition is not None:
            self.condition(e.condition, inner)
        self.value(e.body, inner)

    def index(self, e: Expression, name: str, scope: frozenset[str]) -> None:
        if name not in scope:
            hint = f"it belongs on the left side, or in a reduction around: sum[{name}](...)"
            raise self.fault(e, f"the index '{name}' is never bound", hint)

    def size(self, e: Size) -> None:
        if e.index not in self.known_indices:
            hint = (
                resembling(e.index, self.known_indices) or "size(i) is for an index i of a tensor"
            )
            raise self.fault(e, f"there is no index '{e.index}'", hint)


def _known_indices(system: System) -> frozenset[str]:
    """The indices of tensors and of `size` statements: those that can have a size."""
    names = set(system.sizes)
    for tensor in system.tensors.values():
        names.update(tensor.indices)
        if tensor.within is not None:
            names.add(tensor.within)
    for e in system.expressions():
        names.update(bound(e))
    return frozenset(names)


def _count(n: int, one: str, many: str) -> str:
    return f"{n or 'no'} {one if n == 1 else many}"
