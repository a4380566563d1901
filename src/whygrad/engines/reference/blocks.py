"""Blocks: reductions cut into parts, so that no array is larger than the limit."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, NamedTuple

from ...language.expression import Expression, Index, Number, Reduce, Reference, Size, Softmax
from ..pairs import pairs
from .named import Ranges
from .read import is_view

if TYPE_CHECKING:
    from ..terms import Term
    from .evaluate import Evaluator


class Need(NamedTuple):
    """Elements of the largest array that an evaluation builds, and of all of them together."""

    peak: int
    work: int


def split(evaluator: Evaluator, e: Reduce, inner: Ranges) -> tuple[str, list[range]] | None:
    """The index along which to cut the reduction, and its parts; None if it fits as it is."""
    limit = evaluator.limit // max(8, evaluator.dtype.itemsize)
    names = e.free | e.body.free | frozenset(e.indices)
    if _space(names, inner) <= limit:
        return None
    need = _need(evaluator, e, inner)
    if need.peak <= limit:
        return None
    options = []
    for index in inner:
        length = len(inner[index])
        if length < 2 or not _can_cut(evaluator, e, index):
            continue
        count = min(length, -(-need.peak // limit))
        step = -(-length // count)
        part = _need(evaluator, e, {**inner, index: inner[index][:step]})
        if part.peak < need.peak:
            options.append((max(part.peak, limit), part.work * count, index, step))
    if not options:
        return None
    _, _, index, step = min(options)
    values = inner[index]
    return index, [values[k : k + step] for k in range(0, len(values), step)]


def _can_cut(evaluator: Evaluator, e: Reduce, index: str) -> bool:
    if index not in e.indices:
        return index in e.free
    return e.operation != "sum" or all(index in term.summed for term in evaluator.terms(e))


def _need(evaluator: Evaluator, e: Reduce, inner: Ranges) -> Need:
    result = _space(e.free, inner)
    if e.operation == "sum":
        sizes = [result]
        for term in evaluator.terms(e):
            sizes += _term(evaluator, term, e.free, inner)
    else:
        names = e.body.free | (e.condition.free if e.condition is not None else frozenset())
        sizes = [result, _space(names, inner), *_operands(evaluator, e.body, inner)]
    return Need(max(sizes), sum(sizes))


def _term(evaluator: Evaluator, term: Term, free: frozenset[str], inner: Ranges) -> list[int]:
    """The sizes of the arrays built for one product of a sum."""
    expressions = (*term.factors, *term.masks)
    sizes = [size for f in expressions for size in _operands(evaluator, f, inner)]
    rest = [f.free for f in expressions if f not in term.masks or f.free & term.summed]
    fixed = frozenset[str]().union(*(v.free for _, v in term.targets))
    keep = (free | fixed) & fixed.union(*rest)
    if term.targets:
        sizes.append(_space(keep, inner))
    lengths = tuple((n, len(inner[n])) for n in inner)
    for i, j in pairs(tuple(rest), keep, lengths):
        right, left = rest.pop(j), rest.pop(i)
        product = (left | right) & keep.union(*rest)
        if not left & right <= product:  # a matrix product, which may copy its operands
            sizes += [_space(left, inner), _space(right, inner)]
        sizes.append(_space(product, inner))
        rest.append(product)
    return sizes


def _space(names: frozenset[str], inner: Ranges) -> int:
    return prod(len(inner[n]) for n in names if n in inner)


def _operands(evaluator: Evaluator, e: Expression, inner: Ranges) -> list[int]:
    """The sizes of the arrays built in evaluating a factor, nested reductions left out.

    Those cut themselves into blocks; only their results count here.
    """
    if isinstance(e, Number | Size | Index):
        return []
    size = _space(e.free, inner)
    if isinstance(e, Reference):
        return [] if is_view(evaluator, e, inner) else [size]
    if isinstance(e, Reduce):
        return [size]
    if isinstance(e, Softmax):
        size = _space(e.free - set(e.indices), inner)
        size *= prod(evaluator.sizes[i] for i in e.indices)
    found = [size]
    for child in e.children:
        found += _operands(evaluator, child, inner)
    return found
