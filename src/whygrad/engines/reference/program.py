"""Programs of the reference engine: one equation after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from ...errors import DataError, TrainingError
from ...language.affine import affine
from ...language.expression import Expression, Index, Logic, Training, Where, references
from ...language.order import order, prerequisites
from ...language.sizes import extents, infer_sizes
from ...language.system import Equation, System, Tensor, Update
from ..base import check_shape, draw_noise
from .elementwise import expand
from .evaluate import MEBIBYTE, Evaluator
from .loops import Loop, loop, repeated
from .named import Array, Meter, Named, Ranges
from .named import expand as spread

LEAST_LIMIT = 64 * MEBIBYTE
"""Arrays of up to so many bytes are always built."""

TENSORS = 4
"""Larger arrays may have so many times the size of the largest tensor."""


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


@dataclass
class Layout:
    """A program's sizes for one size of the batch, and the evaluator for them."""

    sizes: dict[str, int]
    extents: dict[str, tuple[range, ...]]
    evaluator: Evaluator

    def shape(self, tensor: str) -> tuple[int, ...]:
        """The shape in which a tensor is stored."""
        return tuple(len(e) for e in self.extents[tensor])


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
        self._groups: list[Equation | Loop] = [
            group.equations[0] if group.index is None else loop(group)
            for group in order(self._system)
        ]
        self._inputs = self._read_tensors()
        self._layouts: dict[int | None, Layout] = {}
        self._trainer: ReferenceProgram | None = None

    def _read_tensors(self) -> tuple[Tensor, ...]:
        """The declared tensors whose arrays are needed, noise excepted."""
        names = {r.tensor for e in self._system.expressions() for r in references(e)}
        names |= set(self.wanted)
        for name in sorted(names):
            if name not in self._system.tensors and not name.endswith(" <-"):
                raise DataError(f"{name} is read, but the system has no such tensor")
        tensors = self._system.tensors.values()
        return tuple(t for t in tensors if t.name in names and t.kind not in ("equation", "noise"))

    # Running

    def run(self, arrays: Mapping[str, Array], seed: int = 0, step: int = 0) -> dict[str, Array]:
        """See `engines.base.Program.run`."""
        layout = self._layout(arrays)
        evaluator = layout.evaluator
        evaluator.meter = Meter()
        tensors = _Tensors(lambda name: self._noise(layout, name, seed, step))
        for tensor in self._inputs:
            tensors[tensor.name] = self._input(layout, tensor, arrays)
        evaluator.tensors = tensors
        try:
            with np.errstate(all="ignore"):
                for part in self._groups:
                    if isinstance(part, Loop):
                        _run_loop(layout, part, tensors)
                    else:
                        _run_equation(layout, part, expand(part.value), tensors)
                results = {
                    f"{u.name} <-": _update(layout, u)
                    for u in self._system.updates
                    if f"{u.name} <-" in self.wanted
                }
            return {n: results[n] if n in results else tensors[n] for n in self.wanted}
        finally:
            evaluator.tensors = {}
            self.multiplications = evaluator.meter.multiplications
            self.largest_array = evaluator.meter.largest

    def _layout(self, arrays: Mapping[str, Array]) -> Layout:
        batch = self._whole.batch
        size = None
        if batch is not None and batch not in self._sizes:
            size = self._batch_size(batch, arrays)
        if size not in self._layouts:
            known = self._sizes if size is None or batch is None else {**self._sizes, batch: size}
            sizes = infer_sizes(self._whole, known)
            self._layouts[size] = _layout(self._system, sizes, self._dtype, self._training)
        return self._layouts[size]

    def _batch_size(self, batch: str, arrays: Mapping[str, Array]) -> int | None:
        for tensor in self._whole.tensors.values():
            if tensor.kind == "given" and batch in tensor.indices and tensor.name in arrays:
                shape = np.shape(arrays[tensor.name])
                axis = tensor.indices.index(batch)
                if axis < len(shape):
                    return int(shape[axis])
        return None

    def _input(self, layout: Layout, tensor: Tensor, arrays: Mapping[str, Array]) -> Array:
        if tensor.name not in arrays:
            declaration = tensor.declaration
            if declaration is not None and declaration.value is not None:
                return np.asarray(declaration.value, self._dtype)
            raise DataError(f"no array was given for {tensor.name} ({tensor.kind})")
        array = np.asarray(arrays[tensor.name])
        check_shape(tensor.name, tensor.indices, array, layout.shape(tensor.name))
        within = tensor.declaration.within if tensor.declaration is not None else None
        if within is not None:
            return _class_numbers(tensor.name, array, within, layout.sizes[within])
        if array.dtype.kind in "iu" and tensor.name in self._subscripts():
            return array.astype(np.int64, copy=False)
        if array.dtype.kind not in "fiub":
            raise DataError(f"{tensor.name} holds {array.dtype}, but it should hold numbers")
        return array.astype(self._dtype, copy=False)

    def _subscripts(self) -> frozenset[str]:
        """The tensors that stand in subscripts."""
        return frozenset(
            inner.tensor
            for e in self._system.expressions()
            for r in references(e)
            for s in r.subscripts
            for inner in references(s)
        )

    def _noise(self, layout: Layout, name: str, seed: int, step: int) -> Array:
        tensor = self._system.tensors.get(name)
        if tensor is None or tensor.declaration is None or tensor.declaration.draw is None:
            raise KeyError(name)
        draw = tensor.declaration.draw
        return draw_noise(name, draw, layout.shape(name), seed, step, self._dtype)

    # Training

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
        updates = [f"{u.name} <-" for u in self._whole.updates]
        if self._trainer is None:
            self._trainer = self._for((cost, *updates))
        costs: list[float] = []
        for start in range(0, len(order), batch_size):
            rows = np.asarray(order)[start : start + batch_size]
            batch = {**arrays, **self._rows(arrays, rows)}
            at = step + len(costs)
            results = self._trainer.run(batch, seed, at)
            if not all(np.isfinite(results[name]).all() for name in (cost, *updates)):
                raise TrainingError(self._fault(batch, results, cost, seed, at))
            for u in self._whole.updates:
                arrays[u.name][...] = results[f"{u.name} <-"]
            costs.append(float(results[cost]))
        return np.array(costs, np.float64)

    def _for(self, wanted: Sequence[str]) -> ReferenceProgram:
        """The same program for other wanted tensors."""
        return ReferenceProgram(
            self._whole, self._sizes, wanted, self._dtype.name, self._training
        )

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
        """Which equation was the first to be no longer finite."""
        assert self._trainer is not None
        names = list(dict.fromkeys(
            e.name
            for part in self._trainer._groups
            for e in (part.group.equations if isinstance(part, Loop) else (part,))
        ))
        values = {**self._for(names).run(batch, seed, step), **results}
        bad = [n for n in (*names, *results) if not np.isfinite(values[n]).all()]
        reason = f"{cost} is {float(results[cost])}" if cost in bad else f"{bad[-1]} is not finite"
        return (
            f"training stopped at step {step}: {reason}; "
            f"the first equation that was not finite is that of {bad[0].removesuffix(' <-')}"
        )


class _Tensors(dict[str, Array]):
    """Arrays by name; noise is drawn when it is first read."""

    def __init__(self, draw: Callable[[str], Array]) -> None:
        super().__init__()
        self.draw = draw

    def __missing__(self, name: str) -> Array:
        self[name] = self.draw(name)
        return self[name]


def _class_numbers(name: str, array: Array, index: str, size: int) -> Array:
    """The array as whole numbers from 0 to size - 1."""
    whole = array.astype(np.int64)
    wrong = (whole != array) | (whole < 0) | (whole >= size)
    if wrong.any():
        place = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
        at = f"[{', '.join(map(str, place))}]" if place else ""
        raise DataError(
            f"{name}{at} is {array[place]}, but {name} holds values of {index}: "
            f"whole numbers from 0 to {size - 1}"
        )
    return whole


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


def _layout(
    system: System, sizes: dict[str, int], dtype: np.dtype[Any], training: bool
) -> Layout:
    ranges = extents(system, sizes)
    largest = max((prod(len(e) for e in axes) for axes in ranges.values()), default=0)
    limit = max(LEAST_LIMIT, TENSORS * largest * dtype.itemsize)
    evaluator = Evaluator({}, sizes, _origins(ranges), dtype.name, training, limit)
    return Layout(sizes, ranges, evaluator)


def _origins(ranges: Mapping[str, tuple[range, ...]]) -> dict[str, tuple[int, ...]]:
    return {
        name: tuple(e.start for e in axes)
        for name, axes in ranges.items()
        if any(e.start for e in axes)
    }


# Equations


def _run_equation(
    layout: Layout, equation: Equation, value: Expression, tensors: _Tensors
) -> None:
    ranges = {i: range(layout.sizes[i]) for i in equation.indices}
    result = _evaluated(layout.evaluator, value, ranges)
    shape = layout.shape(equation.name)
    if equation.name not in tensors:
        array = result.array
        whole = result.names == equation.indices and array.shape == shape
        if whole and array.base is None and array.dtype == layout.evaluator.dtype:
            tensors[equation.name] = np.ascontiguousarray(array).reshape(shape)
            return
        tensors[equation.name] = np.empty(shape, layout.evaluator.dtype)
    place = _place(layout, equation, ranges)
    tensors[equation.name][place] = spread(result, tuple(ranges))


def _evaluated(evaluator: Evaluator, value: Expression, ranges: Ranges) -> Named:
    evaluator.repeated = repeated(value)
    with evaluator.fresh_memo():
        return evaluator.evaluate(value, ranges)


def _place(layout: Layout, equation: Equation, ranges: Ranges) -> tuple[slice | int, ...]:
    """Where a piece lies in the array of its tensor."""
    place: list[slice | int] = []
    for subscript, extent in zip(equation.subscripts, layout.extents[equation.name], strict=True):
        if isinstance(subscript, Index):
            values = ranges[subscript.name]
            place.append(slice(values.start - extent.start, values.stop - extent.start))
        else:
            form = affine(subscript, layout.sizes)
            assert form is not None and not form.coefficients
            place.append(form.constant - extent.start)
    return tuple(place)


def _update(layout: Layout, update: Update) -> Array:
    ranges = {i: range(layout.sizes[i]) for i in update.indices}
    result = _evaluated(layout.evaluator, expand(update.value), ranges)
    shape = [len(r) for r in ranges.values()]
    array = np.broadcast_to(spread(result, tuple(ranges)), shape)
    return np.array(array, layout.evaluator.dtype, order="C")


# Loops


def _run_loop(layout: Layout, part: Loop, tensors: _Tensors) -> None:
    evaluator = layout.evaluator
    index = part.group.index
    assert index is not None
    for equation in part.group.equations:
        if equation.name not in tensors:
            shape = layout.shape(equation.name)
            tensors[equation.name] = np.empty(shape, evaluator.dtype)
    plans = [
        (equation, value, repeated(value))
        for equation, value in zip(part.group.equations, part.values, strict=True)
    ]
    for steps in _chunks(layout, part, index):
        _hoist(layout, part, index, steps, tensors)
        for t in part.steps(steps):
            for equation, value, twice in plans:
                ranges = {i: range(layout.sizes[i]) for i in equation.indices}
                ranges[index] = range(t, t + 1)
                evaluator.repeated = twice
                evaluator.memo = {}
                result = evaluator.evaluate(value, ranges)
                place = _place(layout, equation, ranges)
                tensors[equation.name][place] = spread(result, tuple(ranges))
    for hoisted in part.hoisted:
        del tensors[hoisted.name]


def _chunks(layout: Layout, part: Loop, index: str) -> Iterable[range]:
    """The steps in parts for which what is hoisted fits into memory."""
    evaluator = layout.evaluator
    values = range(layout.sizes[index])
    largest = max(
        (prod(layout.sizes[i] for i in h.indices if i != index) for h in part.hoisted), default=1
    )
    length = max(1, evaluator.limit // max(1, largest * evaluator.dtype.itemsize))
    parts = [values[k : k + length] for k in range(0, len(values), length)]
    return parts if part.group.direction > 0 else parts[::-1]


def _hoist(layout: Layout, part: Loop, index: str, steps: range, tensors: _Tensors) -> None:
    evaluator = layout.evaluator
    origins = dict(evaluator.origins)
    for hoisted in part.hoisted:
        ranges = {i: steps if i == index else range(layout.sizes[i]) for i in hoisted.indices}
        if index not in ranges and hoisted.name in tensors:
            continue
        result = _evaluated(evaluator, hoisted.value, ranges)
        shape = [len(r) for r in ranges.values()]
        tensors[hoisted.name] = np.array(np.broadcast_to(spread(result, tuple(ranges)), shape))
        origins[hoisted.name] = tuple(r.start for r in ranges.values())
    evaluator.origins = origins


# Parts of a system, for explanations


def evaluator(
    system: System,
    sizes: Mapping[str, int],
    tensors: Mapping[str, Array],
    dtype: str = "float64",
    training: bool = True,
) -> Evaluator:
    """An evaluator over tensors that are already computed; see `Evaluator.value`."""
    origins = _origins(extents(system, sizes))
    return Evaluator(tensors, sizes, origins, dtype, training)


def evaluate(
    expression: Expression,
    ranges: Mapping[str, range],
    tensors: Mapping[str, Array],
    system: System,
    sizes: Mapping[str, int],
) -> tuple[Array, tuple[str, ...]]:
    """The value of an expression on parts of its free indices, from computed tensors.

    Returns an array and the names of its axes: those free indices on which the
    value depends, in the order of `ranges`. Where many expressions are
    evaluated over the same tensors, make one `evaluator` and use its `value`.
    """
    return evaluator(system, sizes, tensors).value(expression, ranges)
