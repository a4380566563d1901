"""Random expressions, and everything that may stand in one."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from whygrad.language.functions import FUNCTIONS, REDUCTIONS

SUBSCRIPTS = (
    "plain",
    "repeated index",
    "constant",
    "index of another axis",
    "shifted",
    "stride",
    "sum of indices",
    "reversed",
    "//",
    "%",
    "pad",
    "tensor valued",
    "argmax valued",
    "start read from outside",
)

FEATURES = frozenset(
    [f"subscript: {kind}" for kind in SUBSCRIPTS]
    + [f"{name}" for name in FUNCTIONS]
    + [f"{name}[{rest}]" for name in (*REDUCTIONS, "softmax") for rest in ("i", "i | condition")]
    + [f"condition: {kind}" for kind in ("==", "<=", "%", "y[n]", "value", "and", "or", "not")]
    + ["reduction of several indices", "nested reductions", "index not used", "index used again"]
    + ["bracket", "where", "training", "index as value", "size as value"]
    + [f"power: {kind}" for kind in ("whole", "negative", "fraction", "expression")]
    + ["division", "tensor used several times", "residual", "lines in any order", "several costs"]
    + ["recurrence", "recurrence of two equations", "recurrence through an equation without starts"]
    + [
        "recurrence: backwards",
        "recurrence: lag 2",
        "recurrence: pad",
        "recurrence: start reads start",
    ]
    + ["recurrence: start 0", "recurrence: start from tensors", "recurrence: reads its start"]
    + ["given", "param", "setting", "state", "noise", "dotted name", "exact", "smooth"]
)


@dataclass(frozen=True)
class Axis:
    """An axis: the index that names it and the first and last value of its subscript."""

    index: str
    first: int
    last: int


@dataclass
class Drawn:
    """A tensor of the text; `below` bounds its values where they are whole numbers."""

    name: str
    axes: tuple[Axis, ...]
    exact: bool
    below: int | None = None
    within: str = ""
    kind: str = "equation"
    used: int = 0

    @property
    def left(self) -> str:
        return bracketed(self.name, [a.index for a in self.axes])


def bracketed(name: str, subscripts: Sequence[str]) -> str:
    return f"{name}[{','.join(subscripts)}]" if subscripts else name


def mentioned(name: str, text: str) -> bool:
    """Whether the name occurs as a whole word."""
    return re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.])", text) is not None


class Grammar:
    """What an expression may hold: the tensors and indices that there are, and how to mix them.

    `scope` maps the indices in scope to their sizes. An expression is `exact`
    where it holds whole numbers that no rounding touches. While a recurrence is
    drawn, `loop` says with which subscripts along t its tensors may be read.
    """

    def __init__(self, rnd: random.Random) -> None:
        self.rnd = rnd
        self.features: set[str] = set()
        self.sizes = {
            **{i: rnd.randint(2, 3) for i in ("n", "i", "j", "u", "s")},
            **{i: rnd.randint(3, 4) for i in ("k", "t")},
        }
        self.ties = rnd.random() < 0.5
        self.note("exact" if self.ties else "smooth")
        self.tensors: dict[str, Drawn] = {}
        self.loop: dict[str, list[str]] = {}
        self.bound_once: set[str] = set()
        self.depth_of_reduction = 0
        self.budget = 0

    def note(self, feature: str) -> None:
        self.features.add(feature)

    def chance(self, probability: float) -> bool:
        return self.rnd.random() < probability

    def axis(self, index: str) -> Axis:
        return Axis(index, 0, self.sizes[index] - 1)

    def start(self, axes: Sequence[Axis], draw: Callable[[dict[str, int]], str]) -> str:
        """Begin an equation over these axes and draw its right side."""
        self.budget = self.rnd.randint(3, 12)
        self.bound_once = set()
        return draw({a.index: self.sizes[a.index] for a in axes})

    @contextmanager
    def looping(self, allowed: dict[str, list[str]]) -> Iterator[None]:
        self.loop = allowed
        yield
        self.loop = {}

    def expression(self, scope: dict[str, int], depth: int, exact: bool) -> str:
        """An expression; exact where rounding may not touch it."""
        self.budget -= 1
        if depth == 0 or self.budget < 0:
            return self.leaf(scope, exact)
        forms: list[Callable[[dict[str, int], int, bool], str]] = [
            *[self.addition, self.product, self.reduction] * 3,
            *[self.selection, self.bracket, self.square, self.two] * 1,
            self.kinked,
        ]
        if not exact:
            forms += [*[self.smooth] * 4, self.power, self.division, self.softmax]
        return self.rnd.choice(forms)(scope, depth - 1, exact)

    def term(self, scope: dict[str, int], depth: int, exact: bool) -> str:
        """An expression that may stand in a product."""
        return f"({self.expression(scope, depth, exact)})"

    def leaf(self, scope: dict[str, int], exact: bool) -> str:
        kind = self.rnd.random()
        if kind < 0.05 and scope:
            self.note("index as value")
            return self.rnd.choice([*scope])
        if kind < 0.08:
            self.note("size as value")
            return f"size({self.rnd.choice([*scope] or ['k'])})"
        if kind < 0.13:
            return self.rnd.choice(["1", "2", "-1"] if exact else ["0.5", "2", "-1.5", "1/3"])
        return self.reference(scope, self.pick(exact))

    def pick(self, exact: bool) -> Drawn:
        """A tensor to read, those that nobody read yet before others."""
        choice = [
            t
            for t in self.tensors.values()
            if t.below is None and (t.exact or not exact) and self.loop.get(t.name) != []
        ]
        fresh = [t for t in choice if not t.used and t.kind == "equation"]
        return self.rnd.choice(fresh if fresh and self.chance(0.5) else choice)

    def reference(self, scope: dict[str, int], drawn: Drawn) -> str:
        subscripts: list[str] = []
        for axis in drawn.axes:
            if axis.index == "t" and drawn.name in self.loop:
                subscripts.append(self.rnd.choice(self.loop[drawn.name]))
                if subscripts[-1].startswith(("-", "size")):
                    self.note("recurrence: reads its start")
            else:
                subscripts.append(self.subscript(scope, axis))
        if len(set(subscripts)) < len(subscripts) and set(subscripts) & set(scope):
            self.note("subscript: repeated index")
        drawn.used += 1
        return bracketed(drawn.name, subscripts)

    def subscript(self, scope: dict[str, int], axis: Axis) -> str:
        """Something that stays inside the axis, or may leave it under `pad`."""
        length = axis.last + 1
        if axis.index in scope and self.chance(0.5):
            self.note("subscript: plain")
            return axis.index
        choice: list[tuple[str, str]] = [("constant", str(self.rnd.randint(0, axis.last)))]
        if axis.first < 0:
            choice.append(("start read from outside", str(self.rnd.randint(axis.first, -1))))
        if axis.last >= self.sizes["t"] and axis.index == "t":
            choice.append(("start read from outside", "size(t)"))
        for q, size in scope.items():
            choice += self._subscripts_of(q, size, axis, length)
            for r, other in scope.items():
                if r != q and size + other - 1 <= length:
                    choice.append(("sum of indices", f"{q}+{r}"))
                if r != q:
                    choice.append(("%", f"({q} + {r}) % {length}"))
                    choice.append(("pad", f"pad({q}+{r}-1)"))
        choice += self._tensor_subscripts(scope, length)
        kinds = sorted({kind for kind, _ in choice})
        kind = self.rnd.choice(kinds)
        self.note(f"subscript: {kind}")
        return self.rnd.choice([text for k, text in choice if k == kind])

    def _subscripts_of(self, q: str, size: int, axis: Axis, length: int) -> list[tuple[str, str]]:
        found = [
            ("%", f"{q} % {length}" if self.chance(0.5) else f"(2*{q}+1) % {length}"),
            ("pad", self.rnd.choice([f"pad({q}-1)", f"pad({q}+1)", f"pad(2*{q}-1)"])),
            ("pad", self.rnd.choice([f"pad(size({q})-{q})", f"pad({q}-2)", f"pad(1-{q})"])),
        ]
        if (size - 1) // 2 <= axis.last:
            found.append(("//", f"{q} // 2"))
        if size <= length:
            found.append(("reversed", f"size({q})-1-{q}"))
            if q != axis.index:
                found.append(("index of another axis", q))
        if size < length:
            found.append(("shifted", f"{q}+1"))
        if axis.first < 0 and size - 1 + axis.first <= axis.last:
            found.append(("start read from outside", f"{q}-{-axis.first}"))
        if 2 * (size - 1) <= axis.last:
            found.append(("stride", f"2*{q}"))
        if 2 * size - 1 <= axis.last:
            found.append(("stride", f"2*{q}+1"))
        return found

    def _tensor_subscripts(self, scope: dict[str, int], length: int) -> list[tuple[str, str]]:
        found = []
        for t in self.tensors.values():
            if t.below is not None and t.below <= length and all(a.index in scope for a in t.axes):
                kind = "argmax valued" if t.kind == "equation" else "tensor valued"
                t.used += 1
                found.append((kind, t.left))
        return found

    def addition(self, scope: dict[str, int], depth: int, exact: bool) -> str:
        parts = [self.term(scope, depth, exact) for _ in range(self.rnd.randint(2, 3))]
        return self.rnd.choice([" + ", " - "]).join(parts)

    def product(self, scope: dict[str, int], depth: int, exact: bool) -> str:
        count = 2 if exact else self.rnd.randint(2, 3)
        return " * ".join(self.term(scope, depth, exact) for _ in range(count))

    def bracket(self, scope: dict[str, int], depth: int, exact: bool) -> str:
        self.note("bracket")
        parts = [f"[{self.condition(scope)}]", self.term(scope, depth, exact)]
        self.rnd.shuffle(parts)
        return " * ".join(parts)

    def selection(self, scope: dict[str, int], depth: int, exact: bool) -> str:
        self.note("where")
        condition = self.condition(scope)
        if self.chance(0.15):
            self.note("training")
            condition = self.rnd.choice(["training", "not training"])
        yes, no = (self.expression(scope, depth, exact) for _ in range(2))
        return f"where({condition}, {yes}, {no})"

    def square(self, scope: dict[str, int], depth: int, exact: bool) -> str:
        self.note("power: whole")
        return f"{self.term(scope, depth, exact)}**{self.rnd.choice([2, 2, 3])}"

    def power(self, scope: dict[str, int], depth: int, exact: bool) -> str:
        kind = self.rnd.choice(["negative", "fraction", "expression"])
        self.note(f"power: {kind}")
        base = f"(1 + {self.term(scope, depth, exact)}**2)"
        if kind == "expression":
            return f"{base}**sin({self.expression(scope, depth, exact)})"
        exponents = ["(-1)", "(-2)"] if kind == "negative" else ["0.5", "(1/3)", "(-0.5)"]
        return f"{base}**{self.rnd.choice(exponents)}"

    def division(self, scope: dict[str, int], depth: int, exact: bool) -> str:
        self.note("division")
        below = self.rnd.choice(
            ["2", "size(k)", "(1 + {}**2)", "(1.5 + sin({}))", "exp(tanh({}))"]
        ).format(self.term(scope, depth, exact))
        return f"{self.term(scope, depth, exact)} / {below}"

    def smooth(self, scope: dict[str, int], depth: int, exact: bool) -> str:
        """A smooth function of one argument."""
        name = self.rnd.choice([n for n, f in FUNCTIONS.items() if f.arity == 1 and not f.kink])
        self.note(name)
        argument = self.expression(scope, depth, exact)
        if name in ("log", "sqrt"):
            argument = self.rnd.choice(["1 + ({})**2", "sigmoid({})", "2 + sin({})"]).format(
                argument
            )
        if name in ("exp", "expm1"):
            argument = f"tanh({argument})"
        return f"{name}({argument})"

    def kinked(self, scope: dict[str, int], depth: int, exact: bool) -> str:
        """A function with a kink of one argument, which decides on which side it lies."""
        names = ["relu", "abs"] if exact else ["relu", "abs", "leaky_relu"]
        name = self.rnd.choice(names)
        self.note(name)
        return f"{name}({self.expression(scope, depth, exact or self.ties)})"

    def function_of(self, argument: str, exact: bool) -> str:
        name = "relu" if exact else self.rnd.choice(["tanh", "gelu", "sigmoid"])
        self.note(name)
        return f"{name}({argument})"

    def two(self, scope: dict[str, int], depth: int, exact: bool) -> str:
        """The larger or smaller of two."""
        name = self.rnd.choice(["max", "min"])
        self.note(name)
        a, b = (self.expression(scope, depth, exact or self.ties) for _ in range(2))
        return f"{name}({a}, {b})"

    def reduction(self, scope: dict[str, int], depth: int, exact: bool) -> str:
        free = [i for i in self.sizes if i not in scope]
        if not free:
            return self.product(scope, depth, exact)
        bound = self.rnd.sample(free, min(len(free), self.rnd.choice([1, 1, 1, 2])))
        operation = self.rnd.choice(
            ["sum", "sum", "max"] if exact else ["sum", "sum", "sum", "mean", "max", "logsumexp"]
        )
        inner = {**scope, **{i: self.sizes[i] for i in bound}}
        condition = self.reduction_condition(operation, bound[0], inner)
        if self.bound_once & set(bound):
            self.note("index used again")
        self.bound_once.update(bound)
        if len(bound) > 1:
            self.note("reduction of several indices")
        if self.depth_of_reduction:
            self.note("nested reductions")
        self.depth_of_reduction += 1
        exact = exact or (self.ties and operation == "max")  # what wins must not be rounded
        body = self.expression(inner, depth, exact)
        if self.chance(0.7):  # more often than not the index is used
            read = self.reference({i: self.sizes[i] for i in bound}, self.pick(exact))
            body = f"({body}) * {read}"
        self.depth_of_reduction -= 1
        self.note(f"{operation}[i | condition]" if condition else f"{operation}[i]")
        if not all(mentioned(i, body) for i in bound):
            self.note("index not used")
        return f"{operation}[{','.join(bound)}{condition}]({body})"

    def reduction_condition(self, operation: str, bound: str, inner: dict[str, int]) -> str:
        if operation == "sum":
            return f" | {self.condition(inner)}" if self.chance(0.4) else ""
        return self.sure_condition(bound, inner)

    def sure_condition(self, bound: str, inner: dict[str, int]) -> str:
        """Nothing, or a condition that always leaves some value of the index `bound`."""
        if self.chance(0.6):
            return ""
        others = [i for i in inner if i != bound]
        choice = [f"{bound} % 2 == 0", f"{bound} != 1", f"{bound} == 0 or {self.condition(inner)}"]
        choice += [f"{bound} <= {i}" for i in others]
        return f" | {self.rnd.choice(choice)}"

    def softmax(self, scope: dict[str, int], depth: int, exact: bool) -> str:
        kept = [i for i in scope if not (self.loop and i == "t")]
        if not kept:
            return self.smooth(scope, depth, exact)
        index = self.rnd.choice(kept)
        condition = self.sure_condition(index, scope)
        self.note("softmax[i | condition]" if condition else "softmax[i]")
        return f"softmax[{index}{condition}]({self.expression(scope, depth, exact)})"

    def condition(self, scope: dict[str, int]) -> str:
        """A condition on indices, class numbers or values."""
        if self.chance(0.2):
            word = self.rnd.choice(["and", "or", "not"])
            self.note(f"condition: {word}")
            if word == "not":
                return f"not ({self.condition(scope)})"
            return f"({self.condition(scope)}) {word} ({self.condition(scope)})"
        indices = list(scope)
        kind = self.rnd.random()
        if not indices or kind < 0.2:
            self.note("condition: value")
            drawn = self.pick(self.ties)
            operator, edge = self.rnd.choice([">", "<", ">=", "<="]), self.rnd.choice(["0", "0.5"])
            return f"{self.reference(scope, drawn)} {operator} {edge}"
        q = self.rnd.choice(indices)
        if kind < 0.4:
            self.note("condition: <=")
            r = self.rnd.choice(indices)
            return (
                f"{q} {self.rnd.choice(['<=', '<', '>'])} {r}" if r != q else f"{q} < size({q}) - 1"
            )
        if kind < 0.6:
            self.note("condition: %")
            return f"{q} % 2 == {self.rnd.randint(0, 1)}"
        whole = [
            t for t in self.tensors.values() if t.below and all(a.index in scope for a in t.axes)
        ]
        if kind < 0.8 and whole:
            self.note("condition: y[n]")
            drawn = self.rnd.choice(whole)
            drawn.used += 1
            return f"{q} {self.rnd.choice(['==', '!='])} {drawn.left}"
        self.note("condition: ==")
        r = self.rnd.choice(indices)
        return self.rnd.choice([f"{q} == {r}", f"{q} != {r}", f"2*{q} + {r} == 2", f"{q} == 1"])
