"""The value of expressions on a block of points: a rule for each kind of node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from ....language.expression import (
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
    Power,
    Reference,
    Size,
    Where,
)
from .. import functions
from . import arithmetic
from .access import load, load_packed
from .block import Block, Point
from .value import Value


class Evaluator(Block):
    """A block that knows the value of every kind of expression."""

    def evaluate(self, e: Expression, point: Point) -> Value:
        """See `Block.evaluate`."""
        return self._rules[type(e)](self, e, point)

    def _number(self, e: Number, point: Point) -> Value:
        if isinstance(e.value, int) and abs(e.value) < 2**62:
            return self.f.integer(e.value)
        return self.f.real(arithmetic.as_float(e.value), self.element)

    def _index(self, e: Index, point: Point) -> Value:
        return self.index(e.name, point)

    def _size(self, e: Size, point: Point) -> Value:
        return self.f.size(e.index)

    def _reference(self, e: Reference, point: Point) -> Value:
        if e in self.locals:
            return self.locals[e](point)
        if e in self.packed:
            return load_packed(self, self.packed[e], point)
        return load(self, e, point)

    def _add(self, e: Add, point: Point) -> Value:
        signs, parts = [], []
        for term in e.terms:
            minus = isinstance(term, Multiply) and term.factors[0] == MINUS_ONE
            signs.append(minus)
            if minus and isinstance(term, Multiply):
                parts.append(self.product(term.factors[1:], point))
            else:
                parts.append(self.value(term, point))
        if any(p.element == self.element for p in parts):
            parts = [self.real(p) for p in parts]
            plus, less, kind = "fadd contract", "fsub contract", self.element
        else:
            parts = [self.whole(p) for p in parts]
            plus, less, kind = "add", "sub", "i64"
        if signs[0] and False in signs:  # -a + b is b - a
            first = signs.index(False)
            parts.insert(0, parts.pop(first))
            signs.insert(0, signs.pop(first))
        total = parts[0]
        if signs[0]:
            total = self._negative(total)
        for part, minus in zip(parts[1:], signs[1:], strict=True):
            if kind == "i64" and total.lanes == part.lanes == 1:
                total = self.f.subtract(total, part) if minus else self.f.add(total, part)
            else:
                total = self.instruction(less if minus else plus, [total, part], kind)
        return total

    def _negative(self, value: Value) -> Value:
        if value.element == self.element:
            return self.instruction("fneg", [value], self.element)
        return self.instruction("sub", [self.f.integer(0), value], "i64")

    def _multiply(self, e: Multiply, point: Point) -> Value:
        return self.product(e.factors, point)

    def product(self, factors: Sequence[Expression], point: Point) -> Value:
        """The product; 0 wherever a bracket among the factors is false, whatever the rest is."""
        conditions = [f.condition for f in factors if isinstance(f, Bracket)]
        rest = [f for f in factors if not isinstance(f, Bracket)]
        holds = self.both(self.under(conditions, point))
        with self.where(conditions):
            value = self._product(rest, point)
        if holds is None:
            return value
        zero = self.f.integer(0) if value.element == "i64" else self.f.real(0, self.element)
        return self.choose(holds, self.whole(value), zero)

    def _product(self, factors: Sequence[Expression], point: Point) -> Value:
        if not factors:
            return self.f.integer(1)
        if factors[0] == MINUS_ONE and len(factors) > 1:
            return self._negative(self.whole(self._product(factors[1:], point)))
        above, below = [], []
        for factor in factors:
            if isinstance(factor, Power) and factor.exponent == MINUS_ONE:
                below.append(self.number(factor.base, point))
            else:
                above.append(self.value(factor, point))
        if not below and all(v.element != self.element for v in above):
            whole = self.whole(above[0])
            for v in above[1:]:
                v = self.whole(v)
                if whole.lanes == v.lanes == 1:
                    whole = self.f.multiply(whole, v)
                else:
                    whole = self.instruction("mul", [whole, v], "i64")
            return whole
        # one division for all lanes
        numbers = [self._reciprocal(v) for v in below if v.lanes == 1] + list(map(self.real, above))
        total = self._multiplied(numbers)
        for v in below:
            if v.lanes > 1:
                total = self.instruction("fdiv", [total, v], self.element)
        return total

    def _multiplied(self, numbers: Sequence[Value]) -> Value:
        """Their product, beginning with those that are the same in all lanes."""
        total, *more = sorted(numbers, key=lambda v: v.lanes) or [self.f.real(1, self.element)]
        for v in more:
            total = self.instruction("fmul contract", [total, v], self.element)
        return total

    def _reciprocal(self, value: Value) -> Value:
        return self.instruction("fdiv", [self.f.real(1, self.element), value], self.element)

    def _power(self, e: Power, point: Point) -> Value:
        base = self.number(e.base, point)
        exponent = e.exponent.value if isinstance(e.exponent, Number) else None
        if isinstance(exponent, int) and 1 <= abs(exponent) <= 8:
            result = base
            for _ in range(abs(exponent) - 1):
                result = self.instruction("fmul", [result, base], self.element)
            return result if exponent > 0 else self._reciprocal(result)
        return self.call("pow", [base, self.number(e.exponent, point)])

    def _divide(self, e: FloorDivide | Modulo, point: Point) -> Value:
        values = [self.value(e.left, point), self.value(e.right, point)]
        if any(v.element == self.element for v in values):
            return arithmetic.real_division(self, e, [self.real(v) for v in values])
        return arithmetic.whole_division(self, e, [self.whole(v) for v in values])

    def _call(self, e: Call, point: Point) -> Value:
        return self.call(e.function, [self.number(a, point) for a in e.arguments])

    def call(self, name: str, arguments: Sequence[Value]) -> Value:
        """An elementwise function of the table."""
        if name in arithmetic.SIMPLE:
            return arithmetic.SIMPLE[name](self, arguments)
        values = self.even(arguments)
        lanes = values[0].lanes
        self.f.functions |= functions.beside(name, self.element, lanes)
        lines, result = functions.lines(
            name, [v.text for v in values], self.f.fresh, self.element, lanes
        )
        scope = self.f.known_in(values)
        scope.code += [f"  {line}" for line in lines]
        return Value(result, self.element, lanes, scope)

    def _compare(self, e: Compare, point: Point) -> Value:
        values = [self.value(e.left, point), self.value(e.right, point)]
        if any(v.element == self.element for v in values):
            name = f"fcmp {arithmetic.REAL_COMPARISONS[e.operator]}"
            return self.instruction(name, [self.real(v) for v in values], "i1")
        name = f"icmp {arithmetic.WHOLE_COMPARISONS[e.operator]}"
        return self.instruction(name, [self.whole(v) for v in values], "i1")

    def _logic(self, e: Logic, point: Point) -> Value:
        if e.operator == "not":
            value = self.truth(e.arguments[0], point)
            true = Value("true", "i1", 1, self.f.root)
            return self.instruction("xor", [value, true], "i1")
        conditions = list(e.arguments)
        if e.operator == "or":  # each is only looked at where those before it are false
            found = []
            for k, condition in enumerate(conditions):
                with self.where([Logic("not", (c,)) for c in conditions[:k]]):
                    found.append(self.truth(condition, point))
        else:
            found = self.under(conditions, point)
        result = found[0]
        for value in found[1:]:
            result = self.instruction(e.operator, [result, value], "i1")
        return result

    def _bracket(self, e: Bracket, point: Point) -> Value:
        return self.truth(e.condition, point)

    def _where(self, e: Where, point: Point) -> Value:
        holds = self.truth(e.condition, point)
        with self.where([e.condition]):
            yes = self.value(e.yes, point)
        with self.where([Logic("not", (e.condition,))]):
            no = self.value(e.no, point)
        if self.element in (yes.element, no.element):
            yes, no = self.real(yes), self.real(no)
        else:
            yes, no = self.whole(yes), self.whole(no)
        return self.choose(holds, yes, no)

    _rules: ClassVar[dict[type, Callable[[Evaluator, Any, Point], Value]]] = {
        Number: _number,
        Index: _index,
        Size: _size,
        Reference: _reference,
        Add: _add,
        Multiply: _multiply,
        Power: _power,
        FloorDivide: _divide,
        Modulo: _divide,
        Call: _call,
        Compare: _compare,
        Logic: _logic,
        Bracket: _bracket,
        Where: _where,
    }
