"""The value of an expression on any part of the ranges of its indices.

The same evaluation serves a whole equation, a block of it (to bound memory),
one step of a loop, and a single element (to explain it).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np

from ...errors import DataError
from ...language.expression import (
    MINUS_ONE,
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
    Training,
    Value,
    Where,
    multiply,
)
from ...language.substitution import Names as IndexNames
from ..composite import expand as expand_functions
from ..terms import Term, terms
from .contract import contract
from .elementwise import FUNCTIONS, power
from .named import Array, Meter, Named, Ranges, align, as_float, is_real, ordered, real
from .read import Walk, read
from .reduce import reduce, softmax

MEBIBYTE = 2**20

COMPARISONS: dict[str, Callable[..., Any]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


class Evaluator:
    """Evaluates expressions over given tensors.

    `tensors` holds the arrays by name and `origins` the subscript of the first
    element on each axis, for tensors where it is not 0 (those with starts).
    `limit` is the number of bytes that no array may exceed if it can be helped.
    Expressions must be free of composite functions (see `elementwise.expand`).
    """

    def __init__(
        self,
        tensors: Mapping[str, Array],
        sizes: Mapping[str, int],
        origins: Mapping[str, tuple[int, ...]] | None = None,
        dtype: str = "float64",
        training: bool = True,
        limit: int = 64 * MEBIBYTE,
    ) -> None:
        self.tensors = tensors
        self.sizes = dict(sizes)
        self.indices = IndexNames(sizes)
        self.origins = origins or {}
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.training = training
        self.limit = limit
        self.meter = Meter()
        self.guards: tuple[Expression, ...] = ()
        self.walks: dict[Expression, Walk | None] = {}
        self.sums: dict[Reduce, tuple[Term, ...]] = {}
        self.repeated: frozenset[Expression] = frozenset()
        self.memo: dict[object, Named] = {}

    def value(self, e: Expression, ranges: Ranges) -> tuple[Array, tuple[str, ...]]:
        """The value of any expression on parts of its free indices, and the names of its axes.

        The axes are those indices on which the value depends, in the order of
        `ranges`. Tensors are read where they stand: the cost is that of the
        part alone.
        """
        with np.errstate(all="ignore"):
            found = self.evaluate(expand_functions(e), ranges)
        return found.array, found.names

    def evaluate(self, e: Expression, ranges: Ranges) -> Named:
        """The value of `e` on the given part of each of its free indices."""
        if e not in self.repeated:
            return self._rules[type(e)](self, e, ranges)
        key = (e, self.guards, *(ranges[n] for n in sorted(e.free)))
        if key not in self.memo:
            self.memo[key] = self._rules[type(e)](self, e, ranges)
        value = self.memo[key]
        names = ordered(value.names, ranges)
        if names == value.names:
            return value
        return Named(value.array.transpose([value.names.index(n) for n in names]), names)

    @contextmanager
    def fresh_memo(self) -> Iterator[None]:
        """Forget afterwards what was computed inside; used for blocks."""
        before, self.memo = self.memo, {}
        try:
            yield
        finally:
            self.memo = before

    @contextmanager
    def under(self, *conditions: Expression) -> Iterator[None]:
        """Inside, what is read where a condition is false has no influence."""
        before, self.guards = self.guards, self.guards + conditions
        try:
            yield
        finally:
            self.guards = before

    def reached(self, places: Named, ranges: Ranges) -> Named:
        """The places (truth values) where all conditions around the present one hold."""
        guards, self.guards = self.guards, ()
        try:
            for k, condition in enumerate(guards):
                self.guards = guards[:k]
                if not places.array.any():
                    break
                places = self.both(places, self.evaluate(condition, ranges), ranges)
        finally:
            self.guards = guards
        return places

    def both(self, left: Named, right: Named, ranges: Ranges) -> Named:
        """Logical and."""
        (a, b), names = align([left, right], ranges)
        return Named(np.logical_and(a, b), names)

    def tensor(self, name: str) -> Array:
        """The array of a tensor."""
        try:
            return self.tensors[name]
        except KeyError:
            raise DataError(f"no array was given for {name}") from None

    def extent(self, tensor: str, axis: int) -> range:
        """The values that a tensor's subscript may take on one of its axes."""
        origin = self.origins[tensor][axis] if tensor in self.origins else 0
        return range(origin, origin + self.tensor(tensor).shape[axis])

    def terms(self, e: Reduce) -> tuple[Term, ...]:
        """A sum as products with conditions."""
        if e not in self.sums:
            self.sums[e] = terms(e, self.sizes, self.indices)
            self.sizes |= {new: self.sizes[old] for new, old in self.indices.copies.items()}
        return self.sums[e]

    def real(self, e: Expression, ranges: Ranges) -> Named:
        """The value of `e` as floating point numbers."""
        return real(self.evaluate(e, ranges), self.dtype)

    def product(self, factors: Sequence[Expression], ranges: Ranges) -> Named:
        """The product; where a bracket among the factors is false it is 0, whatever the rest."""
        factors = self._scaled_scatter(factors)
        numbers = [f.value for f in factors if isinstance(f, Number)]
        brackets = [f.condition for f in factors if isinstance(f, Bracket)]
        rest = [f for f in factors if not isinstance(f, Number | Bracket)]
        mask: Named | None = None
        for k, condition in enumerate(brackets):
            with self.under(*brackets[:k]):
                holds = self.evaluate(condition, ranges)
            mask = holds if mask is None else self.both(mask, holds, ranges)
        if mask is not None and not mask.array.any():
            return Named(np.zeros((), self.dtype), ())
        with self.under(*brackets):
            values = [self.evaluate(f, ranges) for f in rest]
        coefficient = numbers[0] if numbers else 1
        value = self._multiplied(values, coefficient, ranges)
        if mask is None or mask.array.all():
            return value
        (a, m), names = align([value, mask], ranges)
        return Named(self.meter.made(np.where(m, a, a.dtype.type(0))), names)

    def _scaled_scatter(self, factors: Sequence[Expression]) -> Sequence[Expression]:
        """Constants moved into a scatter: it may add up fewer elements than it results in."""
        constants = [f for f in factors if _is_constant(f)]
        for f in factors if constants else ():
            if isinstance(f, Reduce) and f.operation == "sum" and self._is_scatter(f):
                scaled = Reduce("sum", f.indices, f.condition, multiply(*constants, f.body))
                return [scaled if g is f else g for g in factors if g not in constants]
        return factors

    def _is_scatter(self, e: Reduce) -> bool:
        return any(term.targets for term in self.terms(e))

    def _multiplied(self, values: list[Named], coefficient: Value, ranges: Ranges) -> Named:
        if not values:
            return Named(self._constant(coefficient), ())
        if _is_small(coefficient) and not any(is_real(v.array) for v in values):
            arrays, names = align(values, ranges)
            whole = np.asarray(coefficient, np.int64)
            for array in arrays:
                whole = np.multiply(whole, array, dtype=np.int64)
            return Named(self.meter.made(whole), names)
        operands = [real(v, self.dtype) for v in values]
        keep = frozenset(n for v in operands for n in v.names)
        return contract(operands, keep, ranges, self.meter, coefficient)

    def _constant(self, value: Value) -> Array:
        if _is_small(value):
            return np.asarray(value, np.int64)
        return np.asarray(as_float(value), self.dtype)

    # One rule for each kind of node

    def _number(self, e: Number, ranges: Ranges) -> Named:
        return Named(self._constant(e.value), ())

    def _index(self, e: Index, ranges: Ranges) -> Named:
        values = ranges[e.name]
        return Named(np.arange(values.start, values.stop), (e.name,))

    def _size(self, e: Size, ranges: Ranges) -> Named:
        return Named(np.asarray(self.sizes[e.index], np.int64), ())

    def _is_training(self, e: Training, ranges: Ranges) -> Named:
        return Named(np.asarray(self.training), ())

    def _reference(self, e: Reference, ranges: Ranges) -> Named:
        return read(self, e, ranges)

    def _pad(self, e: Pad, ranges: Ranges) -> Named:
        return self.evaluate(e.subscript, ranges)

    def _add(self, e: Add, ranges: Ranges) -> Named:
        signs = [_is_negative(term) for term in e.terms]
        values = [
            self.product(term.factors[1:], ranges)
            if minus and isinstance(term, Multiply)
            else self.evaluate(term, ranges)
            for term, minus in zip(e.terms, signs, strict=True)
        ]
        dtype = self.dtype if any(is_real(v.array) for v in values) else np.dtype(np.int64)
        values = [
            v if v.array.dtype == dtype else Named(v.array.astype(dtype), v.names) for v in values
        ]
        arrays, names = align(values, ranges)
        total = -arrays[0] if signs[0] else arrays[0]
        own = signs[0] and total.ndim > 0
        for array, minus in zip(arrays[1:], signs[1:], strict=True):
            operation = np.subtract if minus else np.add
            if own and np.broadcast_shapes(total.shape, array.shape) == total.shape:
                operation(total, array, out=total)
            else:
                total = self.meter.made(np.asarray(operation(total, array)))
            own = total.ndim > 0
        return Named(total, names)

    def _multiply(self, e: Multiply, ranges: Ranges) -> Named:
        return self.product(e.factors, ranges)

    def _power(self, e: Power, ranges: Ranges) -> Named:
        base = self.real(e.base, ranges)
        if isinstance(e.exponent, Number):
            array = power(base.array, e.exponent.value)
            return Named(self.meter.made(array, array.size), base.names)
        exponent = self.real(e.exponent, ranges)
        (a, b), names = align([base, exponent], ranges)
        array = np.power(a, b)
        return Named(self.meter.made(array, array.size), names)

    def _divide(self, e: FloorDivide | Modulo, ranges: Ranges) -> Named:
        values = [self.evaluate(e.left, ranges), self.evaluate(e.right, ranges)]
        if any(is_real(v.array) for v in values):
            values = [real(v, self.dtype) for v in values]
        (a, b), names = align(values, ranges)
        operation = np.floor_divide if isinstance(e, FloorDivide) else np.remainder
        return Named(self.meter.made(np.asarray(operation(a, b))), names)

    def _call(self, e: Call, ranges: Ranges) -> Named:
        values = [self.real(a, ranges) for a in e.arguments]
        arrays, names = align(values, ranges)
        result = np.asarray(FUNCTIONS[e.function](*arrays))
        return Named(self.meter.made(result, result.size), names)

    def _reduce(self, e: Reduce, ranges: Ranges) -> Named:
        return reduce(self, e, ranges)

    def _softmax(self, e: Softmax, ranges: Ranges) -> Named:
        return softmax(self, e, ranges)

    def _compare(self, e: Compare, ranges: Ranges) -> Named:
        values = [self.evaluate(e.left, ranges), self.evaluate(e.right, ranges)]
        (a, b), names = align(values, ranges)
        return Named(self.meter.made(np.asarray(COMPARISONS[e.operator](a, b))), names)

    def _logic(self, e: Logic, ranges: Ranges) -> Named:
        values: list[Named] = []
        decided: list[Expression] = []
        for argument in e.arguments:  # what those before it decide has no need of it
            with self.under(*decided):
                values.append(self.evaluate(argument, ranges))
            decided.append(argument if e.operator == "and" else Logic("not", (argument,)))
        if e.operator == "not":
            return Named(np.asarray(np.logical_not(values[0].array)), values[0].names)
        arrays, names = align(values, ranges)
        operation = np.logical_and if e.operator == "and" else np.logical_or
        result = arrays[0]
        for array in arrays[1:]:
            result = np.asarray(operation(result, array))
        return Named(self.meter.made(result), names)

    def _bracket(self, e: Bracket, ranges: Ranges) -> Named:
        return self.evaluate(e.condition, ranges)

    def _where(self, e: Where, ranges: Ranges) -> Named:
        holds = self.evaluate(e.condition, ranges)
        if holds.array.all():
            return self.evaluate(e.yes, ranges)
        unless = Logic("not", (e.condition,))
        if not holds.array.any():
            return self.evaluate(e.no, ranges)
        with self.under(e.condition):
            yes = self.evaluate(e.yes, ranges)
        with self.under(unless):
            no = self.evaluate(e.no, ranges)
        if is_real(yes.array) or is_real(no.array):
            yes, no = real(yes, self.dtype), real(no, self.dtype)
        (c, a, b), names = align([holds, yes, no], ranges)
        return Named(self.meter.made(np.where(c, a, b)), names)

    _rules: ClassVar[dict[type, Callable[[Evaluator, Any, Ranges], Named]]] = {
        Number: _number,
        Index: _index,
        Size: _size,
        Training: _is_training,
        Reference: _reference,
        Pad: _pad,
        Add: _add,
        Multiply: _multiply,
        Power: _power,
        FloorDivide: _divide,
        Modulo: _divide,
        Call: _call,
        Reduce: _reduce,
        Softmax: _softmax,
        Compare: _compare,
        Logic: _logic,
        Bracket: _bracket,
        Where: _where,
    }


def _is_small(value: Value) -> bool:
    """Whether it is a whole number that int64 holds."""
    return isinstance(value, int) and abs(value) < 2**62


def _is_constant(e: Expression) -> bool:
    """Whether it consists of numbers and sizes."""
    if isinstance(e, Add | Multiply | Power):
        return all(map(_is_constant, e.children))
    return isinstance(e, Number | Size)


def _is_negative(term: Expression) -> bool:
    return isinstance(term, Multiply) and term.factors[0] == MINUS_ONE
