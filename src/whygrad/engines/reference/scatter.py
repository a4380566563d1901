"""Sums whose conditions say where in the result each product goes."""

from __future__ import annotations

from math import prod

import numpy as np

from .named import Array, Meter, Named, Ranges, align, expand, ordered, transpose

Target = tuple[str, Named]
"""An index K of the result and where along it each element of a value goes."""


def scatter(
    value: Named, targets: list[Target], summed: frozenset[str], ranges: Ranges, meter: Meter
) -> Named:
    """Σ over `summed` of the value where K equals its target, for each K.

    What falls outside the range of K is left out. `value` may still have
    summed indices only if targets depend on them.
    """
    for group in _independent(targets, summed):
        value = _scatter(value, group, summed, ranges, meter)
    return value


def _independent(targets: list[Target], summed: frozenset[str]) -> list[list[Target]]:
    """The targets in groups that share no summed index."""
    groups: list[tuple[frozenset[str], list[Target]]] = []
    for target in targets:
        own = frozenset(target[1].names) & summed
        members = [target]
        apart = []
        for names, others in groups:
            if names & own:
                own, members = own | names, others + members
            else:
                apart.append((names, others))
        groups = [*apart, (own, members)]
    return [members for _, members in groups]


def _scatter(
    value: Named, targets: list[Target], summed: frozenset[str], ranges: Ranges, meter: Meter
) -> Named:
    places, axes = align([where for _, where in targets], ranges)
    shape = tuple(len(ranges[n]) for n in axes)
    kept = tuple(n for n in axes if n not in summed)
    landing = kept + tuple(k for k, _ in targets)
    flat, inside = _flat_places(targets, places, axes, kept, shape, ranges)
    rest = tuple(n for n in value.names if n not in axes)
    elements = _elements(value, axes, rest, shape)
    rest_shape = elements.shape[len(axes) :]
    result = np.zeros((prod(len(ranges[n]) for n in landing), *rest_shape), elements.dtype)
    flat, inside = np.broadcast_to(flat, shape).ravel(), np.broadcast_to(inside, shape).ravel()
    source = np.flatnonzero(inside)
    source = source[np.argsort(flat[source], kind="stable")]
    if source.size:
        goal = flat[source]
        first = np.flatnonzero(np.concatenate(([True], goal[1:] != goal[:-1])))
        flat_at = np.unravel_index(source, shape or (1,))  # places that are constants have no axes
        rows = meter.made((elements if axes else elements[None])[flat_at])
        result[goal[first]] = np.add.reduceat(rows, first, axis=0)
    meter.made(result)
    found = result.reshape([len(ranges[n]) for n in landing] + list(rest_shape))
    names = landing + rest
    return transpose(Named(found, names), ordered(names, ranges))


def _flat_places(
    targets: list[Target],
    places: list[Array],
    axes: tuple[str, ...],
    kept: tuple[str, ...],
    shape: tuple[int, ...],
    ranges: Ranges,
) -> tuple[Array, Array]:
    """The row-major place over the kept axes and all K, and whether it exists."""
    flat = np.zeros([1] * len(axes), np.int64)
    inside = np.ones([1] * len(axes), bool)
    for n in kept:
        step = Named(np.arange(len(ranges[n])), (n,))
        flat = flat * len(ranges[n]) + expand(step, axes)
    for (k, _), place in zip(targets, places, strict=True):
        size = len(ranges[k])
        position = place - ranges[k].start
        fits = (position >= 0) & (position < size)
        if place.dtype.kind == "f":
            fits &= position == np.rint(position)
        flat = flat * size + np.where(fits, position, 0).astype(np.int64)
        inside = inside & fits
    return flat, inside


def _elements(
    value: Named, axes: tuple[str, ...], rest: tuple[str, ...], shape: tuple[int, ...]
) -> Array:
    """The value as a view with the axes of the places first, repeated where it lacks one."""
    present = tuple(n for n in axes if n in value.names)
    view = expand(transpose(value, present + rest), axes + rest)
    if not value.names:
        return np.broadcast_to(view, shape)
    return np.broadcast_to(view, shape + view.shape[len(axes) :])
