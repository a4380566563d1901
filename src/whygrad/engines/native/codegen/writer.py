"""The text of one LLVM function, written so that nothing is computed inside a loop needlessly.

Code stands in scopes. A scope is straight code, then perhaps a loop (the body of which is a
scope of its own) and, behind the loop, another scope. A value is written into the outermost
scope in which its operands are known, so what does not change in a loop stands before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from .value import Scope, Value, real_text, vector


@dataclass(slots=True, eq=False)
class Loop:
    """An open loop: its number, its counter, and the values carried from turn to turn.

    If it may be empty, `skipped` are the values there are behind it then.
    """

    number: int
    outer: Scope
    counter: Value
    stop: Value
    step: int
    carried: tuple[Value, ...]
    skipped: tuple[Value, ...]


class Writer:
    """Writes one function."""

    def __init__(self) -> None:
        self.root = Scope(0)
        self.scope = self.root
        self.count = 0
        self.active: list[Scope] = [self.root]
        self.floor = self.root
        self.integers: dict[int, Value] = {}  # a step has some ten thousand uses of a few

    def text(self) -> list[str]:
        """The lines of the body."""
        return list(self.root.lines())

    # Operands

    def integer(self, value: int) -> Value:
        """A constant i64."""
        if value not in self.integers:
            self.integers[value] = Value(str(value), "i64", 1, self.root, value)
        return self.integers[value]

    def real(self, value: float, element: str) -> Value:
        """A constant number of the given type."""
        return Value(real_text(value, element), element, 1, self.root)

    def fresh(self) -> str:
        """A name that is not used yet."""
        self.count += 1
        return f"%v{self.count}"

    def emit(
        self, text: str, element: str, lanes: int, operands: Sequence[Value], here: bool = False
    ) -> Value:
        """Write an instruction where its operands are known, or `here`, and give its result.

        One that is neither a load nor a call is written once in a scope.
        """
        scope = self.scope if here else self.known_in(operands)
        pure = not here and not text.startswith(("load", "call"))
        if pure and text in scope.memo:
            return scope.memo[text]
        value = Value(self.fresh(), element, lanes, scope)
        scope.code.append(f"  {value.text} = {text}")
        return self.note(text, value) if pure else value

    def known_in(self, operands: Iterable[Value]) -> Scope:
        """The outermost scope in which all operands are known, but none outside of the floor."""
        return max((self.floor, *(v.scope for v in operands)), key=_depth)

    @property
    def load(self) -> str:
        """The instruction to load with, such that LLVM moves nothing out either."""
        return "load" if self.floor is self.root else "load volatile"

    def is_behind(self, scope: Scope) -> bool:
        """Whether the present place is straight behind loops that begin in a scope."""
        before = self.scope.before
        while before is not None and before is not scope:
            before = before.before
        return before is scope

    def command(self, text: str) -> None:
        """Write an instruction without a result at the present place."""
        self.scope.code.append(f"  {text}")

    def when(self, condition: Value, text: str) -> None:
        """Write an instruction that is only reached where a condition holds, which is seldom.

        A jump, since a store to a place that is not known yet would hold up all loads behind it.
        """
        self.count += 1
        n = self.count
        condition.scope.code += [
            f"  br i1 {condition.text}, label %rare{n}, label %usual{n}",
            f"rare{n}:",
            f"  {text}",
            f"  br label %usual{n}",
            f"usual{n}:",
        ]

    def call(
        self, name: str, element: str, lanes: int, arguments: Sequence[Value], here: bool = False
    ) -> Value:
        """Call an intrinsic; LLVM declares those itself."""
        result = vector(element, lanes)
        inside = ", ".join(map(str, arguments))
        return self.emit(f"call {result} @{name}({inside})", element, lanes, arguments, here)

    def order(self, name: str, arguments: Sequence[Value]) -> None:
        """Call a function without a result."""
        self.command(f"call void @{name}({', '.join(map(str, arguments))})")

    # Lanes

    def spread(self, value: Value, lanes: int) -> Value:
        """The same value in every lane."""
        if value.lanes == lanes:
            return value
        if not value.text.startswith("%"):  # a constant
            text = ", ".join([str(value)] * lanes)
            return Value(f"<{text}>", value.element, lanes, self.root)
        one = self.emit(
            f"insertelement <{lanes} x {value.element}> poison, {value}, i64 0",
            value.element,
            lanes,
            (value,),
        )
        return self.emit(
            f"shufflevector {one}, {one.type} poison, <{lanes} x i32> zeroinitializer",
            value.element,
            lanes,
            (one,),
        )

    def any(self, truth: Value) -> Value:
        """Whether it is true in any lane."""
        if truth.lanes == 1:
            return truth
        kind = f"i{truth.lanes}"
        bits = self.emit(f"bitcast {truth} to {kind}", kind, 1, [truth])
        return self.emit(f"icmp ne {bits}, 0", "i1", 1, [bits])

    # Whole numbers

    def add(self, a: Value, b: Value) -> Value:
        """a + b of two i64."""
        if a.constant is not None and b.constant is not None:
            return self.integer(a.constant + b.constant)
        if a.constant == 0:
            return b
        if b.constant == 0:
            return a
        return self.emit(f"add i64 {a.text}, {b.text}", "i64", 1, (a, b))

    def subtract(self, a: Value, b: Value) -> Value:
        """a - b of two i64."""
        if a.constant is not None and b.constant is not None:
            return self.integer(a.constant - b.constant)
        if b.constant == 0:
            return a
        return self.emit(f"sub i64 {a.text}, {b.text}", "i64", 1, (a, b))

    def multiply(self, a: Value, b: Value) -> Value:
        """a * b of two i64."""
        if a.constant is not None and b.constant is not None:
            return self.integer(a.constant * b.constant)
        if 0 in (a.constant, b.constant):
            return self.integer(0)
        if a.constant == 1:
            return b
        if b.constant == 1:
            return a
        return self.emit(f"mul i64 {a.text}, {b.text}", "i64", 1, (a, b))

    def remainder(self, a: Value, b: int) -> Value:
        """a % b of an i64 that is not negative."""
        if a.constant is not None:
            return self.integer(a.constant % b)
        return self.emit(f"urem i64 {a.text}, {b}", "i64", 1, [a])

    def divide(self, a: Value, b: int) -> Value:
        """a // b of an i64 that is not negative."""
        if a.constant is not None:
            return self.integer(a.constant // b)
        return a if b == 1 else self.emit(f"udiv i64 {a.text}, {b}", "i64", 1, [a])

    def minimum(self, a: Value, b: Value) -> Value:
        """The smaller of two i64."""
        return self.call("llvm.smin.i64", "i64", 1, (a, b))

    def maximum(self, a: Value, b: Value) -> Value:
        """The larger of two i64."""
        return self.call("llvm.smax.i64", "i64", 1, (a, b))

    def round_up(self, a: Value, multiple: int) -> Value:
        """The next multiple of a power of 2."""
        more = self.add(a, self.integer(multiple - 1))
        if more.constant is not None:
            return self.integer(more.constant // multiple * multiple)
        return self.emit(f"and i64 {more.text}, {-multiple}", "i64", 1, (more,))

    def offset(self, pointer: Value, amount: Value, size: int) -> Value:
        """The pointer, moved by so many elements of so many bytes."""
        if amount.constant == 0:
            return pointer
        if amount.constant is not None:
            text = f"getelementptr i8, ptr {pointer.text}, i64 {amount.constant * size}"
            return self.emit(text, "ptr", 1, (pointer,))
        text = f"getelementptr [{size} x i8], ptr {pointer.text}, i64 {amount.text}"
        return self.emit(text, "ptr", 1, (pointer, amount))

    # Loops

    def begin(
        self,
        start: Value,
        stop: Value,
        step: int,
        carried: Sequence[Value] = (),
        may_be_empty: bool = False,
    ) -> Loop:
        """Open a loop; the last value of its counter is below `stop`."""
        self.count += 1
        number, outer = self.count, self.scope
        outer.rest += [f"  br label %pre{number}", f"pre{number}:"]
        if may_be_empty:
            outer.rest += [
                f"  %some{number} = icmp slt i64 {start.text}, {stop.text}",
                f"  br i1 %some{number}, label %loop{number}, label %exit{number}",
            ]
        else:
            outer.rest.append(f"  br label %loop{number}")
        outer.rest.append(f"loop{number}:")
        body = Scope(outer.depth + 1)
        counter = Value(f"%i{number}", "i64", 1, body)
        phis = [
            f"  %i{number} = phi i64 [ {start.text}, %pre{number} ],"
            f" [ %next{number}, %latch{number} ]"
        ]
        values = []
        for k, value in enumerate(carried):
            name = f"%c{number}.{k}"
            phis.append(
                f"  {name} = phi {value.type} [ {value.text}, %pre{number} ],"
                f" [ {name}.next, %latch{number} ]"
            )
            values.append(Value(name, value.element, value.lanes, body))
        outer.rest += phis
        outer.rest.append(body)
        self.scope = body
        self.active.append(body)
        skipped = tuple(carried) if may_be_empty else ()
        return Loop(number, outer, counter, stop, step, tuple(values), skipped)

    def end(self, loop: Loop, carried: Sequence[Value] = ()) -> tuple[Value, ...]:
        """Close a loop; gives what the carried values are behind it."""
        n, outer = loop.number, loop.outer
        inner = self.scope
        inner.rest += [f"  br label %latch{n}", f"latch{n}:"]
        after = Scope(outer.depth + 1, outer)
        results = []
        for value, new in zip(loop.carried, carried, strict=True):
            name = f"{value.text}.next"
            inner.rest.append(f"  {name} = bitcast {new} to {new.type}")
            results.append(replace(value, text=name, scope=after))
        outer.rest += [
            f"  %next{n} = add i64 %i{n}, {loop.step}",
            f"  %more{n} = icmp slt i64 %next{n}, {loop.stop.text}",
            f"  br i1 %more{n}, label %loop{n}, label %exit{n}",
            f"exit{n}:",
        ]
        for k, (value, start) in enumerate(zip(results, loop.skipped, strict=False)):
            name = f"{loop.carried[k].text}.end"
            outer.rest.append(
                f"  {name} = phi {value.type} [ {start.text}, %pre{n} ],"
                f" [ {value.text}, %latch{n} ]"
            )
            results[k] = replace(value, text=name)
        outer.rest.append(after)
        while self.active[-1] is not outer:
            self.active.pop()
        self.active.append(after)
        self.scope = after
        return tuple(results)

    @contextmanager
    def when_positive(self, amount: Value, otherwise: Sequence[Value]) -> Iterator[list[Value]]:
        """Inside, write what is only done for an amount above 0, and put its results in the list.

        Behind it, these are the results or else what there is otherwise. Nothing of what is
        written inside is moved out.
        """
        loop = self.begin(self.integer(0), amount, 1 << 62, otherwise, may_be_empty=True)
        results = list(otherwise)
        with self.nothing_moved_out():
            yield results
        results[:] = self.end(loop, results)

    @contextmanager
    def nothing_moved_out(self) -> Iterator[None]:
        """Inside, nothing is written further outside than at the present place.

        For what seldom runs more than once: to keep a value for the next turn would cost a way
        through memory, which what comes first in a step has to wait for.
        """
        floor, self.floor = self.floor, self.scope
        try:
            yield
        finally:
            self.floor = floor

    # What is known already

    def known(self, key: object) -> Value | None:
        """A value noted under a key in a scope that is still open."""
        for scope in reversed(self.active):
            found = scope.memo.get(key)
            if found is not None:
                return found
        return None

    def note(self, key: object, value: Value) -> Value:
        """Remember a value for as long as its scope is open."""
        value.scope.memo[key] = value
        return value


def _depth(scope: Scope) -> int:
    return scope.depth
