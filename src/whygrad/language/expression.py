"""Expressions in index notation: a small immutable tree.

Every node is built through the functions at the end of this file (`add`,
`multiply`, `power`, ...). They flatten sums and products and fold numbers,
and otherwise keep the order in which the author wrote things.

A node may carry a `span`, its place in a source text; it takes no part in
equality.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Self

Value = int | float | Fraction


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a source text: lines and columns count from 0, in characters."""

    line: int
    column: int
    end: int


class Expression:
    """A node; `fields` names the attributes that make it up.

    `children` are the nodes directly below it, conditions and subscripts included.
    """

    __slots__ = ("_free", "_hash", "children", "span")
    fields: ClassVar[tuple[str, ...]] = ()
    children: tuple[Expression, ...]
    span: Span | None
    _hash: int
    _free: frozenset[str] | None

    def __init__(self, *values: object) -> None:
        for field, value in zip(self.fields, values, strict=True):
            object.__setattr__(self, field, value)
        object.__setattr__(self, "_hash", hash((type(self).__name__, *values)))
        object.__setattr__(self, "_free", None)
        object.__setattr__(self, "children", tuple(_nodes(values)))
        object.__setattr__(self, "span", None)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def at(self, span: Span | None) -> Self:
        """The same node, noted to stand at a place of the source text.

        A copy, since one node may stand in several places and texts.
        """
        if span is None or span == self.span:
            return self
        noted = type(self)(*(getattr(self, f) for f in self.fields))
        object.__setattr__(noted, "span", span)
        return noted

    def __reduce__(self) -> tuple[object, ...]:
        """Built anew in another process, where texts have other hashes."""
        return _restored, (type(self), tuple(getattr(self, f) for f in self.fields), self.span)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(self) is not type(other) or self._hash != hash(other):
            return False
        return all(getattr(self, f) == getattr(other, f) for f in self.fields)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(repr(getattr(self, f)) for f in self.fields)})"

    def __str__(self) -> str:
        from .printing import expression_text

        return expression_text(self)

    def map(self, change: Callable[[Expression], Expression]) -> Expression:
        """The same node with `change` applied to each child."""
        values = []
        changed = False
        for field in self.fields:
            value = getattr(self, field)
            new = value
            if isinstance(value, Expression):
                new = change(value)
            elif isinstance(value, tuple) and value and isinstance(value[0], Expression):
                new = tuple(change(v) for v in value)
                if all(a is b for a, b in zip(new, value, strict=True)):
                    new = value
            changed = changed or new is not value
            values.append(new)
        return self.make(*values).at(self.span) if changed else self

    @classmethod
    def make(cls, *values: object) -> Expression:
        """Build a node of this class through its smart constructor."""
        return cls(*values)

    @property
    def free(self) -> frozenset[str]:
        """The names of the indices on which the value depends."""
        if self._free is None:
            object.__setattr__(self, "_free", self._free_indices())
        assert self._free is not None
        return self._free

    def _free_indices(self) -> frozenset[str]:
        return frozenset[str]().union(*(child.free for child in self.children))


def _nodes(values: Iterable[object]) -> Iterator[Expression]:
    for value in values:
        if isinstance(value, Expression):
            yield value
        elif isinstance(value, tuple):
            yield from (v for v in value if isinstance(v, Expression))


def _restored(kind: type[Expression], values: tuple[object, ...], span: Span | None) -> Expression:
    return kind(*values).at(span)


class Number(Expression):
    """A constant. Whole numbers and fractions are exact."""

    __slots__ = ("value",)
    fields = ("value",)
    value: Value


class Index(Expression):
    """An index, as a subscript or as a value."""

    __slots__ = ("name",)
    fields = ("name",)
    name: str

    def _free_indices(self) -> frozenset[str]:
        return frozenset((self.name,))


class Size(Expression):
    """`size(i)`: how many values the index takes."""

    __slots__ = ("index",)
    fields = ("index",)
    index: str


class Training(Expression):
    """`training`: true in training, false in prediction."""

    __slots__ = ()


class Reference(Expression):
    """`t[s1, s2, ...]`: one element of a tensor; a scalar has no subscripts."""

    __slots__ = ("subscripts", "tensor")
    fields = ("tensor", "subscripts")
    tensor: str
    subscripts: tuple[Expression, ...]


class Pad(Expression):
    """`pad(s)` as a subscript: where s leaves the range, 0 is read."""

    __slots__ = ("subscript",)
    fields = ("subscript",)
    subscript: Expression


class Add(Expression):
    """A sum of two or more terms; `a - b` is `a + (-1)*b`."""

    __slots__ = ("terms",)
    fields = ("terms",)
    terms: tuple[Expression, ...]

    @classmethod
    def make(cls, *values: object) -> Expression:
        (terms,) = values
        assert isinstance(terms, tuple)
        return add(*terms)


class Multiply(Expression):
    """A product of two or more factors; `a / b` is `a * b**-1`.

    A factor that is an Iverson bracket is strongly zero: where it is false
    the product is 0, whatever the other factors are.
    """

    __slots__ = ("factors",)
    fields = ("factors",)
    factors: tuple[Expression, ...]

    @classmethod
    def make(cls, *values: object) -> Expression:
        (factors,) = values
        assert isinstance(factors, tuple)
        return multiply(*factors)


class Power(Expression):
    """`base ** exponent`."""

    __slots__ = ("base", "exponent")
    fields = ("base", "exponent")
    base: Expression
    exponent: Expression

    @classmethod
    def make(cls, *values: object) -> Expression:
        base, exponent = values
        assert isinstance(base, Expression) and isinstance(exponent, Expression)
        return power(base, exponent)


class FloorDivide(Expression):
    """`a // b`, rounded down."""

    __slots__ = ("left", "right")
    fields = ("left", "right")
    left: Expression
    right: Expression


class Modulo(Expression):
    """`a % b`, with the sign of b."""

    __slots__ = ("left", "right")
    fields = ("left", "right")
    left: Expression
    right: Expression


class Call(Expression):
    """An elementwise function from the table in `functions`."""

    __slots__ = ("arguments", "function")
    fields = ("function", "arguments")
    function: str
    arguments: tuple[Expression, ...]


class Reduce(Expression):
    """`operation[i, j | condition](body)`, binding its indices.

    The operations are sum, mean, max, argmax and logsumexp. argmax over
    several indices is the row-major position.
    """

    __slots__ = ("body", "condition", "indices", "operation")
    fields = ("operation", "indices", "condition", "body")
    operation: str
    indices: tuple[str, ...]
    condition: Expression | None
    body: Expression

    def _free_indices(self) -> frozenset[str]:
        return Expression._free_indices(self) - frozenset(self.indices)


class Softmax(Expression):
    """`softmax[k | condition](body)`: keeps its indices; 0 where the condition is false."""

    __slots__ = ("body", "condition", "indices")
    fields = ("indices", "condition", "body")
    indices: tuple[str, ...]
    condition: Expression | None
    body: Expression

    def _free_indices(self) -> frozenset[str]:
        return Expression._free_indices(self) | frozenset(self.indices)


class Compare(Expression):
    """`left op right`, op one of == != < <= > >=; a condition."""

    __slots__ = ("left", "operator", "right")
    fields = ("operator", "left", "right")
    operator: str
    left: Expression
    right: Expression


class Logic(Expression):
    """`and`, `or` of two or more conditions, `not` of one."""

    __slots__ = ("arguments", "operator")
    fields = ("operator", "arguments")
    operator: str
    arguments: tuple[Expression, ...]


class Bracket(Expression):
    """`[condition]`, Iverson's bracket: 1 where true, strongly 0 where false."""

    __slots__ = ("condition",)
    fields = ("condition",)
    condition: Expression


class Where(Expression):
    """`where(condition, yes, no)`: selects; what is not selected has no influence."""

    __slots__ = ("condition", "no", "yes")
    fields = ("condition", "yes", "no")
    condition: Expression
    yes: Expression
    no: Expression


ZERO = Number(0)
ONE = Number(1)
MINUS_ONE = Number(-1)


def number(value: Value) -> Number:
    """A constant in its simplest exact form."""
    if isinstance(value, float):
        return Number(int(value) if value.is_integer() and abs(value) < 2**53 else value)
    return Number(value.numerator if value.denominator == 1 else Fraction(value))


def add(*terms: Expression) -> Expression:
    """Their sum: flat, the numbers in it folded where the first of them stands."""
    flat: list[Expression] = []
    place: int | None = None
    for term in _flatten(terms, Add, "terms"):
        if term == ZERO:
            continue
        if not isinstance(term, Number):
            flat.append(term)
        elif place is None:
            place = len(flat)
            flat.append(term)
        else:
            first = flat[place]
            assert isinstance(first, Number)
            flat[place] = number(first.value + term.value)
    if place is not None and flat[place] == ZERO:
        del flat[place]
    if not flat:
        return ZERO
    return flat[0] if len(flat) == 1 else Add(tuple(flat))


def multiply(*factors: Expression) -> Expression:
    """Their product: flat, the numbers in it folded where the first of them stands."""
    flat: list[Expression] = []
    place: int | None = None
    for factor in _flatten(factors, Multiply, "factors"):
        if factor == ONE:
            continue
        if not isinstance(factor, Number):
            flat.append(factor)
        elif place is None:
            place = len(flat)
            flat.append(factor)
        else:
            first = flat[place]
            assert isinstance(first, Number)
            flat[place] = number(first.value * factor.value)
    if place is not None:
        if flat[place] == ZERO:
            return ZERO
        if flat[place] == ONE:
            del flat[place]
        elif flat[place] == MINUS_ONE and place:
            flat.insert(0, flat.pop(place))
    if not flat:
        return ONE
    return flat[0] if len(flat) == 1 else Multiply(tuple(flat))


def power(base: Expression, exponent: Expression) -> Expression:
    """`base ** exponent`; exact numbers are folded."""
    if exponent == ONE:
        return base
    if exponent == ZERO:
        return ONE
    if (
        isinstance(base, Number)
        and isinstance(exponent, Number)
        and isinstance(base.value, int | Fraction)
        and isinstance(exponent.value, int)
        and abs(exponent.value) <= 64
        and base.value != 0
    ):
        return number(Fraction(base.value) ** exponent.value)
    return Power(base, exponent)


def negate(e: Expression) -> Expression:
    return multiply(MINUS_ONE, e)


def subtract(left: Expression, right: Expression) -> Expression:
    return add(left, negate(right))


def divide(left: Expression, right: Expression) -> Expression:
    return multiply(left, power(right, MINUS_ONE))


def _flatten(parts: Iterable[Expression], kind: type, field: str) -> Iterator[Expression]:
    for part in parts:
        if isinstance(part, kind):
            yield from getattr(part, field)
        else:
            yield part


def walk(e: Expression) -> Iterator[Expression]:
    """The node and everything below it, outermost first."""
    stack = [e]
    while stack:
        node = stack.pop()
        yield node
        stack += reversed(node.children)


def references(e: Expression) -> Iterator[Reference]:
    """Every reference in the expression, also those inside subscripts and conditions."""
    return (node for node in walk(e) if isinstance(node, Reference))


def bound(e: Expression) -> frozenset[str]:
    """The names of the indices that the reductions in it bind."""
    return frozenset(i for node in walk(e) if isinstance(node, Reduce) for i in node.indices)


def index_names(e: Expression) -> frozenset[str]:
    """The name of every index that occurs in it, bound or free."""
    found: set[str] = set()
    for node in walk(e):
        if isinstance(node, Reduce | Softmax):
            found.update(node.indices)
        elif isinstance(node, Index):
            found.add(node.name)
        elif isinstance(node, Size):
            found.add(node.index)
    return frozenset(found)


def conjunction(conditions: Iterable[Expression]) -> Expression | None:
    """All of them at once, flat, or None where there is none."""
    flat: list[Expression] = []
    for condition in conditions:
        if isinstance(condition, Logic) and condition.operator == "and":
            flat.extend(condition.arguments)
        else:
            flat.append(condition)
    unique = tuple(dict.fromkeys(flat))
    if not unique:
        return None
    return unique[0] if len(unique) == 1 else Logic("and", unique)
