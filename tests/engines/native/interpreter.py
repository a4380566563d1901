"""The meaning of a plan, spelled out: every point of every nest by plain loops.

The points of a nest are visited in a random order, so that a plan which depends on the order
is found out.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

import numpy as np
from tests.oracle.loops import F, Loops, Place

from whygrad.engines.native.plan import Assign, Loop, Nest, Part, Plan, Scatter
from whygrad.language.expression import Bracket, Call, Expression, Index, Multiply, Power, Reduce


class Interpreter(Loops):
    """Runs a plan over NumPy scalars; `multiplications` counts those, and functions.

    `sizes` are those of all indices, with the number of samples.
    """

    def __init__(
        self, plan: Plan, sizes: Mapping[str, int], arrays: Mapping[str, object], seed: int = 0
    ) -> None:
        self.plan = plan
        self.sizes = sizes
        self.arrays = {name: np.asarray(a) for name, a in arrays.items()}
        self.known: dict[tuple[str, tuple[int, ...]], float] = {}
        self.multiplications = 0
        self.random = random.Random(seed)
        self.ranges = {n: [range(sizes[i]) for i in axes] for n, axes in plan.axes.items()}
        for part in plan.parts:
            self._extend(part)

    def run(self) -> dict[str, np.ndarray]:
        """Everything that is wanted, by name."""
        with np.errstate(all="ignore"):
            for part in self.plan.parts:
                self._part(part, {})
        return {wanted: self.tensor(name) for wanted, name in self.plan.results.items()}

    def axes(self, name: str) -> list[range]:
        """See `Loops.axes`."""
        return self.ranges[name]

    def element(self, name: str, place: tuple[int, ...]) -> float:
        """See `Loops.element`: what was assigned, or what was given."""
        if (name, place) in self.known:
            return self.known[name, place]
        return self.arrays[name][place].item()

    def _extend(self, part: Part) -> None:
        """Make room for the starts of recurrences."""
        for assign in _assigns(part):
            for axis, subscript in enumerate(assign.subscripts):
                if not isinstance(subscript, Index):
                    at = int(self.value(subscript, {}))
                    old = self.ranges[assign.name][axis]
                    both = range(min(at, old.start), max(at + 1, old.stop))
                    self.ranges[assign.name][axis] = both

    def _reduce(self, e: Reduce, env: Place) -> float:
        """See `Loops._reduce`; the place of the largest of nothing is 0."""
        nothing = e.operation == "argmax" and not any(True for _ in self._places(e, env))
        return F(0) if nothing else super()._reduce(e, env)

    def _points(self, indices: Sequence[str], env: Place) -> list[dict[str, int]]:
        points = product(*(range(self.sizes[i]) for i in indices))
        found = [{**env, **dict(zip(indices, p, strict=True))} for p in points]
        self.random.shuffle(found)
        return found

    def _part(self, part: Part, env: Place) -> None:
        match part:
            case Nest():
                for point in self._points(part.indices, env):
                    for step in part.steps:
                        for at in self._points(part.further(step), point):
                            place = self._place(step.subscripts, at)
                            self.known[step.name, place] = F(self.value(step.value, at))
            case Scatter():
                self._scatter(part, env)
            case Loop():
                steps = range(self.sizes[part.index])[:: part.direction]
                for at in steps:
                    for inner in part.body:
                        self._part(inner, {**env, part.index: at})

    def _scatter(self, part: Scatter, env: Place) -> None:
        extent = [
            range(env[i], env[i] + 1) if i in env else range(self.sizes[i]) for i in part.axes
        ]
        totals = dict.fromkeys(product(*extent), F(0))
        for point in self._points(part.indices, env):
            if part.condition is None or self.value(part.condition, point):
                place = tuple(self.value(s, point) for s in part.subscripts)
                if place in totals:
                    totals[place] += self.value(part.value, point)
        self.known.update({(part.name, place): total for place, total in totals.items()})

    def _place(self, subscripts: Sequence[Expression], env: Place) -> tuple[int, ...]:
        return tuple(int(self.value(s, env)) for s in subscripts)

    def value(self, e: Expression, env: Place) -> float:
        """See `Loops.value`; counts the multiplications and functions."""
        if isinstance(e, Multiply):
            self.multiplications += sum(not isinstance(f, Bracket) for f in e.factors) - 1
        elif isinstance(e, Call | Power):
            self.multiplications += 1
        return super().value(e, env)


def _assigns(part: Part) -> Iterator[Assign]:
    if isinstance(part, Nest):
        yield from part.steps
    elif isinstance(part, Loop):
        for inner in part.body:
            yield from _assigns(inner)
