"""How many operations a plan has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import prod

from ...language.expression import Call, Expression, walk
from .plan import Loop, Part, Plan, Scatter
from .work import Work

FUNCTION = 8
"""A call of exp, tanh, ... costs about as much as so many multiplications."""


def work(plan: Plan) -> Work:
    """Multiplications of a plan, roughly; a function counts as several."""
    total: Counter[tuple[str, ...]] = Counter()
    for part in plan.parts:
        for indices, count in _counts(part):
            known = [plan.sizes[i] for i in indices]
            open_ = tuple(sorted(i for i in indices if plan.sizes[i] is None))
            total[open_] += count * prod(size for size in known if size is not None)
    return tuple((count, indices) for indices, count in sorted(total.items()))


def _counts(part: Part) -> Iterator[tuple[tuple[str, ...], int]]:
    """Index spaces, and how many operations are done at each point of them."""
    if isinstance(part, Loop):
        for inner in part.body:
            for indices, count in _counts(inner):
                yield (part.index, *indices), count
    elif isinstance(part, Scatter):
        yield part.indices, _operations(part.value)
    else:
        for step in part.steps:
            yield part.space(step), _operations(step.value)


def _operations(e: Expression) -> int:
    return 1 + FUNCTION * sum(isinstance(node, Call) for node in walk(e))
