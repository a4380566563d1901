"""Programs of the reference engine: one equation after the other."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence

import numpy as np

from ...errors import TrainingError
from ...language.order import order as evaluation_order
from ...language.system import Equation, System, Update
from ..composite import expand
from ..request import Request
from .execute import Layout, Rule, Tensors, layout, run_equation, run_loop, run_update
from .loops import Loop, loop, repeated
from .named import Array, Meter


class ReferenceEngine:
    """Compiles systems for NumPy."""

    name = "reference"

    def compile(
        self,
        system: System,
        sizes: Mapping[str, int],
        wanted: Sequence[str],
        dtype: str = "float64",
        training: bool = True,
    ) -> ReferenceProgram:
        """See `engines.base.Engine`."""
        return ReferenceProgram(Request(system, sizes, wanted, dtype, training))


class ReferenceProgram:
    """See `engines.base.Program`.

    After a run, `multiplications` tells how many multiplications and function
    evaluations it took and `largest_array` how many bytes the largest array
    had that it built.
    """

    def __init__(self, request: Request) -> None:
        self.wanted = request.wanted
        self.multiplications = 0
        self.largest_array = 0
        self._request = request
        self._parts = [
            _Step(group.equations[0]) if group.index is None else _Steps(loop(group))
            for group in evaluation_order(self._request.system)
        ]
        self._updates = [_rule(u) for u in self._request.system.updates]
        self._layouts: dict[int | None, Layout] = {}
        self._trainer: ReferenceProgram | None = None

    def run(self, arrays: Mapping[str, Array], seed: int = 0, step: int = 0) -> dict[str, Array]:
        """See `engines.base.Program.run`."""
        where = self._layout(arrays)
        evaluator = where.evaluator
        evaluator.meter = Meter()
        request = self._request
        tensors = Tensors(lambda name: request.noise(name, where.shape(name), seed, step))
        tensors |= request.prepared(arrays, where.sizes, where.shape)
        evaluator.tensors = tensors
        try:
            with np.errstate(all="ignore"):
                for part in self._parts:
                    part.run(where, tensors)
                results = {
                    f"{rule.left.name} <-": run_update(where, rule, rule.left)
                    for rule in self._updates
                    if isinstance(rule.left, Update)
                }
        finally:
            evaluator.tensors = {}
            self.multiplications = evaluator.meter.multiplications
            self.largest_array = evaluator.meter.largest
        return {n: results[n] if n in results else tensors[n] for n in self.wanted}

    def _layout(self, arrays: Mapping[str, Array]) -> Layout:
        request = self._request
        samples = request.samples(arrays)
        if samples not in self._layouts:
            sizes = request.sizes_with(samples)
            self._layouts[samples] = layout(request.system, sizes, request.dtype, request.training)
        return self._layouts[samples]

    def epoch(
        self,
        arrays: MutableMapping[str, Array],
        order: Array,
        batch_size: int,
        seed: int = 0,
        step: int = 0,
        room: MutableMapping[str, Array] | None = None,
    ) -> dict[str, Array]:
        """See `engines.base.Program.epoch`."""
        if self._trainer is None:
            self._trainer = ReferenceProgram(self._request.step())
        values: dict[str, list[Array]] = {n: [] for n in self._trainer._request.followed}
        cost = next(iter(values))
        checked = (cost, *(f"{u.name} <-" for u in self._request.whole.updates))
        for at, start in enumerate(range(0, len(order), batch_size), start=step):
            batch = {**arrays, **self._rows(arrays, order[start : start + batch_size])}
            results = self._trainer.run(batch, seed, at)
            if not all(np.isfinite(results[name]).all() for name in checked):
                raise TrainingError(self._fault(batch, checked, seed, at), at)
            for update in self._request.whole.updates:
                arrays[update.name][...] = results[f"{update.name} <-"]
            for name, found in values.items():
                found.append(np.array(results[name], np.float64))
        return {name: np.array(found) for name, found in values.items()}

    def _rows(self, arrays: Mapping[str, Array], rows: Array) -> dict[str, Array]:
        """The given tensors cut down to some samples."""
        whole = self._request.whole
        batch = whole.batch
        return {
            t.name: np.take(arrays[t.name], rows, axis=t.indices.index(batch))
            for t in whole.of_kind("given")
            if batch in t.indices and t.name in arrays
        }

    def _fault(
        self, batch: Mapping[str, Array], checked: tuple[str, ...], seed: int, step: int
    ) -> str:
        """What went wrong in a step: the first equation that is no longer finite.

        `checked` are the cost and the updates; what these do not need does not matter.
        """
        cost = checked[0]
        needed = ReferenceProgram(self._request.wanting(checked))
        names = dict.fromkeys(name for part in needed._parts for name in part.names)
        again = ReferenceProgram(self._request.wanting((*names, *checked)))
        values = again.run(batch, seed, step)
        bad = [name for name in (*names, *checked) if not np.isfinite(values[name]).all()]
        reason = f"{cost} is {float(values[cost])}" if cost in bad else f"{bad[-1]} is not finite"
        first = f"the update of {bad[0].removesuffix(' <-')}" if " <-" in bad[0] else bad[0]
        return f"training stopped at step {step}: {reason}; the first to go bad was {first}"


class _Step:
    """An equation of a program."""

    def __init__(self, equation: Equation) -> None:
        self.equation = equation
        self.names = (equation.name,)
        self.rule = _rule(equation)

    def run(self, where: Layout, tensors: Tensors) -> None:
        run_equation(where, self.rule, self.equation, tensors)


class _Steps:
    """A loop of a program."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.names = tuple(e.name for e in loop.equations)
        self.rules = tuple(
            Rule(equation, value, repeated(value))
            for equation, value in zip(loop.equations, loop.values, strict=True)
        )
        self.hoisted = tuple(_rule(h) for h in loop.hoisted)

    def run(self, where: Layout, tensors: Tensors) -> None:
        run_loop(where, self.loop, self.rules, self.hoisted, tensors)


def _rule(left: Equation | Update) -> Rule:
    value = expand(left.value)
    return Rule(left, value, repeated(value))
