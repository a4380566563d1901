"""Where an attempt is tried: on the user's data, and on others on which no luck can help it.

With one sample 1/N is 1, with biases of 0 or a δ of 0 anything may be right.
So the same network is also tried with random parameters, random data and
another number of samples.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from ..calculus.chain import Link
from ..errors import SizeError, WhygradError
from ..language.expression import Expression, Index, Reference
from ..language.sizes import infer_sizes
from ..language.system import Tensor
from .values import Array, Values

# Few samples, their numbers all prime.
_SAMPLES = (5, 7, 3, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47)
_MOST_ELEMENTS = 256
_MOST_WORLDS = 2
_SEEDS = 6

Block = Mapping[str, range]


@dataclass(frozen=True)
class World:
    """Values of a network, and some elements of a derivative to compare with.

    `truth` holds the derivative on the blocks, one after the other.
    """

    values: Values
    axes: tuple[str, ...]
    blocks: tuple[Block, ...]
    truth: Array

    def of(self, e: Expression) -> Array | None:
        """An expression on the same elements, or None where it cannot be computed."""
        parts: list[Array] = []
        for block in self.blocks:
            try:
                found, names = self.values.array(e, block)
            except (WhygradError, KeyError, IndexError):
                return None
            spread = tuple(slice(None) if i in names else None for i in self.axes)
            shape = [len(block[i]) for i in self.axes]
            parts.append(np.broadcast_to(found[spread], shape).reshape(-1))
        return np.concatenate(parts).astype(np.float64)

    def places(self) -> list[tuple[int, ...]]:
        """The indices of the elements, in their order."""
        return [at for block in self.blocks for at in product(*block.values())]

    def agrees(self, e: Expression, tolerance: float = 1e-9) -> bool:
        """Whether an expression has the values of the derivative."""
        values = self.of(e)
        return values is not None and self.close(values, tolerance)

    def close(self, values: Array, tolerance: float = 1e-9) -> bool:
        """Whether values, one for each element, are those of the derivative."""
        scale = float(np.max(np.abs(self.truth), initial=0.0))
        return bool(np.all(np.abs(values - self.truth) <= tolerance * scale))


def world(values: Values, link: Link) -> World | None:
    """A world of these values, or None where the derivative is not finite there."""
    axes = tuple(s.name for s in link.subscripts if isinstance(s, Index))
    blocks = _blocks(values, link, axes)
    found = World(values, axes, blocks, np.zeros(0))
    truth = found.of(Reference(link.name, link.subscripts))
    if truth is None or not np.isfinite(truth).all():
        return None
    return World(values, axes, blocks, truth)


def random_worlds(link: Link, known: Values) -> Sequence[World]:
    """Two other worlds of the same network, of those in which the derivative is not 0."""
    zero: list[World] = []
    found: list[World] = []
    for seed in range(_SEEDS):
        random = np.random.Generator(np.random.Philox(seed))
        draw = _anew if seed < _SEEDS // 2 else _nearby
        other = _other_world(link, known, draw, random, seed)
        if other is not None:
            (found if other.truth.any() else zero).append(other)
        if len(found) == _MOST_WORLDS:
            break
    return found or zero[:1]


Draw = Callable[[Array, tuple[int, ...], np.random.Generator], Array]


def _other_world(
    link: Link, known: Values, draw: Draw, random: np.random.Generator, seed: int
) -> World | None:
    sizes = _sizes(known, seed) if draw is _anew else known.sizes
    arrays: dict[str, Array] = {}
    for t in known.derivation.original.tensors.values():
        if t.kind in ("given", "param", "setting", "state"):
            shape = tuple(sizes[i] for i in t.indices)
            arrays[t.name] = _array(t, known.tensors[t.name], shape, sizes, draw, random)
    try:
        return world(Values(known.derivation, sizes, arrays, known.training, seed), link)
    except WhygradError:
        return None


def _sizes(known: Values, seed: int) -> Mapping[str, int]:
    """The same sizes, but another number of samples where that is possible."""
    system, copies = known.derivation.simplified_system, known.derivation.names.copies
    if system.batch is None:
        return known.sizes
    originals = {i: n for i, n in known.sizes.items() if i not in copies and i != system.batch}
    unequal = {i: n for i, n in originals.items() if n != known.sizes[system.batch]}
    new = [n for n in _SAMPLES if n not in known.sizes.values()] or [53]
    for kept in (originals, unequal):  # an index may have the size of n by definition
        try:
            found = {**kept, **infer_sizes(system, {**kept, system.batch: new[seed % len(new)]})}
        except SizeError:
            continue
        if found.keys() >= originals.keys():
            return found
    return known.sizes


def _array(
    t: Tensor,
    old: Array,
    shape: tuple[int, ...],
    sizes: Mapping[str, int],
    draw: Draw,
    random: np.random.Generator,
) -> Array:
    if t.within is not None:
        return random.integers(sizes[t.within], size=shape).astype(np.int64)
    if np.asarray(old).dtype.kind in "iub":
        return random.choice(np.asarray(old).reshape(-1), size=shape)
    return draw(np.asarray(old), shape, random)


def _anew(old: Array, shape: tuple[int, ...], random: np.random.Generator) -> Array:
    """Random numbers of the same sort: of any sign, all positive, or between 0 and 1."""
    if old.size and old.min() >= 0 and old.max() > 0:
        return random.uniform(0.1, 0.9 if old.max() <= 1 else 1.5, size=shape)
    spread = 1 / math.sqrt(max(1, math.prod(shape[:-1]))) if old.ndim > 1 else 1.0
    return random.normal(size=shape) * max(spread, 0.05)


def _nearby(old: Array, shape: tuple[int, ...], random: np.random.Generator) -> Array:
    """The same numbers, each moved a little."""
    moved = old * random.uniform(0.8, 1.2, size=shape)
    return moved + (0.0 if old.any() else 0.1 * random.normal(size=shape))


def _blocks(values: Values, link: Link, axes: tuple[str, ...]) -> tuple[Block, ...]:
    """All elements, or of many those at the beginning and those around the largest."""
    lengths = [values.sizes[i] for i in axes]
    if math.prod(lengths) <= _MOST_ELEMENTS:
        return ({i: range(n) for i, n in zip(axes, lengths, strict=True)},)
    width = max(1, int(_MOST_ELEMENTS ** (1 / len(axes))))
    corners = [[0] * len(axes)]
    if link.name in values.tensors:
        whole = {i: range(n) for i, n in zip(axes, lengths, strict=True)}
        array, names = values.array(Reference(link.name, link.subscripts), whole)
        size = np.nan_to_num(np.abs(array))
        largest = dict(zip(names, np.unravel_index(int(size.argmax()), size.shape), strict=True))
        corners.append([max(0, int(largest.get(i, 0)) - width // 2) for i in axes])
    return tuple(
        {i: range(c, min(c + width, n)) for i, c, n in zip(axes, corner, lengths, strict=True)}
        for corner in corners
    )
