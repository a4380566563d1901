"""The parts of a program: an equation, a loop, an update."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from ...language.affine import affine
from ...language.expression import Expression, Index
from ...language.sizes import extents
from ...language.system import Equation, System, Update
from .evaluate import MEBIBYTE, Evaluator
from .loops import Loop
from .named import Array, Named, Ranges, expand

LEAST_LIMIT = 64 * MEBIBYTE
"""Arrays of up to so many bytes are always built."""

TENSORS = 4
"""Larger arrays may have so many times the size of the largest tensor."""


class Tensors(dict[str, Array]):
    """Arrays by name; noise is drawn when it is first read."""

    def __init__(self, draw: Callable[[str], Array]) -> None:
        super().__init__()
        self.draw = draw

    def __missing__(self, name: str) -> Array:
        self[name] = self.draw(name)
        return self[name]


@dataclass(frozen=True)
class Layout:
    """The sizes of a system, where each tensor's axes begin and end, and an evaluator for them."""

    sizes: Mapping[str, int]
    extents: Mapping[str, tuple[range, ...]]
    evaluator: Evaluator

    def shape(self, tensor: str) -> tuple[int, ...]:
        """The shape in which a tensor is stored."""
        return tuple(len(e) for e in self.extents[tensor])

    def ranges(self, indices: tuple[str, ...]) -> dict[str, range]:
        """The whole range of each index."""
        return {i: range(self.sizes[i]) for i in indices}


@dataclass(frozen=True, slots=True)
class Rule:
    """A right side, ready to be evaluated; `repeated` are the parts that occur more than once."""

    left: Equation | Update
    value: Expression
    repeated: frozenset[Expression]

    def evaluate(self, evaluator: Evaluator, ranges: Ranges) -> Named:
        """The value on the given ranges of the left side's indices."""
        evaluator.repeated = self.repeated
        with evaluator.fresh_memo():
            return evaluator.evaluate(self.value, ranges)


def layout(
    system: System, sizes: Mapping[str, int], dtype: np.dtype[Any], training: bool
) -> Layout:
    """The layout of a system's tensors."""
    axes = extents(system, sizes)
    largest = max((prod(len(e) for e in a) for a in axes.values()), default=0)
    limit = max(LEAST_LIMIT, TENSORS * largest * dtype.itemsize)
    evaluator = Evaluator({}, sizes, origins(axes), dtype.name, training, limit)
    return Layout(sizes, axes, evaluator)


def origins(axes: Mapping[str, tuple[range, ...]]) -> dict[str, tuple[int, ...]]:
    """The first subscript on each axis, for tensors that do not begin at 0."""
    return {
        name: tuple(e.start for e in extent)
        for name, extent in axes.items()
        if any(e.start for e in extent)
    }


def run_equation(where: Layout, rule: Rule, equation: Equation, tensors: Tensors) -> None:
    """Compute one piece of a tensor."""
    ranges = where.ranges(equation.indices)
    result = rule.evaluate(where.evaluator, ranges)
    if equation.name not in tensors:
        shape = where.shape(equation.name)
        array = result.array
        owned = array.base is None and array.dtype == where.evaluator.dtype
        if owned and result.names == equation.indices and array.shape == shape:
            tensors[equation.name] = np.ascontiguousarray(array).reshape(shape)
            return
        tensors[equation.name] = np.empty(shape, where.evaluator.dtype)
    _store(where, equation, result, ranges, tensors)


def run_update(where: Layout, rule: Rule, update: Update) -> Array:
    """What a parameter or a state becomes."""
    ranges = where.ranges(update.indices)
    result = rule.evaluate(where.evaluator, ranges)
    array = np.broadcast_to(expand(result, tuple(ranges)), [len(r) for r in ranges.values()])
    return np.array(array, where.evaluator.dtype, order="C")


def run_loop(
    where: Layout, loop: Loop, rules: tuple[Rule, ...], hoisted: tuple[Rule, ...], tensors: Tensors
) -> None:
    """Run a recurrence, step by step."""
    evaluator = where.evaluator
    for equation in loop.equations:
        if equation.name not in tensors:
            tensors[equation.name] = np.empty(where.shape(equation.name), evaluator.dtype)
    for rule in hoisted:
        _hoist(where, rule, tensors)
    steps = range(where.sizes[loop.index])
    for t in steps if loop.direction > 0 else reversed(steps):
        for equation, rule in zip(loop.equations, rules, strict=True):
            ranges = where.ranges(equation.indices)
            ranges[loop.index] = range(t, t + 1)
            result = rule.evaluate(evaluator, ranges)
            _store(where, equation, result, ranges, tensors)
    for rule in hoisted:
        del tensors[rule.left.name]


def _store(
    where: Layout, equation: Equation, result: Named, ranges: Ranges, tensors: Tensors
) -> None:
    place: list[slice | int] = []
    for subscript, extent in zip(equation.subscripts, where.extents[equation.name], strict=True):
        if isinstance(subscript, Index):
            values = ranges[subscript.name]
            place.append(slice(values.start - extent.start, values.stop - extent.start))
        else:
            form = affine(subscript, where.sizes)
            assert form is not None and not form.coefficients
            place.append(form.constant - extent.start)
    tensors[equation.name][tuple(place)] = expand(result, tuple(ranges))


def _hoist(where: Layout, rule: Rule, tensors: Tensors) -> None:
    """Compute what was taken out of a loop; it is no larger than the loop's own tensors."""
    assert isinstance(rule.left, Equation)
    ranges = where.ranges(rule.left.indices)
    result = rule.evaluate(where.evaluator, ranges)
    shape = [len(r) for r in ranges.values()]
    array = np.array(np.broadcast_to(expand(result, tuple(ranges)), shape), order="C")
    tensors[rule.left.name] = where.evaluator.meter.made(array)
