"""Programs of the reference engine: one equation after the other."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...errors import DataError, TrainingError
from ...language.expression import Expression, Logic, Training, Where
from ...language.order import order as evaluation_order
from ...language.order import prerequisites
from ...language.sizes import infer_sizes
from ...language.system import Equation, System, Update
from ..base import draw_noise
from ..composite import expand
from .execute import Layout, Rule, layout, run_equation, run_loop, run_update
from .inputs import Tensors, needed, prepared, subscripts
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
        return ReferenceProgram(system, sizes, wanted, dtype, training)


class ReferenceProgram:
    """See `engines.base.Program`.

    After a run, `multiplications` tells how many multiplications and function
    evaluations it took and `largest_array` how many bytes the largest array
    had that it built.
    """

    def __init__(
        self,
        system: System,
        sizes: Mapping[str, int],
        wanted: Sequence[str],
        dtype: str = "float64",
        training: bool = True,
    ) -> None:
        if dtype not in ("float64", "float32"):
            raise DataError(f"dtype is {dtype}, but it can only be float64 or float32")
        self.wanted = tuple(wanted)
        self.multiplications = 0
        self.largest_array = 0
        self._whole = system
        self._sizes = dict(sizes)
        self._dtype: np.dtype[Any] = np.dtype(dtype)
        self._training = training
        updates = {f"{u.name} <-" for u in system.updates}
        for name in self.wanted:
            if name not in system.tensors and name not in updates:
                raise DataError(f"{name} is wanted, but the system has no such tensor or update")
        self._system = prerequisites(decided(system, training), self.wanted)
        self._inputs = needed(self._system, self.wanted)
        self._subscripts = subscripts(self._system)
        self._parts = [
            _Step(group.equations[0]) if group.index is None else _Steps(loop(group))
            for group in evaluation_order(self._system)
        ]
        self._updates = [_rule(u) for u in self._system.updates]
        self._layouts: dict[int | None, Layout] = {}
        self._trainer: ReferenceProgram | None = None

    def run(self, arrays: Mapping[str, Array], seed: int = 0, step: int = 0) -> dict[str, Array]:
        """See `engines.base.Program.run`."""
        where = self._layout(arrays)
        evaluator = where.evaluator
        evaluator.meter = Meter()
        tensors = Tensors(lambda name: self._noise(where, name, seed, step))
        for t in self._inputs:
            within = t.declaration.within if t.declaration is not None else None
            classes = None if within is None else where.sizes[within]
            whole = t.name in self._subscripts
            shape = where.shape(t.name)
            tensors[t.name] = prepared(t, arrays, shape, classes, whole, self._dtype)
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
        batch = self._whole.batch
        size = None
        if batch is not None and batch not in self._sizes:
            size = self._batch_size(batch, arrays)
        if size not in self._layouts:
            known = self._sizes if size is None or batch is None else {**self._sizes, batch: size}
            sizes = infer_sizes(self._whole, known)
            self._layouts[size] = layout(self._system, sizes, self._dtype, self._training)
        return self._layouts[size]

    def _batch_size(self, batch: str, arrays: Mapping[str, Array]) -> int | None:
        for tensor in self._whole.of_kind("given"):
            if batch in tensor.indices and tensor.name in arrays:
                shape = np.shape(arrays[tensor.name])
                axis = tensor.indices.index(batch)
                if axis < len(shape):
                    return int(shape[axis])
        return None

    def _noise(self, where: Layout, name: str, seed: int, step: int) -> Array:
        tensor = self._system.tensors.get(name)
        if tensor is None or tensor.declaration is None or tensor.declaration.draw is None:
            raise KeyError(name)
        draw = tensor.declaration.draw
        return draw_noise(name, draw, where.shape(name), seed, step, self._dtype)

    def epoch(
        self,
        arrays: MutableMapping[str, Array],
        order: Array,
        batch_size: int,
        seed: int = 0,
        step: int = 0,
    ) -> Array:
        """See `engines.base.Program.epoch`."""
        cost = self._whole.cost
        if cost is None:
            raise TrainingError("the system has no cost: it needs a line like `minimize J`")
        wanted = (cost, *(f"{u.name} <-" for u in self._whole.updates))
        if self._trainer is None:
            self._trainer = self._for(wanted)
        costs: list[float] = []
        for start in range(0, len(order), batch_size):
            batch = {**arrays, **self._rows(arrays, order[start : start + batch_size])}
            at = step + len(costs)
            results = self._trainer.run(batch, seed, at)
            if not all(np.isfinite(results[name]).all() for name in wanted):
                raise TrainingError(self._fault(batch, results, cost, seed, at), at)
            for update in self._whole.updates:
                arrays[update.name][...] = results[f"{update.name} <-"]
            costs.append(float(results[cost]))
        return np.array(costs, np.float64)

    def _for(self, wanted: Sequence[str]) -> ReferenceProgram:
        """The same program for other wanted tensors."""
        return ReferenceProgram(self._whole, self._sizes, wanted, self._dtype.name, self._training)

    def _rows(self, arrays: Mapping[str, Array], rows: Array) -> dict[str, Array]:
        """The given tensors cut down to some samples."""
        batch = self._whole.batch
        return {
            t.name: np.take(arrays[t.name], rows, axis=t.indices.index(batch))
            for t in self._whole.of_kind("given")
            if batch in t.indices and t.name in arrays
        }

    def _fault(
        self,
        batch: Mapping[str, Array],
        results: Mapping[str, Array],
        cost: str,
        seed: int,
        step: int,
    ) -> str:
        """What went wrong in a step: the first equation that is no longer finite."""
        assert self._trainer is not None
        names = [name for part in self._trainer._parts for name in part.names]
        names = list(dict.fromkeys(names))
        values = {**self._for(names).run(batch, seed, step), **results}
        bad = [n for n in (*names, *results) if not np.isfinite(values[n]).all()]
        reason = f"{cost} is {float(results[cost])}" if cost in bad else f"{bad[-1]} is not finite"
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


def decided(system: System, training: bool) -> System:
    """The system with `where(training, ...)` replaced by the branch that is taken."""

    def decide(e: Expression) -> Expression:
        if isinstance(e, Where):
            holds = _truth(e.condition, training)
            if holds is not None:
                return decide(e.yes if holds else e.no)
        return e.map(decide)

    statements = tuple(
        replace(s, value=decide(s.value)) if isinstance(s, Equation | Update) else s
        for s in system.statements
    )
    return System(statements, system.source)


def _truth(condition: Expression, training: bool) -> bool | None:
    if isinstance(condition, Training):
        return training
    if isinstance(condition, Logic) and condition.operator == "not":
        inner = _truth(condition.arguments[0], training)
        return None if inner is None else not inner
    return None
