"""A block of points, some rows by some vectors of lanes, and instructions on values there.

What is the value of an expression is left to `Evaluator`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache, partial

from ....language.affine import Affine, affine
from ....language.expression import Expression, Reference, references
from .function import Function
from .listing import Listing
from .packed import Packed
from .value import Value

Point = tuple[int, int]
"""The number of a row in the tile and of a vector in it."""


class Block(ABC):
    """Evaluates expressions at its points, each once for all points that share it.

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
        self.packed: dict[Reference, Packed] = {}
        self.listings: dict[str, Listing] = {}
        self.guards: tuple[Expression, ...] = ()
        self.key: object = object()

    # Inside of some places

    @contextmanager
    def _with(self, **changed: object) -> Iterator[None]:
        before = {name: getattr(self, name) for name in changed}
        vars(self).update(changed)
        try:
            yield
        finally:
            vars(self).update(before)

    def one_lane(self, place: Value) -> AbstractContextManager[None]:
        """Inside, the lane's index has one value, and so has everything else."""
        indices = {**self.indices, str(self.lane): place}
        return self._with(indices=indices, lane=None, lanes=1, key=object())

    def at_place(self, index: str, place: Value, **more: object) -> AbstractContextManager[None]:
        """Inside, an index has a value, and nothing is known that was found with another."""
        indices, key = {**self.indices, index: place}, (self.key, index, place.text)
        return self._with(indices=indices, key=key, **more)

    @contextmanager
    def at_turn(self, index: str, place: Value) -> Iterator[None]:
        """Inside, an index has the value of a turn of its loop: of a line, if it is listed."""
        listing = self.listings.get(index)
        if listing is None:
            with self.at_place(index, place):
                yield
        else:
            value = listing.value(self.f, place)
            with self.at_place(listing.places, place), self.at_place(index, value):
                yield

    def last_lanes(self, place: Value, count: int) -> AbstractContextManager[None]:
        """Inside, the lanes begin at a place, and only so many of the first count."""
        return self.at_place(str(self.lane), place, tails={0: partial(self.first_lanes, count)})

    def where(self, conditions: Sequence[Expression]) -> AbstractContextManager[None]:
        """Inside, values count only where the conditions hold; elsewhere they are anything."""
        return self._with(guards=(*self.guards, *conditions))

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

    def first_lanes(self, count: int) -> Value:
        """So many lanes."""
        bits = ", ".join(f"i1 {'true' if k < count else 'false'}" for k in range(self.lanes))
        return Value(f"<{bits}>", "i1", self.lanes, self.f.root)

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
        return self.f.spread(value, lanes)

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
        key = (self.key, e, point, self.guards if _looks_up(e) else ())
        known = self.f.known(key)
        if known is None:
            known = self.f.note(key, self.evaluate(e, point))
        return known

    @abstractmethod
    def evaluate(self, e: Expression, point: Point) -> Value:
        """The same, computed anew."""

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
        found = []
        for k, condition in enumerate(conditions):
            with self.where(conditions[:k]):
                found.append(self.truth(condition, point))
        return found

    def reached(self, point: Point) -> Value | None:
        """Where all conditions around the present place hold; None: everywhere."""
        guards = self.guards
        with self._with(guards=()):
            return self.both(self.under(guards, point))

    def affine(self, e: Expression) -> Affine | None:
        """The expression as an affine one of indices and run-time sizes."""
        return affine(e, self.f.constants)


@lru_cache(maxsize=16384)
def _looks_up(e: Expression) -> bool:
    """Whether it reads at places that data give, so that it may only be read where it counts."""
    return any(inner for r in references(e) for s in r.subscripts for inner in references(s))
