"""Random systems: valid texts that use every feature of the language in every mixture.

`random_case(rnd)` draws one from a `random.Random`; with Hypothesis's own
(`st.randoms(use_true_random=False)`) a failure shrinks. A case knows which
features it used, so that a run can report how often each was tried.

Every second case holds small whole numbers, so that ties and kinks happen. In
such a case whatever decides a tie is computed exactly (`exact` below): rounding
must not decide it. In the others the data are drawn from a normal distribution.

Arguments of log, sqrt, powers and divisions are kept inside their domain.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from whygrad.language.functions import FUNCTIONS, REDUCTIONS


@dataclass(frozen=True)
class Case:
    """A text with the size of every index and data; `features` is what it uses."""

    text: str
    sizes: Mapping[str, int]
    arrays: Mapping[str, np.ndarray]
    differentiable: tuple[str, ...]
    noise: tuple[str, ...]
    features: frozenset[str]

    def __str__(self) -> str:
        data = "\n".join(f"{name} = {a.tolist()}" for name, a in self.arrays.items())
        return f"{self.text}\nsizes = {dict(self.sizes)}\n{data}\n"


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


def random_case(rnd: random.Random) -> Case:
    return Draft(rnd).finish()


class Draft:
    """A system that is being drawn. `scope` maps the indices in scope to their sizes."""

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
        self.equations: list[str] = []
        self.loop: dict[str, list[str]] = {}
        self.loop_index = ""
        self.bound_once: set[str] = set()
        self.depth_of_reduction = 0
        self.budget = 0
        self._declare_inputs()
        for count in range(rnd.randint(1, 3)):
            rnd.choice([self.plain, self.plain, self.residual, self.winner, self.recurrence])(count)

    def note(self, feature: str) -> None:
        self.features.add(feature)

    def chance(self, probability: float) -> bool:
        return self.rnd.random() < probability

    # Statements

    def _declare_inputs(self) -> None:
        rnd = self.rnd
        names = ["x", "g", "w", "v", "b", "block1.w", "lr", "old", "m"]
        kinds = ["given", "given", "param", "param", "param", "param", "setting", "state", "noise"]
        for name, kind in zip(names, kinds, strict=True):
            ndim = 0 if kind == "setting" else rnd.choice([0, 1, 1, 2, 2, 3])
            axes = tuple(self.axis(i) for i in rnd.sample(list(self.sizes), ndim))
            self.tensors[name] = Drawn(name, axes, self.ties, kind=kind)
        for name, axes, index in (
            ("y", ("n",), "k"),
            ("word", ("n", "t"), rnd.choice("ijk")),
        ):
            below = self.sizes[index]
            drawn = Drawn(name, tuple(map(self.axis, axes)), True, below, index, "given")
            self.tensors[name] = drawn

    def axis(self, index: str) -> Axis:
        return Axis(index, 0, self.sizes[index] - 1)

    def plain(self, number: int) -> None:
        """An equation."""
        axes = self.some_axes()
        exact = self.ties and self.chance(0.7)
        value = self.start(axes, lambda scope: self.expression(scope, 3, exact))
        self.define(Drawn(f"a{number}", axes, exact), value)

    def residual(self, number: int) -> None:
        """A tensor plus a correction that reads it."""
        floats = [t for t in self.tensors.values() if t.below is None and t.axes]
        base = self.rnd.choice(floats)
        exact = base.exact and self.chance(0.7)
        axes = tuple(map(self.axis, dict.fromkeys(a.index for a in base.axes)))
        here = bracketed(base.name, [a.index for a in base.axes])
        base.used += 2
        value = self.start(
            axes,
            lambda scope: (
                f"{here} + {self.function_of(f'{here} + {self.term(scope, 2, exact)}', exact)}"
            ),
        )
        self.note("residual")
        self.define(Drawn(f"r{number}", axes, exact), value)

    def winner(self, number: int) -> None:
        """The position of a largest value, for others to use as a subscript; and one that does."""
        axes = self.some_axes(2)
        bound = self.rnd.choice([i for i in self.sizes if i not in [a.index for a in axes]])

        def value(scope: dict[str, int]) -> str:
            condition = self.sure_condition(bound, {**scope, bound: self.sizes[bound]})
            body = self.expression({**scope, bound: self.sizes[bound]}, 2, self.ties)
            return f"argmax[{bound}{condition}]({body})"

        drawn = Drawn(f"c{number}", axes, True, self.sizes[bound])
        text = self.start(axes, value)
        self.note("argmax[i | condition]" if "|" in text.split("(")[0] else "argmax[i]")
        self.define(drawn, text)
        self.plain(number)

    def start(self, axes: Sequence[Axis], draw: Callable[[dict[str, int]], str]) -> str:
        """Begin an equation over these axes and draw its right side."""
        self.budget = self.rnd.randint(3, 12)
        self.bound_once = set()
        return draw({a.index: self.sizes[a.index] for a in axes})

    def define(self, drawn: Drawn, value: str) -> None:
        self.equations.append(f"{drawn.left} = {value}")
        self.tensors[drawn.name] = drawn

    def some_axes(self, most: int = 3) -> tuple[Axis, ...]:
        names = self.rnd.sample(list(self.sizes), self.rnd.randint(0 if most > 2 else 1, most))
        return tuple(map(self.axis, names))

    def recurrence(self, number: int) -> None:
        """One to two equations that need each other, with their starts."""
        rnd = self.rnd
        exact = self.ties and self.chance(0.5)
        backwards, pad, lag = self.chance(0.4), self.chance(0.25), rnd.choice([1, 1, 2])
        step = "+" if backwards else "-"
        lags = [f"t{step}{c}" for c in range(1, lag + 1)]
        if pad:
            lags = [f"pad({s})" for s in lags]
        starts = [] if pad else [f"size(t)+{c}" if c else "size(t)" for c in range(lag)]
        if starts and not backwards:
            starts = [str(-c) for c in range(1, lag + 1)]
        indices = rnd.sample(["n", "j"], rnd.randint(0, 2))
        indices.insert(rnd.randint(0, len(indices)), "t")
        place = indices.index("t")
        first = 0 if pad or backwards else -lag
        last = self.sizes["t"] - 1 + (lag if starts and backwards else 0)
        axes = tuple(Axis(i, first, last) if i == "t" else self.axis(i) for i in indices)
        shape = rnd.choice(["one", "two", "inner"])
        h, other = Drawn(f"h{number}", axes, exact), Drawn(f"q{number}", axes, exact)
        if shape == "inner":
            other.axes = tuple(map(self.axis, indices))
        self.note("recurrence")
        if shape == "two":
            self.note("recurrence of two equations")
        if shape == "inner":
            self.note("recurrence through an equation without starts")
        if backwards:
            self.note("recurrence: backwards")
        if lag == 2:
            self.note("recurrence: lag 2")
        if pad:
            self.note("recurrence: pad")

        before = {
            "one": {h.name: lags},
            "two": {h.name: lags, other.name: lags},
            "inner": {h.name: lags},
        }[shape]
        if not pad and self.chance(0.3):
            before = {name: [*subscripts, starts[0]] for name, subscripts in before.items()}
        group = [h] if shape == "one" else [other, h]
        for position, drawn in enumerate(group):
            self.tensors[drawn.name] = drawn
            allowed = dict(before)
            if drawn is other and shape == "inner":
                allowed[other.name] = []  # not itself
            if position == 1:  # the one that ran before it in this step
                allowed[other.name] = ["t"] if shape == "inner" else ["t", *lags]
            must = other if position == 1 else h
            self.equations.append(
                self.start(
                    axes,
                    lambda scope, d=drawn, a=allowed, m=must: (
                        f"{bracketed(d.name, indices)} = {self.step(scope, m, a, exact)}"
                    ),
                )
            )
        for drawn in group:
            if drawn is h or shape == "two":
                for s, subscript in enumerate(starts):
                    self.equations.append(
                        self.first_value(drawn, place, subscript, starts[:s], exact)
                    )

    def step(
        self, scope: dict[str, int], must: Drawn, allowed: dict[str, list[str]], exact: bool
    ) -> str:
        """The right side of a recurrence; it reads `must`, and may read all that is allowed."""
        with self.looping(allowed):
            read = self.reference(scope, must)
            with_more = f"{read} + {self.term(scope, 2, exact)}"
            if exact:
                return self.rnd.choice(
                    [f"max(-1, min(1, {with_more}))", f"relu({with_more})", with_more]
                )
            form = self.rnd.choice(
                ["tanh({})", "sin({})", "0.5 * ({})", "where(t % 2 == 0, {}, 0.5)"]
            )
            return form.format(with_more)

    @contextmanager
    def looping(self, allowed: dict[str, list[str]]) -> Iterator[None]:
        self.loop = allowed
        yield
        self.loop = {}

    def first_value(
        self, drawn: Drawn, place: int, subscript: str, earlier: list[str], exact: bool
    ) -> str:
        axes = tuple(a for a in drawn.axes if a.index != "t")
        subscripts = [a.index for a in drawn.axes]
        subscripts[place] = subscript
        hidden = {
            name: []
            for name, t in self.tensors.items()
            if name[0] in "hq" and name[1:] == drawn.name[1:]
        }

        def value(scope: dict[str, int]) -> str:
            if self.chance(0.3):
                self.note("recurrence: start 0")
                return "0"
            with self.looping(hidden):
                text = self.expression(scope, 2, exact)
            self.note("recurrence: start from tensors")
            if earlier and self.chance(0.6):
                read = list(subscripts)
                read[place] = earlier[0]
                text = f"{bracketed(drawn.name, read)} - ({text})"
                self.note("recurrence: start reads start")
            return text

        return f"{bracketed(drawn.name, subscripts)} = {self.start(axes, value)}"

    # Expressions

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

    # The end

    def cost(self) -> None:
        """What makes every tensor count: a term for each equation that none other reads."""
        ends = [t for t in self.tensors.values() if t.kind == "equation" and t.below is None]
        unread = [t for t in ends if not t.used] or ends[-1:]
        terms = [self.start((), lambda _scope, t=t: self.cost_term(t)) for t in unread]
        if not terms:
            terms = [self.start((), lambda scope: self.expression(scope, 2, self.ties))]
        if len(terms) > 1:
            self.note("several costs")
        if len(terms) > 1 and self.chance(0.5):
            for number, term in enumerate(terms):
                self.equations.append(f"J{number} = {term}")
            terms = [f"J{number}" for number in range(len(terms))]
        self.equations.append(f"J = {' + '.join(terms)}")

    def cost_term(self, t: Drawn) -> str:
        t.used += 1
        indices = [a.index for a in t.axes]
        scope = {i: self.sizes[i] for i in indices}
        here = t.left
        if not indices:
            return self.rnd.choice(["{}**2 / 2", "tanh({})", "{}"]).format(here)
        bound = ",".join(indices)
        forms = [
            f"mean[{bound}]({here}**2)",
            f"sum[{bound}](({here} - {self.term(scope, 1, self.ties)})**2) / 2",
            f"mean[{bound}](tanh({here}) * {self.term(scope, 1, self.ties)})",
            f"logsumexp[{bound}](sin({here}))",
            f"sum[{bound}](softplus({here}) / 2)",
        ]
        if t.exact or not self.ties:
            forms += [
                f"max[{bound}]({here})",
                f"mean[{bound}](max(0, 1 - {here}))",
                f"sum[{bound}](abs({here} - 1))",
            ]
        if "k" in indices and "n" in indices:
            softmax = f"softmax[k](tanh({here}))"
            forms += [f"-mean[{bound} | k == y[n]](log({softmax}))"] * 3
            self.tensors["y"].used += 1
        return self.rnd.choice(forms)

    def finish(self) -> Case:
        self.cost()
        if self.chance(0.5):
            self.rnd.shuffle(self.equations)
            self.note("lines in any order")
        body = "\n".join(self.equations)
        inputs = [
            t for t in self.tensors.values() if t.kind != "equation" and mentioned(t.name, body)
        ]
        if any(body.count(f"{t.name}[") > 2 for t in inputs):
            self.note("tensor used several times")
        if any("." in t.name for t in inputs):
            self.note("dotted name")
        lines = [self.declaration(t) for t in inputs]
        indices = {i for i in self.sizes if mentioned(i, "\n".join([*lines, body]))}
        if indices:
            lines.append("size " + ", ".join(f"{i} = {self.sizes[i]}" for i in sorted(indices)))
        seed = self.rnd.randrange(2**31)
        rng = np.random.default_rng(seed)
        return Case(
            "\n".join([*lines, body, "minimize J"]),
            {i: self.sizes[i] for i in sorted(indices)},
            {t.name: self.data(t, rng) for t in inputs if t.kind != "noise"},
            tuple(t.name for t in inputs if t.below is None and t.kind in ("given", "param")),
            tuple(t.name for t in inputs if t.kind == "noise"),
            frozenset(self.features),
        )

    def declaration(self, t: Drawn) -> str:
        self.note(t.kind)
        ending = {"param": " ~ glorot", "state": " ~ zeros", "setting": " = 0.5"}.get(t.kind, "")
        if t.kind == "noise":
            distributions = ["bernoulli(0.5)", "normal(0, 1)", "uniform(-1, 1)"]
            ending = f" ~ {distributions[0] if self.ties else self.rnd.choice(distributions)}"
        if t.below is not None:
            ending = f" in {t.within}"
        return f"{t.kind} {t.left}{ending}"

    def data(self, t: Drawn, rng: np.random.Generator) -> np.ndarray:
        shape = tuple(self.sizes[a.index] for a in t.axes)
        if t.below is not None:
            return rng.integers(t.below, size=shape)
        if self.ties:
            return rng.integers(-1, 2, size=shape).astype(float)
        return np.asarray(rng.normal(scale=0.8, size=shape))


def mentioned(name: str, text: str) -> bool:
    """Whether the name occurs as a whole word."""
    import re

    return re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.])", text) is not None
