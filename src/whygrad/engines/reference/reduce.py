"""Reductions and softmax."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from ...language.expression import ONE, Reduce, Softmax, Value
from ..terms import Term
from .blocks import split
from .contract import contract
from .named import Array, Named, Ranges, align, as_float, expand, ordered, real
from .scatter import scatter

if TYPE_CHECKING:
    from .evaluate import Evaluator

State = tuple[Named, ...]
"""What is known of a reduction after a part of its range: for argmax the maximum and its place."""


def reduce(evaluator: Evaluator, e: Reduce, ranges: Ranges) -> Named:
    """The value of a reduction, over the whole range of each of its indices."""
    inner = {**ranges, **{i: range(evaluator.sizes[i]) for i in e.indices}}
    if e.operation != "mean":
        return _reduced(evaluator, e, inner)[-1]
    total = _reduced(evaluator, Reduce("sum", e.indices, e.condition, e.body), inner)[0]
    if e.condition is None:
        count = prod(evaluator.sizes[i] for i in e.indices)
        array = np.asarray(total.array / evaluator.dtype.type(count))
        return Named(evaluator.meter.made(array, array.size), total.names)
    number = _reduced(evaluator, Reduce("sum", e.indices, e.condition, ONE), inner)[0]
    (a, b), names = align([total, number], ranges)
    array = np.asarray(a / b)
    return Named(evaluator.meter.made(array, array.size), names)


def _reduced(evaluator: Evaluator, e: Reduce, inner: Ranges) -> State:
    """The reduction over the given part of its indices, in blocks where memory asks for it."""
    blocks = split(evaluator, e, inner)
    if blocks is None:
        return _OPERATIONS[e.operation](evaluator, e, inner)
    index, parts = blocks
    if index in e.indices:
        state: State | None = None
        for part in parts:
            with evaluator.fresh_memo():
                new = _reduced(evaluator, e, {**inner, index: part})
            state = new if state is None else _joined(e.operation, state, new, inner)
        assert state is not None
        return state
    whole = {n: inner[n] for n in inner if n in e.free}
    results: list[Array] = []
    for part in parts:
        with evaluator.fresh_memo():
            state = _reduced(evaluator, e, {**inner, index: part})
        if not results:
            shape = [len(r) for r in whole.values()]
            results = [evaluator.meter.made(np.empty(shape, s.array.dtype)) for s in state]
        place = tuple(
            slice(part.start - r.start, part.stop - r.start) if n == index else slice(None)
            for n, r in whole.items()
        )
        for result, s in zip(results, state, strict=True):
            result[place] = expand(s, tuple(whole))
    return tuple(Named(result, tuple(whole)) for result in results)


def _joined(operation: str, old: State, new: State, ranges: Ranges) -> State:
    """What two parts of a range give together."""
    (a, b), names = align([old[0], new[0]], ranges)
    match operation:
        case "sum":
            return (Named(np.asarray(a + b), names),)
        case "max":
            return (Named(np.asarray(np.maximum(a, b)), names),)
        case "logsumexp":
            return (Named(np.asarray(np.logaddexp(a, b)), names),)
    (p, q), _ = align([old[1], new[1]], ranges)
    equal = (a == b) | (np.isnan(a) & np.isnan(b))
    better = (b > a) | (np.isnan(b) & ~np.isnan(a)) | (equal & (q < p))
    return (Named(np.where(better, b, a), names), Named(np.where(better, q, p), names))


# Sums


def _sum(evaluator: Evaluator, e: Reduce, inner: Ranges) -> State:
    total: Named | None = None
    for term in evaluator.terms(e):
        value = _term(evaluator, term, inner)
        if total is None:
            total = value
        else:
            (a, b), names = align([total, value], inner)
            total = Named(evaluator.meter.made(np.asarray(a + b)), names)
    assert total is not None
    return (total,)


def _term(evaluator: Evaluator, term: Term, inner: Ranges) -> Named:
    zero = Named(np.zeros((), evaluator.dtype), ())
    holds: list[Named] = []
    for condition in term.masks:
        with evaluator.under(*term.guards[: term.guards.index(condition)]):
            holds.append(evaluator.evaluate(condition, inner))
        if not holds[-1].array.any():
            return zero
    holds = [m for m in holds if not m.array.all()]
    masks = _merged([m for m in holds if not term.summed.isdisjoint(m.names)], inner)
    outer = [m for m in holds if term.summed.isdisjoint(m.names)]
    with evaluator.under(*term.guards):
        targets = [(k, evaluator.evaluate(e, inner)) for k, e in term.targets]
        operands = [evaluator.real(f, inner) for f in term.factors]
    used = frozenset(n for v in (*operands, *masks, *(v for _, v in targets)) for n in v.names)
    count = prod(len(inner[n]) for n in term.summed if n not in used)
    coefficient = term.coefficient * count
    fixed = frozenset(n for _, v in targets for n in v.names)
    keep = (used - term.summed) | fixed
    value = _masked_contraction(evaluator, operands, masks, keep, inner, coefficient)
    if targets:
        value = scatter(value, targets, term.summed, inner, evaluator.meter)
    for mask in outer:
        (a, m), names = align([value, mask], inner)
        value = Named(evaluator.meter.made(np.where(m, a, a.dtype.type(0))), names)
    return value


def _merged(masks: list[Named], inner: Ranges) -> list[Named]:
    """The masks, those put together that need no new axis for it."""
    merged: list[Named] = []
    for mask in sorted(masks, key=lambda m: -len(m.names)):
        for k, other in enumerate(merged):
            if set(mask.names) <= set(other.names):
                (a, b), names = align([other, mask], inner)
                merged[k] = Named(np.asarray(a & b), names)
                break
        else:
            merged.append(mask)
    return merged


def _masked_contraction(
    evaluator: Evaluator,
    operands: list[Named],
    masks: list[Named],
    keep: frozenset[str],
    inner: Ranges,
    coefficient: Value,
) -> Named:
    """The contraction, strongly 0 where a mask is false.

    A mask is a factor of 0 and 1 as long as that gives finite numbers: a
    result can be finite only if no factor was infinite or NaN.
    """
    factors = [*operands, *(real(m, evaluator.dtype) for m in masks)]
    if not factors:
        factors = [Named(np.ones((), evaluator.dtype), ())]
    value = contract(factors, keep, inner, evaluator.meter, coefficient)
    if not masks or np.isfinite(value.array).all():
        return value
    masked = _masked(operands, masks, inner)
    if masked is not None:
        return contract(masked, keep, inner, evaluator.meter, coefficient)
    spread = _spread(operands or factors[:1], masks, keep, inner, evaluator.limit)
    scale = evaluator.dtype.type(as_float(coefficient))
    return Named(np.asarray(spread.array * scale), spread.names)


def _masked(operands: list[Named], masks: list[Named], inner: Ranges) -> list[Named] | None:
    """Two operands with the masks put into one of them, if the other is finite.

    Then 0 times the other is 0 wherever a mask is false. None if it is not so.
    """
    finite = [bool(np.isfinite(v.array).all()) for v in operands]
    if len(operands) != 2 or not any(finite):
        return None
    place = finite.index(False) if False in finite else 0
    value = operands[place]
    for mask in masks:
        if not set(mask.names) <= set(value.names):
            return None
        (a, m), names = align([value, mask], inner)
        value = Named(np.where(m, a, a.dtype.type(0)), names)
    return [value, operands[1 - place]]


def _spread(
    operands: list[Named], masks: list[Named], keep: frozenset[str], inner: Ranges, limit: int
) -> Named:
    """The masked product over the space of all indices, block by block, and its sum."""
    names = ordered((n for v in (*operands, *masks) for n in v.names), inner)
    lengths = {
        n: k for v in (*operands, *masks) for n, k in zip(v.names, v.array.shape, strict=True)
    }
    itemsize = operands[0].array.itemsize
    longest = max(names, key=lambda n: lengths[n])
    if prod(lengths.values()) * itemsize > limit and lengths[longest] > 1:
        middle = lengths[longest] // 2
        halves = [
            _spread(
                [_cut(v, longest, part) for v in operands],
                [_cut(m, longest, part) for m in masks],
                keep,
                inner,
                limit,
            )
            for part in (slice(None, middle), slice(middle, None))
        ]
        if longest not in keep:
            return Named(np.asarray(halves[0].array + halves[1].array), halves[0].names)
        axis = halves[0].names.index(longest)
        return Named(np.concatenate([h.array for h in halves], axis), halves[0].names)
    product = expand(operands[0], names)
    for v in operands[1:]:
        product = product * expand(v, names)
    for m in masks:
        product = np.where(expand(m, names), product, product.dtype.type(0))
    lost = tuple(axis for axis, n in enumerate(names) if n not in keep)
    return Named(np.asarray(product.sum(axis=lost)), tuple(n for n in names if n in keep))


def _cut(value: Named, name: str, part: slice) -> Named:
    if name not in value.names:
        return value
    return Named(value.array[(slice(None),) * value.names.index(name) + (part,)], value.names)


# Maxima


def _body(evaluator: Evaluator, e: Reduce | Softmax, inner: Ranges) -> tuple[Named, Array | None]:
    """The body, -inf where the condition is false, and the condition on the same axes."""
    if e.condition is None:
        return evaluator.real(e.body, inner), None
    mask = evaluator.evaluate(e.condition, inner)
    with evaluator.under(e.condition):
        body = evaluator.real(e.body, inner)
    (a, m), names = align([body, mask], inner)
    lowest = a.dtype.type(-np.inf)
    value = evaluator.meter.made(np.where(m, a, lowest))
    return Named(value, names), np.broadcast_to(m, value.shape)


def _axes(value: Named, indices: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(axis for axis, n in enumerate(value.names) if n in indices)


def _without(value: Named, indices: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(n for n in value.names if n not in indices)


def _max(evaluator: Evaluator, e: Reduce, inner: Ranges) -> State:
    body, _ = _body(evaluator, e, inner)
    best = np.max(body.array, axis=_axes(body, e.indices), initial=-np.inf)
    return (Named(evaluator.meter.made(np.asarray(best)), _without(body, e.indices)),)


def _argmax(evaluator: Evaluator, e: Reduce, inner: Ranges) -> State:
    body, mask = _body(evaluator, e, inner)
    names = _without(body, e.indices)
    own = tuple(i for i in e.indices if i in body.names)
    order = [body.names.index(n) for n in names + own]
    lengths = [len(inner[i]) for i in own]
    flat_shape = [*(len(inner[n]) for n in names), prod(lengths)]
    flat = body.array.transpose(order).reshape(flat_shape)
    chosen = np.argmax(flat, axis=-1)
    if mask is not None:  # among values that are all -inf, one for which the condition holds
        flat_mask = mask.transpose(order).reshape(flat_shape)
        allowed = np.take_along_axis(flat_mask, chosen[..., None], -1)[..., 0]
        chosen = np.where(allowed, chosen, np.argmax(flat_mask, axis=-1))
    best = np.take_along_axis(flat, chosen[..., None], -1)[..., 0]
    position = np.zeros_like(chosen)
    parts = dict(zip(own, np.unravel_index(chosen, lengths), strict=True)) if own else {}
    for i in e.indices:
        first = inner[i].start
        position = position * evaluator.sizes[i] + (parts[i] + first if i in parts else first)
    return (Named(np.asarray(best), names), Named(np.asarray(position), names))


def _logsumexp(evaluator: Evaluator, e: Reduce, inner: Ranges) -> State:
    body, _ = _body(evaluator, e, inner)
    axes = _axes(body, e.indices)
    total, highest = _exponentials(evaluator, body.array, axes)[1:]
    names = _without(body, e.indices)
    result = np.log(total.reshape([len(inner[n]) for n in names]))
    result = np.asarray(result + highest.reshape(result.shape))
    absent = prod(len(inner[i]) for i in e.indices if i not in body.names)
    if absent != 1:
        result = np.asarray(result + result.dtype.type(np.log(absent)))
    return (Named(evaluator.meter.made(result, result.size), names),)


def _exponentials(
    evaluator: Evaluator, array: Array, axes: tuple[int, ...]
) -> tuple[Array, Array, Array]:
    """exp(x - max), its sum, and the max; the last two keep the axes with length 1."""
    highest = np.max(array, axis=axes, keepdims=True, initial=-np.inf)
    highest = np.where(np.isfinite(highest), highest, array.dtype.type(0))
    shifted = np.exp(array - highest)
    evaluator.meter.made(shifted, shifted.size)
    return shifted, np.asarray(shifted.sum(axis=axes, keepdims=True)), highest


def softmax(evaluator: Evaluator, e: Softmax, ranges: Ranges) -> Named:
    """exp(body) over its sum where the condition holds, and 0 elsewhere."""
    inner = {**ranges, **{i: range(evaluator.sizes[i]) for i in e.indices}}
    body, mask = _body(evaluator, e, inner)
    shares, total, _ = _exponentials(evaluator, body.array, _axes(body, e.indices))
    absent = prod(evaluator.sizes[i] for i in e.indices if i not in body.names)
    result = np.asarray(shares / (total * absent) if absent != 1 else shares / total)
    if mask is not None:
        result = np.where(mask, result, result.dtype.type(0))
    evaluator.meter.made(result, result.size)
    place = tuple(
        slice(ranges[n].start, ranges[n].stop) if n in e.indices else slice(None)
        for n in body.names
    )
    return Named(result[place], body.names)


_OPERATIONS: dict[str, Callable[[Evaluator, Reduce, Ranges], State]] = {
    "sum": _sum,
    "max": _max,
    "argmax": _argmax,
    "logsumexp": _logsumexp,
}
