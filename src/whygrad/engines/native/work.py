"""How much there is to do in a step, and how many threads that is worth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from math import prod

from ...language.expression import Call, Expression, walk
from .plan import Loop, Part, Plan, Scatter
from .threads import cores

Work = tuple[tuple[int, tuple[str, ...]], ...]
"""Operations as a sum: a number, times the sizes of some run-time indices."""

ENOUGH = 8_000_000
"""With fewer operations to each thread (some 80 µs), handing numbers over costs more than it gains.
"""

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


def operations(work: Work, sizes: Mapping[str, int]) -> int:
    """The work for given sizes."""
    return sum(count * prod(sizes[i] for i in indices) for count, indices in work)


def worthwhile(operations: int) -> int:
    """How many threads a step with so many operations is worth."""
    wanted = 1 + operations // ENOUGH
    return min(cores(), wanted) if wanted > 1 else 1


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
