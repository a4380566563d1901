"""Random right sides in which conditions stand around reductions of lookups.

All indices but those of lookups take the same values, so a lowering may give one the name of
another; what a condition says of the one must not be taken for the other.
"""

from __future__ import annotations

import random

ALIKE = ("k", "m", "l")
"""Indices of axes of size 3; `p` and `o` run along those of size 4."""

TEXT = """
given c[k], g[k], v[k], w[k,p], z[p] in k, y[k] in k, q[k] in p
size k = 3, p = 4, m = size(k), l = size(k), o = size(p)
a[k] = {}
"""


def random_guards(rnd: random.Random) -> str:
    """A text of one equation."""
    side = _Side(rnd)
    return TEXT.format(rnd.choice([side.bracket, side.choice, side.reduction])(("k",), 4))


class _Side:
    """A right side that is being drawn; `scope` are the indices that may stand at a place."""

    def __init__(self, rnd: random.Random) -> None:
        self.rnd = rnd

    def value(self, scope: tuple[str, ...], depth: int) -> str:
        """A number: the deeper, the longer."""
        if depth <= 0:
            return self.read(scope)
        draws = [self.reduction] * 4 + [self.softmax, self.bracket, self.bracket, self.choice]
        return self.rnd.choice([*draws, self.product])(scope, depth - 1)

    def read(self, scope: tuple[str, ...]) -> str:
        name = self.rnd.choice("gvw")
        first, second = self.along(scope, ALIKE, "z"), self.along(scope, ("p", "o"), "q")
        return f"w[{first},{second}]" if name == "w" else f"{name}[{first}]"

    def along(self, scope: tuple[str, ...], own: tuple[str, ...], looked_up: str) -> str:
        """A subscript: an index of this axis, or a value that is looked up by another one."""
        plain = [i for i in scope if i in own]
        others = [f"{looked_up}[{i}]" for i in scope if i not in own]
        if own == ALIKE:
            others += [f"y[{i}]" for i in plain]
        return self.rnd.choice([*plain, *others, "1"])

    def condition(self, scope: tuple[str, ...]) -> str:
        index = self.rnd.choice(scope)
        value = self.rnd.choice([f"{index} != {self.rnd.randint(0, 2)}", "c[{}] > 0", "c[{}] < 0"])
        return value.format(self.along(scope, ALIKE, "z"))

    def reduction(self, scope: tuple[str, ...], depth: int) -> str:
        free = [i for i in (*ALIKE, "p", "o") if i not in scope]
        if not free:
            return self.read(scope)
        indices = self.rnd.sample(free, self.rnd.randint(1, min(2, len(free))))
        inner = (*scope, *indices)
        name = self.rnd.choice(["sum", "sum", "mean", "max", "logsumexp"])
        # of nothing at all, the others are infinite or no number
        limited = name == "sum" and self.rnd.random() < 0.5
        under = f" | {self.condition(inner)}" if limited else ""
        return f"{name}[{', '.join(indices)}{under}]({self.value(inner, depth)})"

    def softmax(self, scope: tuple[str, ...], depth: int) -> str:
        return f"softmax[{self.rnd.choice(scope)}]({self.value(scope, depth)})"

    def bracket(self, scope: tuple[str, ...], depth: int) -> str:
        return f"[{self.condition(scope)}] * ({self.value(scope, depth)})"

    def choice(self, scope: tuple[str, ...], depth: int) -> str:
        yes, no = self.value(scope, depth), self.value(scope, depth - 1)
        return f"where({self.condition(scope)}, {yes}, {no})"

    def product(self, scope: tuple[str, ...], depth: int) -> str:
        return f"tanh({self.value(scope, depth)}) * ({self.value(scope, depth - 1)})"
