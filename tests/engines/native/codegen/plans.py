"""Random plans: nests, scatters and loops that read in every way, over small whole numbers.

All that is computed is a whole number, so results are exact and ties happen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from hypothesis import strategies as st

from whygrad.engines.native.plan import Assign, Loop, Nest, Part, Plan, Scatter, assigned
from whygrad.language.expression import Add, Index, Reduce, Reference, add
from whygrad.language.parsing import parse, parse_equation, parse_expression
from whygrad.language.system import System

INDICES = "nijk"
POINTS = 1500
"""At most so many bodies are evaluated for one equation, since the interpreter is slow."""


@dataclass(frozen=True)
class Drawn:
    """A plan, its declarations as a system, all sizes, and arrays for what is given."""

    plan: Plan
    system: System
    sizes: Mapping[str, int]
    arrays: Mapping[str, np.ndarray]

    def __repr__(self) -> str:
        return f"{self.system}\nsizes {dict(self.sizes)}\n{self.plan}"


GIVEN = {"x": "ni", "w": "ij", "v": "j", "y": "nik", "u": "n"}
NUMBERS = {"c": ("n", "j"), "d": ("i", "k")}
"""Whole numbers: over which index, and which index they are values of.

Those of `c` are declared as class numbers, so the engine sees to it that they are in their range;
those of `d` may be outside.
"""


@st.composite
def plans(draw: st.DrawFn) -> Drawn:
    """A plan with one to four equations, alone in nests or together, perhaps in a loop."""
    return Draft(draw).finish()


class Draft:
    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.sizes = {i: draw(st.integers(1, 40) | st.integers(1, 4)) for i in INDICES}
        self.sizes |= {f"{i}2": s for i, s in self.sizes.items()}
        self.axes: dict[str, str | list[str]] = dict(GIVEN)
        self.lines = [f"given {name}[{','.join(axes)}]" for name, axes in GIVEN.items()]
        self.lines += ["given c[n] in j", "given d[i]"]
        self.lines += [f"size {i}2 = size({i})" for i in INDICES]

    def some(self, options: Sequence[str]) -> str:
        return self.draw(st.sampled_from(options))

    def maybe(self) -> bool:
        return self.draw(st.booleans())

    # Expressions, as texts

    def subscript(self, axis: str, scope: Sequence[str]) -> str:
        """Something in the range of an axis, or padded, or what a class number says."""
        ways = ["constant", "affine", "affine", "modulo"]
        own = [i for i in (axis, f"{axis}2") if i in scope]
        ways += ["own"] * 8 * bool(own) + ["reversed"] * bool(own)
        ways += ["data"] * any(k == axis and i in scope for i, k in NUMBERS.values())
        numbers = st.integers(-3, 3)
        match self.some(ways):
            case "own":
                return self.some(own)
            case "reversed":
                return f"size({axis}) - 1 - {own[0]}"
            case "constant":
                return str(self.draw(st.integers(0, self.sizes[axis] - 1)))
            case "data":
                names = [n for n, (i, k) in NUMBERS.items() if k == axis and i in scope]
                read = f"{names[0]}[{NUMBERS[names[0]][0]}]"
                return f"pad({read} - 1)" if self.maybe() else read
        pairs = [(self.draw(numbers), i) for i in scope if self.maybe()]
        form = " + ".join([*(f"({c}) * {i}" for c, i in pairs), f"({self.draw(numbers)})"])
        if self.some(["pad", "modulo"]) == "pad":
            return f"pad({form})"
        divided = f"({form}) // {self.draw(st.integers(1, 3))}" if self.maybe() else form
        return f"({divided}) % size({axis})"

    def reference(self, scope: Sequence[str], names: Sequence[str] = ()) -> str:
        name = self.some(names or list(self.axes))
        inside = ", ".join(self.subscript(a, scope) for a in self.axes[name])
        return f"{name}[{inside}]"

    def condition(self, scope: Sequence[str]) -> str:
        a, b = self.some(scope), self.some(scope)
        comparison = self.some(["<=", "<", "==", "!=", ">"])
        options = [f"{a} {comparison} {b} + 1", f"{self.reference(scope)} {comparison} 0"]
        options.append(f"{a} % 3 {comparison} 1")
        if self.maybe():
            return self.some(options)
        return f"{options[0]} {self.some(['and', 'or'])} {self.some(options[1:])}"

    def body(self, scope: Sequence[str]) -> str:
        a, b = self.reference(scope), self.reference(scope)
        shapes = [a, f"{a} * {b}", f"{a} * {b}", f"{a} - {b} + {self.some(scope)}"]
        shapes += [f"max({a}, {b})", f"[{self.condition(scope)}] * {a} * {b}"]
        shapes.append(f"where({self.condition(scope)}, {a}, 2 * {b})")
        return self.some(shapes)

    def reduction(self, scope: Sequence[str]) -> str:
        points = prod(self.sizes[i] for i in scope)
        options = [i for i in self.sizes if i not in scope and i not in [f"{s}2" for s in scope]]
        inner: list[str] = []
        for index in self.draw(st.permutations(options))[:2]:
            if points * prod(self.sizes[i] for i in (*inner, index)) <= POINTS and not (
                {f"{i}2" for i in inner} | {i[0] for i in inner}
            ) & {index}:
                inner.append(index)
        if not inner:
            return self.body(scope)
        all_ = [*scope, *inner]
        where = f" | {self.condition(all_)}" if self.maybe() else ""
        operation = self.some(["sum", "sum", "sum", "max", "argmax"])
        return f"{operation}[{','.join(inner)}{where}]({self.body(all_)})"

    # Equations

    def axes_of(self, count: int) -> list[str]:
        found: list[str] = []
        for index in self.draw(st.permutations(INDICES))[:count]:
            if prod(self.sizes[i] for i in (*found, index)) <= POINTS // 2:
                found.append(index)
        return found

    def equation(self, name: str, axes: Sequence[str], value: str) -> Assign:
        text = f"{name}[{','.join(axes)}] = {value}"
        equation = parse_equation(text, [*self.axes, *NUMBERS, name])
        return Assign(name, equation.subscripts, equation.value)

    def nest(self, number: int) -> Nest:
        """One equation, perhaps a second one that reads the first at the same place."""
        axes = self.axes_of(self.draw(st.integers(1, 3)))
        first, second = f"t{number}", f"s{number}"
        steps = [self.equation(first, axes, self.reduction(axes))]
        own = f"{first}[{','.join(axes)}]"
        match self.some(["one", "pointwise", "reduction"]):
            case "pointwise":
                more = f"{own} * 2 - {self.body(axes)}"
                steps.append(self.equation(second, axes, more))
            case "reduction":
                inner = next(i for i in "ijkn" if i not in axes or i == "n")
                inner = inner if inner not in axes else f"{inner}2"
                body = f"({self.reference([*axes, inner])} - {own} % 5) ** 2"
                if prod(self.sizes[i] for i in [*axes, inner]) <= POINTS:
                    steps.append(self.equation(second, axes, f"sum[{inner}]({body})"))
        self.axes |= {s.name: axes for s in steps}
        return Nest(tuple(axes), tuple(steps))

    def loop(self) -> Loop:
        """A recurrence along n, upwards or downwards."""
        direction = self.draw(st.sampled_from([1, -1]))
        before = f"pad(n{'-+'[direction < 0]}1)"
        other = self.reference("nj", list(GIVEN))
        again = f"h[{before}, j] % 7 + sum[j2](h[{before}, j2] % 5 * v[j2])"
        whole = self.equation("h", "nj", f"{again} + {other}").value
        assert isinstance(whole, Add)
        (reduce,) = (t for t in whole.terms if isinstance(t, Reduce))
        rest = Add(tuple(t for t in whole.terms if t is not reduce))
        place = tuple(map(Index, "nj"))
        steps = Assign("g", place, reduce), Assign("h", place, add(rest, Reference("g", place)))
        self.axes |= {"g": "nj", "h": "nj"}
        return Loop("n", direction, (Nest(("j",), steps),))

    def scatter(self) -> Scatter:
        """Sums over n, and perhaps another index, added to places of p[j,k]."""
        scope = ["n", *self.draw(st.sampled_from([[], ["i"], ["j2"], ["k2"]]))]
        while prod(self.sizes[i] for i in scope) > POINTS:
            scope.pop()
        first = ["c[n]", "n % size(j)", "2*n - 5", *(i for i in scope if i == "j2")]
        second = ["0", "n - 1", *(i for i in scope if i == "k2"), *["d[i]"] * ("i" in scope)]
        texts = self.some(first), self.some(second), self.body(scope)
        tensors = [*self.axes, *NUMBERS]
        one, other, value = (parse_expression(t, scope, tensors) for t in texts)
        where = parse_expression(self.condition(scope), scope, tensors) if self.maybe() else None
        self.axes["p"] = "jk"
        return Scatter("p", ("j", "k"), tuple(scope), (one, other), value, where)

    def finish(self) -> Drawn:
        parts: list[Part] = [self.nest(k) for k in range(self.draw(st.integers(1, 3)))]
        if self.maybe():
            parts.append(self.scatter())
        if self.maybe():
            parts.append(self.loop())
        parts.append(self.nest(len(parts)))
        system = parse("\n".join(self.lines))
        declared = {n: t.indices for n, t in system.tensors.items()}
        axes = {n: tuple(a) for n, a in self.axes.items()} | declared
        open_ = ("n", "n2") if self.maybe() else ()
        sizes = {i: None if i in open_ else s for i, s in self.sizes.items()}
        made = [name for part in parts for name in assigned(part)]
        wanted = [name for name in made if self.maybe()] or made
        plan = Plan(tuple(parts), axes, sizes, {name: name for name in wanted})
        return Drawn(plan, system, self.sizes, self._arrays())

    def _arrays(self) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(self.draw(st.integers(0, 1000)))
        shapes = {name: [self.sizes[i] for i in axes] for name, axes in GIVEN.items()}
        found = {name: rng.integers(-3, 4, s).astype(float) for name, s in shapes.items()}
        outside = self.draw(st.integers(0, 9)) == 9
        for name, (i, k) in NUMBERS.items():
            most = self.sizes[k] + (outside and name == "d")
            found[name] = rng.integers(0, most, self.sizes[i])
        return found
