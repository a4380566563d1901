"""`check`: every derivative against central differences.

The difference quotient (J(w + h) - J(w - h)) / 2h knows nothing of the chain
rule. A derivative is right where both agree to 1e-6 of the sum of the
absolute terms of which it consists, since that is what rounding is relative
to. Where J has a kink between w - h and w + h there is no one derivative:
such entries are reported as kinks. Source of the step: Nocedal & Wright,
Numerical Optimization (2006), section 8.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..calculus.chain import Contribution, Link
from ..calculus.derivation import Derivation
from ..calculus.partial import Factor
from ..engines.reference import ReferenceEngine, ReferenceProgram
from ..language.expression import (
    ZERO,
    Bracket,
    Call,
    Compare,
    Expression,
    Index,
    Reduce,
    Where,
    fill,
    subtract,
    walk,
)
from ..language.functions import FUNCTIONS
from ..language.parsing import parse_expression
from ..language.system import Equation, System
from .display import number_text

Array = NDArray[np.float64]

TOLERANCE = 1e-6
_STEP = float(np.finfo(np.float64).eps) ** (1 / 3)
_EVERY_ENTRY_UP_TO = 10_000
_SAMPLED_ENTRIES = 100
_DIRECTIONS = 20


@dataclass(frozen=True)
class Disagreement:
    """An entry whose derivative is not what the difference quotient says."""

    where: str
    derived: float
    difference: float

    def __str__(self) -> str:
        return (
            f"{self.where}: derived {number_text(self.derived, 8)}, "
            f"difference quotient {number_text(self.difference, 8)}"
        )


@dataclass
class Checked:
    """The result for one parameter, or for the random directions.

    `worst` is the largest error relative to the sum of the absolute terms.
    """

    name: str
    compared: int = 0
    total: int = 0
    worst: float = 0.0
    kinks: list[str] = field(default_factory=list)
    wrong: list[Disagreement] = field(default_factory=list)


@dataclass(frozen=True)
class Report:
    """What `check` found."""

    results: tuple[Checked, ...]
    method: str

    @property
    def ok(self) -> bool:
        """Whether nothing disagreed. Kinks are no disagreement."""
        return not any(r.wrong for r in self.results)

    @property
    def worst(self) -> float:
        """The largest relative error anywhere, kinks left out."""
        return max((r.worst for r in self.results), default=0.0)

    def __str__(self) -> str:
        lines = [self.method]
        for r in self.results:
            kinks = f", {len(r.kinks)} at a kink" if r.kinks else ""
            state = "wrong" if r.wrong else "ok"
            part = "" if r.compared == r.total else f" of {r.total}"
            lines.append(
                f"  {r.name}: {r.compared}{part} compared, "
                f"largest error {number_text(r.worst, 2)}{kinks}  {state}"
            )
            lines += [f"    kink: {k}" for k in r.kinks[:3]]
            lines += [f"    {w}" for w in r.wrong[:3]]
        lines.append("all agree" if self.ok else "the derivatives do not agree")
        return "\n".join(lines)


def check(
    derivation: Derivation,
    sizes: Mapping[str, int],
    arrays: Mapping[str, Array],
    *,
    training: bool = False,
    seed: int = 0,
) -> Report:
    """Compare the derivatives of the wanted tensors with central differences."""
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
        for new, old in derivation.names.copies.items():
            self.sizes.setdefault(new, self.sizes[old])
        self.arrays = dict(arrays)
        self.training = training
        self.seed = seed
        self.names = [w for w in derivation.wanted if w in arrays]
        self.shapes = {n: np.shape(arrays[n]) for n in self.names}
        self.total = sum(int(np.prod(s)) for s in self.shapes.values())
        system = derivation.simplified_system
        marked = [derivation.mark + n for n in self.names]
        self.gradients = self._program(system, marked).run(self.arrays, seed=seed)
        self.cost_program = self._program(system, [derivation.cost])
        watch = System((*system.statements, *_watched(derivation.named)))
        self.kinks = [e.name for e in watch.equations if e.name.startswith(_WATCH)]
        self.kink_program = self._program(watch, self.kinks)
        self.scales = self._scales()

    def _program(self, system: System, wanted: Sequence[str]) -> ReferenceProgram:
        return ReferenceEngine().compile(system, self.sizes, wanted, "float64", self.training)

    def report(self) -> Report:
        if self.total <= _EVERY_ENTRY_UP_TO:
            method = f"central differences of every one of {self.total} entries"
            results = [self._entries(n, range(int(np.prod(self.shapes[n])))) for n in self.names]
        else:
            method = (
                f"central differences along {_DIRECTIONS} random directions "
                f"and of {_SAMPLED_ENTRIES} sampled entries of each parameter"
            )
            random = np.random.Generator(np.random.Philox(self.seed))
            results = [self._random_directions(random)]
            for n in self.names:
                count = int(np.prod(self.shapes[n]))
                chosen = random.choice(count, min(count, _SAMPLED_ENTRIES), replace=False)
                results.append(self._entries(n, sorted(map(int, chosen))))
        return Report(tuple(results), method)

    def _entries(self, name: str, which: Iterable[int]) -> Checked:
        shape = self.shapes[name]
        result = Checked(name, total=int(np.prod(shape)))
        derived = self.gradients[self.derivation.mark + name]
        for flat in which:
            at = tuple(int(i) for i in np.unravel_index(flat, shape)) if shape else ()
            direction = np.zeros(shape)
            direction[at] = 1.0
            where = f"{name}[{','.join(map(str, at))}]" if at else name
            self._compare(
                result, where, {name: direction}, float(derived[at]), float(self.scales[name][at])
            )
        return result

    def _random_directions(self, random: np.random.Generator) -> Checked:
        result = Checked("random directions", total=_DIRECTIONS)
        for number in range(_DIRECTIONS):
            directions = {n: random.standard_normal(self.shapes[n]) for n in self.names}
            mark = self.derivation.mark
            pairs = directions.items()
            derived = sum(float(np.sum(self.gradients[mark + n] * d)) for n, d in pairs)
            scale = sum(float(np.sum(self.scales[n] * np.abs(d))) for n, d in pairs)
            self._compare(result, f"direction {number}", directions, derived, scale)
        return result

    def _compare(
        self,
        result: Checked,
        where: str,
        directions: Mapping[str, Array],
        derived: float,
        scale: float,
    ) -> None:
        size = max(
            float(np.max(np.abs(self.arrays[n][d != 0]), initial=1.0))
            for n, d in directions.items()
        )
        length = max(float(np.max(np.abs(d), initial=0.0)) for d in directions.values())
        h = _STEP * size / length
        up, down = (self._moved(directions, sign * h) for sign in (1, -1))
        high, low = self._cost(up), self._cost(down)
        difference = (high - low) / (2 * h)
        rounding = 8 * float(np.finfo(np.float64).eps) * max(abs(high), abs(low)) / h
        error = abs(derived - difference)
        result.compared += 1
        if error <= TOLERANCE * scale + rounding:
            known = error if rounding <= TOLERANCE * scale else max(0.0, error - rounding)
            result.worst = max(result.worst, known / scale if scale else 0.0)
        elif self._crosses_kink(up, down):
            result.kinks.append(where)
        else:
            result.worst = max(result.worst, error / scale if scale else np.inf)
            result.wrong.append(Disagreement(where, derived, difference))

    def _moved(self, directions: Mapping[str, Array], h: float) -> dict[str, Array]:
        return self.arrays | {n: self.arrays[n] + h * d for n, d in directions.items()}

    def _cost(self, arrays: Mapping[str, Array]) -> float:
        return float(self.cost_program.run(arrays, seed=self.seed)[self.derivation.cost])

    def _crosses_kink(self, up: Mapping[str, Array], down: Mapping[str, Array]) -> bool:
        one = self.kink_program.run(up, seed=self.seed)
        other = self.kink_program.run(down, seed=self.seed)
        return any(not np.array_equal(one[k], other[k]) for k in self.kinks)

    def _scales(self) -> dict[str, Array]:
        """Σ|terms| of each derivative, from its chain form with every factor made positive."""
        derivation = self.derivation
        equations = []
        for name in self.names:
            link = derivation.link(name)
            equations.append(_absolute(link, f"{_WATCH}scale.{name}"))
        system = System((*derivation.system.statements, *equations))
        names = [e.name for e in equations]
        found = self._program(system, names).run(self.arrays, seed=self.seed)
        return {
            n: np.nan_to_num(np.abs(found[s]), nan=0.0, posinf=0.0)
            + np.abs(self.gradients[derivation.mark + n])
            for n, s in zip(self.names, names, strict=True)
        }


_WATCH = "check."


def _absolute(link: Link, name: str) -> Equation:
    contributions = tuple(
        Contribution(
            c.source,
            tuple(Factor(Call("abs", (f.expression,))) for f in c.factors),
            c.indices,
            c.condition,
        )
        for c in link.contributions
    )
    return Equation(name, link.subscripts, Link("", name, (), contributions).equation.value)


def _watched(system: System) -> Iterator[Equation]:
    """Equations for everything that changes its value where the cost has a kink or jumps."""
    found = dict.fromkeys(k for e in system.equations for k in _kinks(e.value))
    for count, e in enumerate(found):
        yield Equation(f"{_WATCH}{count}", tuple(map(Index, sorted(e.free))), e)


def _kinks(e: Expression) -> Iterator[Expression]:
    """On which side of each kink the network is: a sign, a winner, a truth."""
    for node in walk(e):
        match node:
            case Call() if (kink := FUNCTIONS[node.function].kink) is not None:
                values = dict(zip("xy", node.arguments, strict=False))
                zero = fill(parse_expression(kink), values)
                yield subtract(Bracket(Compare(">", zero, ZERO)), Bracket(Compare("<", zero, ZERO)))
            case Reduce(operation="max"):
                yield Reduce("argmax", node.indices, node.condition, node.body)
            case Bracket():
                yield node
            case Where():
                yield Bracket(node.condition)
