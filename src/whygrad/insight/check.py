"""`check`: every derivative against difference quotients.

A difference quotient knows nothing of the chain rule. A derivative is right
where both agree to 1e-6 of the sum of the absolute terms of which it consists,
since that is what rounding is relative to. Where the cost has a kink there is
no one derivative: such entries are reported as kinks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np

from ..calculus.chain import affected
from ..calculus.derivation import Derivation
from ..engines.reference import ReferenceEngine, ReferenceProgram
from ..errors import WhygradError
from ..language.system import System
from .differences import EPSILON, Slope, central, extrapolated, halvings
from .kinks import Sides, crossed, crossed_at, ties, watches
from .moving import Movable, indices, scale, slope, with_moves
from .report import Checked, Disagreement, Report
from .values import Array

TOLERANCE = 1e-6
_STEP = EPSILON ** (1 / 3)
_LARGEST_STEP = 0.1
_SMALLEST_STEP = 1e-8
_TRUST = 4.0
_EVERY_ENTRY_UP_TO = 10_000
_SAMPLED_ENTRIES = 100
_DIRECTIONS = 20

Direction = Mapping[str, Array]


def check(
    derivation: Derivation,
    sizes: Mapping[str, int],
    arrays: Mapping[str, Array],
    *,
    training: bool = False,
    seed: int = 0,
) -> Report:
    """Compare the derivatives of the wanted tensors with difference quotients of the cost.

    Every entry of up to 10,000; of more, 20 random directions and 100 entries
    of each tensor. Raises WhygradError for a tensor that cannot be moved.
    """
    return _Check(derivation, sizes, arrays, training, seed).report()


class _Check:
    def __init__(
        self,
        derivation: Derivation,
        sizes: Mapping[str, int],
        arrays: Mapping[str, Array],
        training: bool,
        seed: int,
    ) -> None:
        self.derivation = derivation
        self.sizes = dict(sizes)
        self.arrays = dict(arrays)
        self.training = training
        self.seed = seed
        self.system = derivation.simplified_system
        if not derivation.wanted:
            raise WhygradError("there is nothing to check: no parameter to derive by")
        self.movables = self._movables()
        self.total = sum(m.slope.size for m in self.movables)

    def _movables(self) -> list[Movable]:
        derivation = self.derivation
        links = [k for k in derivation.links if k.tensor in derivation.wanted]
        defined = derivation.named.definitions
        for k in links:
            if k.tensor not in defined and k.tensor not in self.arrays:
                raise WhygradError(f"{k.tensor} is drawn anew each time, so it cannot be moved")
        inner = {n: k for n, k in enumerate(links) if k.tensor in defined}
        keys = [f"check.move.{n}" if n in inner else k.tensor for n, k in enumerate(links)]
        slopes = [slope(k, f"check.slope.{n}") for n, k in enumerate(links)]
        scales = [scale(derivation, k, f"check.scale.{n}") for n, k in enumerate(links)]
        measured = System((*self.system.statements, *slopes, *scales))
        names = [e.name for e in (*slopes, *scales)]
        found = self._program(measured, names).run(self.arrays, seed=self.seed)
        if inner:  # the stable form of the cost may pass them by
            moves = [keys[n] for n in inner]
            self.system = with_moves(derivation.named, list(inner.values()), moves)
        for n, k in inner.items():
            self.arrays[keys[n]] = np.zeros([self.sizes[i] for i in indices(k)])
        return [
            Movable(
                k,
                keys[n],
                found[slopes[n].name],
                np.nan_to_num(found[scales[n].name], nan=0.0, posinf=0.0)
                + np.abs(found[slopes[n].name]),
            )
            for n, k in enumerate(links)
        ]

    def _program(self, system: System, wanted: Sequence[str]) -> ReferenceProgram:
        copies = self.derivation.names.copies
        for new in copies.keys() - self.sizes.keys():
            self.sizes[new] = self.sizes[copies[new]]
        return ReferenceEngine().compile(system, self.sizes, wanted, "float64", self.training)

    @cached_property
    def _cost_program(self) -> ReferenceProgram:
        return self._program(self.system, [self.derivation.cost])

    @cached_property
    def _side_program(self) -> ReferenceProgram:
        moving = affected(self.system, [m.key for m in self.movables])
        equations = watches(self.system, moving, self.derivation.names)
        system = System((*self.system.statements, *equations))
        return self._program(system, [e.name for e in equations])

    @cached_property
    def _ties(self) -> Mapping[str, np.ndarray[tuple[int, ...], np.dtype[np.bool_]]]:
        return ties(self._sides(self.arrays))

    def report(self) -> Report:
        if self.total <= _EVERY_ENTRY_UP_TO:
            method = f"difference quotients of every one of {self.total} entries"
            results = [self._entries(m, range(m.slope.size)) for m in self.movables]
        else:
            method = (
                f"difference quotients along {_DIRECTIONS} random directions "
                f"and of {_SAMPLED_ENTRIES} sampled entries of each tensor"
            )
            random = np.random.Generator(np.random.Philox(self.seed))
            results = [self._random_directions(random)]
            for m in self.movables:
                count = min(m.slope.size, _SAMPLED_ENTRIES)
                chosen = random.choice(m.slope.size, count, replace=False)
                results.append(self._entries(m, sorted(map(int, chosen))))
        return Report(tuple(results), method)

    def _entries(self, m: Movable, which: Iterable[int]) -> Checked:
        shape = m.slope.shape
        result = Checked(m.link.tensor, total=m.slope.size)
        for flat in which:
            at = tuple(int(i) for i in np.unravel_index(flat, shape)) if shape else ()
            direction = np.zeros(shape)
            direction[at] = 1.0
            size = max(1.0, abs(float(self.arrays[m.key][at])))
            derived, terms = float(m.slope[at]), float(m.scale[at])
            self._compare(result, m.label(at), {m.key: direction}, size, derived, terms)
        return result

    def _random_directions(self, random: np.random.Generator) -> Checked:
        """Along unit vectors in the space of all entries."""
        result = Checked("random directions", total=_DIRECTIONS)
        for number in range(_DIRECTIONS):
            drawn = [random.standard_normal(m.slope.shape) for m in self.movables]
            length = math.sqrt(sum(float(np.sum(d**2)) for d in drawn))
            pairs = [(m, d / length) for m, d in zip(self.movables, drawn, strict=True)]
            derived = sum(float(np.sum(m.slope * d)) for m, d in pairs)
            terms = sum(float(np.sum(m.scale * np.abs(d))) for m, d in pairs)
            direction = {m.key: d for m, d in pairs}
            self._compare(result, f"direction {number}", direction, 1.0, derived, terms)
        return result

    def _compare(
        self,
        result: Checked,
        where: str,
        direction: Direction,
        size: float,
        derived: float,
        terms: float,
    ) -> None:
        result.compared += 1
        h = _STEP * size
        allowed = TOLERANCE * terms
        if self._ties and crossed_at(self._ties, *self._on_both_sides(direction, h)):
            result.kinks.append(where)
            return
        found = Slope(central(lambda t: self._cost(direction, t), h), 0.0)
        if not abs(derived - found.value) <= allowed:
            found = self._refined(direction, size, allowed)
        error = abs(derived - found.value)
        if error <= allowed:
            result.worst = max(result.worst, error / terms if terms else 0.0)
        elif not error > _TRUST * found.error:
            kink = crossed(*self._on_both_sides(direction, h))
            (result.kinks if kink else result.unclear).append(where)
        else:
            result.worst = max(result.worst, error / terms if terms else math.inf)
            result.wrong.append(Disagreement(where, derived, found.value))

    def _refined(self, direction: Direction, size: float, allowed: float) -> Slope:
        """The slope by extrapolation, from steps that reach no kink."""
        steps = [h for h in halvings(_LARGEST_STEP * size) if h >= _SMALLEST_STEP * size]
        while steps and crossed(*self._on_both_sides(direction, steps[0])):
            steps = steps[1:]
        return extrapolated(lambda t: self._cost(direction, t), steps, allowed / 10)

    def _on_both_sides(self, direction: Direction, h: float) -> tuple[Sides, Sides]:
        return self._sides(self._moved(direction, h)), self._sides(self._moved(direction, -h))

    def _sides(self, arrays: Mapping[str, Array]) -> Sides:
        return self._side_program.run(arrays, seed=self.seed)

    def _cost(self, direction: Direction, t: float) -> float:
        found = self._cost_program.run(self._moved(direction, t), seed=self.seed)
        return float(found[self.derivation.cost])

    def _moved(self, direction: Direction, t: float) -> dict[str, Array]:
        return self.arrays | {key: self.arrays[key] + t * d for key, d in direction.items()}
