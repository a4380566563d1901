"""What a nest does at the points of a block: its steps, in order, with all that is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from ....language.expression import Reduce, Reference, references
from ..code import Buffer
from ..plan import Assign
from . import access
from .block import Point
from .evaluator import Evaluator
from .finite import Check
from .reduce import reduce
from .schedule import Tiled
from .value import Value


class NestBody:
    """The steps of a nest; values of those in `checked` have to be finite."""

    def __init__(self, tiled: Tiled, memory: Mapping[str, Buffer], checked: frozenset[str]) -> None:
        self.tiled, self.nest = tiled, tiled.nest
        self.memory, self.checked = memory, checked

    def write(self, block: Evaluator, points: Sequence[Point]) -> None:
        """Write what is done at some points of a block."""
        self._run(block, [s for s in self.nest.steps if not self.nest.further(s)], points)

    def _run(self, block: Evaluator, steps: Sequence[Assign], points: Sequence[Point]) -> None:
        """Do the steps at some points of a block."""
        check = Check(block, points)
        ahead: dict[Reference, Callable[[Point], Value]] = {}
        for step in steps:
            if step.target in ahead:  # until now, others read what it was before
                block.locals[step.target] = ahead.pop(step.target)
            elif step.target not in block.locals:
                self._compute(block, step, points, ahead)
            found = block.locals[step.target]
            if step.name not in self.memory:
                continue
            for point in points:
                value = found(point)
                access.store(block, step.target, value, point)
                if step.name in self.checked:
                    check.take_in(value, point)
        check.close()

    def _inside(self, block: Evaluator, points: Sequence[Point]) -> None:
        """In the loop of the reductions, do the steps that have their indices."""
        steps = [step for step in self.nest.steps if self.nest.further(step)]
        for step in steps:
            block.locals.pop(step.target, None)
        self._run(block, steps, points)

    def _compute(
        self,
        block: Evaluator,
        step: Assign,
        points: Sequence[Point],
        ahead: dict[Reference, Callable[[Point], Value]],
    ) -> None:
        """Note what a step computes; a reduction takes along, ahead, those that share its loops."""
        if isinstance(step.value, Reduce):
            group = [step, *self._companions(step)]
            values = [s.value for s in group if isinstance(s.value, Reduce)]
            found = reduce(block, values, points, self.tiled.vectors, partial(self._inside, block))
            ahead.update(zip((s.target for s in group), found, strict=True))
            block.locals[step.target] = ahead.pop(step.target)
            return
        whole = step.name in self.memory and self.memory[step.name].element == "i64"
        value = block.value if whole else block.number
        made = {p: value(step.value, p) for p in points}
        block.locals[step.target] = made.__getitem__

    def _companions(self, first: Assign) -> list[Assign]:
        """Later reductions over the same indices that need nothing that the nest computes."""
        written = {s.name for s in self.nest.steps if not self.nest.further(s)}
        return [
            s
            for s in self.nest.steps[self.nest.steps.index(first) + 1 :]
            if isinstance(s.value, Reduce)
            and isinstance(first.value, Reduce)
            and s.value.indices == first.value.indices
            and "argmax" not in (s.value.operation, first.value.operation)
            and written.isdisjoint(r.tensor for r in references(s.value))
        ]
