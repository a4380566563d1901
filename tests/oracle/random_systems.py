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
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from tests.oracle.random_expressions import FEATURES, Axis, Drawn, Grammar, bracketed, mentioned

__all__ = ["FEATURES", "Case", "random_case"]


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


def random_case(rnd: random.Random) -> Case:
    return Draft(rnd).finish()


class Draft(Grammar):
    """A system that is being drawn, statement by statement."""

    def __init__(self, rnd: random.Random) -> None:
        super().__init__(rnd)
        self.equations: list[str] = []
        self._declare_inputs()
        for count in range(rnd.randint(1, 3)):
            rnd.choice([self.plain, self.plain, self.residual, self.winner, self.recurrence])(count)

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
        for feature, used in (
            ("recurrence", True),
            ("recurrence of two equations", shape == "two"),
            ("recurrence through an equation without starts", shape == "inner"),
            ("recurrence: backwards", backwards),
            ("recurrence: lag 2", lag == 2),
            ("recurrence: pad", pad),
        ):
            if used:
                self.note(feature)

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
