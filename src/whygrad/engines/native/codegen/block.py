"""The value of expressions on a block of points: some rows by some vectors of lanes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from ....language.affine import affine
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
from .function import Function
from .panel import Panel
from .writer import Value

Point = tuple[int, int]
"""The number of a row in the tile and of a vector in it."""


class Block:
    """Evaluates expressions at the points of a block, each once for all points that share it.

    `indices` gives the value of each index that is fixed in the block; those of `row` and `lane`
    are where the block begins. `locals` holds what the nest has computed at these points.
    """

    def __init__(
        self,
        function: Function,
        element: str,
        lanes: int,
        indices: Mapping[str, Value],
        row: str | None,
        lane: str | None,
        trusted: Callable[[Reference, int], bool],
    ) -> None:
        self.f = function
        self.element = element
        self.lanes = lanes
        self.indices = dict(indices)
        self.row = row
        self.lane = lane
        self.trusted = trusted
        self.locals: dict[Reference, Callable[[Point], Value]] = {}
        self.tails: dict[int, Callable[[], Value]] = {}
        self.panels: dict[Reference, Panel] = {}
        self.guards: tuple[Expression, ...] = ()
        self.key = object()

    # Points and lanes

    def at(self, e: Expression, point: Point) -> Point:
        """The first point with the same value."""
        return (
            point[0] if self.row in e.free else 0,
            point[1] if self.lane in e.free else 0,
        )

    def vector_start(self, number: int) -> Value:
        """The lane index where a vector of the block begins."""
        assert self.lane is not None
        return self.f.add(self.indices[self.lane], self.f.integer(number * self.lanes))

    def tail(self, number: int) -> Value | None:
        """Which lanes of a vector are inside the range, or None where all are."""
        if number not in self.tails:
            return None
        key = (self.key, "tail", number)
        return self.f.known(key) or self.f.note(key, self.tails[number]())

    def inside(self, number: int) -> Value:
        """Which lanes of a vector are inside the range, by comparison with the size."""
        assert self.lane is not None
        place = self.index(self.lane, (0, number))
        return self.instruction("icmp slt", [place, self.f.size(self.lane)], "i1")

    def index(self, name: str, point: Point) -> Value:
        """The value of an index: for the lane's one number for each lane."""
        if name == self.row:
            return self.f.add(self.indices[name], self.f.integer(point[0]))
        if name != self.lane:
            return self.indices[name]
        start = self.spread(self.vector_start(point[1]), self.lanes)
        steps = ", ".join(f"i64 {k}" for k in range(self.lanes))
        return self.f.emit(f"add {start}, <{steps}>", "i64", self.lanes, (start,))

    def spread(self, value: Value, lanes: int) -> Value:
        """The same value in every lane."""
        if value.lanes == lanes:
            return value
        key = ("spread", value.text, lanes)
        known = self.f.known(key)
        if known is not None:
            return known
        one = self.f.emit(
            f"insertelement <{lanes} x {value.element}> poison, {value}, i64 0",
            value.element,
            lanes,
            (value,),
        )
        all_ = self.f.emit(
            f"shufflevector {one}, {one.type} poison, <{lanes} x i32> zeroinitializer",
            value.element,
            lanes,
            (one,),
        )
        return self.f.note(key, all_)

    def even(self, values: Sequence[Value]) -> list[Value]:
        """The values with equally many lanes."""
        lanes = max(v.lanes for v in values)
        return [self.spread(v, lanes) for v in values]

    def real(self, value: Value) -> Value:
        """The value as a number of the program's type."""
        if value.element == self.element:
            return value
        if value.constant is not None:
            return self.f.real(value.constant, self.element)
        operation = "uitofp" if value.element == "i1" else "sitofp"
        target = f"<{value.lanes} x {self.element}>" if value.lanes > 1 else self.element
        return self.f.emit(f"{operation} {value} to {target}", self.element, value.lanes, (value,))

    def whole(self, value: Value) -> Value:
        """A truth value as 0 or 1; whole numbers stay what they are."""
        if value.element != "i1":
            return value
        target = f"<{value.lanes} x i64>" if value.lanes > 1 else "i64"
        return self.f.emit(f"zext {value} to {target}", "i64", value.lanes, (value,))

    def instruction(self, name: str, values: Sequence[Value], element: str) -> Value:
        """An instruction on operands of one type."""
        operands = self.even(values)
        texts = ", ".join(v.text for v in operands)
        return self.f.emit(
            f"{name} {operands[0].type} {texts}", element, operands[0].lanes, operands
        )

    def choose(self, holds: Value, yes: Value, no: Value) -> Value:
        """`yes` where it holds, else `no`."""
        if holds.lanes == 1:
            a, b = self.even([yes, no])
            condition = holds
        else:
            condition, a, b = self.even([holds, yes, no])
        return self.f.emit(f"select {condition}, {a}, {b}", a.element, a.lanes, (condition, a, b))

    def both(self, conditions: Sequence[Value]) -> Value | None:
        """All conditions at once; None where there is none."""
        result: Value | None = None
        for c in conditions:
            result = c if result is None else self.instruction("and", [result, c], "i1")
        return result

    # Expressions

    def value(self, e: Expression, point: Point) -> Value:
        """The value at a point: a number, a whole number, or a truth value (i1)."""
        point = self.at(e, point)
        key = (self.key, e, point, self.guards if arithmetic.is_unsafe(e) else ())
        known = self.f.known(key)
        if known is None:
            known = self.f.note(key, self._rules[type(e)](self, e, point))
        return known

    def number(self, e: Expression, point: Point) -> Value:
        """The value as a number of the program's type."""
        return self.real(self.value(e, point))

    def truth(self, e: Expression, point: Point) -> Value:
        """The value of a condition."""
        value = self.value(e, point)
        if value.element == "i1":
            return value
        zero = self.f.integer(0) if value.element == "i64" else self.f.real(0, self.element)
        name = "icmp ne" if value.element == "i64" else "fcmp une"
        return self.instruction(name, [value, zero], "i1")

    def under(self, conditions: Sequence[Expression], point: Point) -> list[Value]:
        """The values of conditions, each of which is only looked at where those before hold."""
        before, found = self.guards, []
        for condition in conditions:
            found.append(self.truth(condition, point))
            self.guards = (*self.guards, condition)
        self.guards = before
        return found

    def guarded(self, e: Expression, conditions: Sequence[Expression], point: Point) -> Value:
        """The value of `e` where the conditions hold; elsewhere anything."""
        before = self.guards
        self.guards = (*before, *conditions)
        try:
            return self.value(e, point)
        finally:
            self.guards = before

    def reached(self, point: Point) -> Value | None:
        """Where all conditions around the present place hold; None: everywhere."""
        guards, self.guards = self.guards, ()
        try:
            return self.both(self.under(guards, point))
        finally:
            self.guards = guards

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
        from .access import load, load_panel

        if e in self.panels:
            return load_panel(self, self.panels[e], point)
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
        before = self.guards
        self.guards = (*before, *conditions)
        try:
            value = self._product(rest, point)
        finally:
            self.guards = before
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
        numbers = sorted((self.real(v) for v in above), key=lambda v: v.lanes)
        for v in below:
            if v.lanes == 1:  # one division for all lanes
                numbers.insert(0, self._reciprocal(v))
        total = numbers[0] if numbers else self.f.real(1, self.element)
        for v in numbers[1:]:
            total = self.instruction("fmul contract", [total, v], self.element)
        for v in below:
            if v.lanes > 1:
                total = self.instruction("fdiv", [total, v], self.element)
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
        if name in functions.CALLED:
            symbol = functions.symbol(name, self.element, lanes)
            self.f.functions[symbol] = functions.emit(name, self.element, lanes)
        lines, result = functions.lines(
            name, [v.text for v in values], self.f.fresh, self.element, lanes
        )
        scope = max((v.scope for v in values), key=lambda s: s.depth)
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
            before, found = self.guards, []
            for condition in conditions:
                found.append(self.truth(condition, point))
                self.guards = (*self.guards, Logic("not", (condition,)))
            self.guards = before
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
        yes = self.guarded(e.yes, [e.condition], point)
        no = self.guarded(e.no, [Logic("not", (e.condition,))], point)
        if self.element in (yes.element, no.element):
            yes, no = self.real(yes), self.real(no)
        else:
            yes, no = self.whole(yes), self.whole(no)
        return self.choose(holds, yes, no)

    def affine(self, e: Expression) -> Any:
        """The expression as an affine one of indices and run-time sizes."""
        return affine(e, self.f.constants)

    _rules: ClassVar[dict[type, Callable[[Block, Any, Point], Value]]] = {
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
