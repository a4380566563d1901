"""An update opened into the parts of which its correction consists.

An optimiser computes what it subtracts in equations of its own, such as v_next = 0.9 v + δw.
Those that hold the derivative of the batch are put in and multiplied out, as far as they are
sums; what stands beside such a sum is common to its parts. No optimiser is known here:
whatever is written as an update is opened like this.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from ..calculus.chain import Contribution, affected
from ..calculus.derivation import Derivation
from ..calculus.partial import Factor
from ..language.expression import (
    MINUS_ONE,
    ONE,
    ZERO,
    Add,
    Expression,
    Index,
    Multiply,
    Number,
    Reference,
    add,
    multiply,
    number,
    references,
)
from ..language.substitution import substitute
from ..language.system import Equation, System, Update

BATCH, EARLIER, DECAY = "this batch", "earlier steps", "decay"


@dataclass(frozen=True)
class Part:
    """One product of a correction: what it has in common with others, and its own factors."""

    common: tuple[Expression, ...]
    own: tuple[Expression, ...]


class Parts:
    """Opens the updates of a training step."""

    def __init__(self, step: System, derivation: Derivation) -> None:
        self.step = step
        self.names = derivation.names
        data = (t.name for kind in ("given", "noise") for t in step.of_kind(kind))
        self._of_batch = affected(step, data)
        slopes = {link.name for link in derivation.links}
        self._moving = affected(step, slopes)
        self._rules = {
            name: rules[0]
            for name, rules in step.definitions.items()
            if name in self._moving - slopes and len(rules) == 1
        }

    def change(self, update: Update) -> Expression:
        """What an update adds to the old value, as the step computes it."""
        parts = self._changes(update, {})
        return add(*(multiply(*p.common, *p.own) for p in parts))

    def of(self, update: Update) -> list[tuple[str, Contribution]]:
        """The same change as a sum of products, everything opened: each with its origin.

        A part comes from this batch, from what earlier steps left in a state, or from the old
        value itself, which is then a decay.
        """
        parts = self._changes(update, self._rules)
        return [(self._origin(p.own), self._contribution(p)) for p in parts]

    def _changes(self, update: Update, rules: Mapping[str, Equation]) -> Iterator[Part]:
        """The parts of an update less the old value."""
        old = Reference(update.name, tuple(map(Index, update.indices)))
        kept: list[Expression] = []
        for part in self._opened(update.value, (), rules):
            if old in part.own:
                others = list(part.own)
                others.remove(old)
                kept.append(multiply(*part.common, *others))
            else:
                yield part
        change = _less_one(add(*kept))
        if change != ZERO:
            yield Part((change,), (old,))

    def _opened(
        self, e: Expression, common: tuple[Expression, ...], rules: Mapping[str, Equation]
    ) -> Iterator[Part]:
        if isinstance(e, Add):
            for term in e.terms:
                yield from self._opened(term, common, rules)
        elif isinstance(e, Reference) and e.tensor in rules:
            rule = rules[e.tensor]
            put = dict(zip(rule.indices, e.subscripts, strict=True))
            yield from self._opened(substitute(rule.value, put, self.names), common, rules)
        else:
            factors = e.factors if isinstance(e, Multiply) else (e,)
            sums = [f for f in factors if self._is_sum(f, rules)]
            if not sums:
                yield Part(common, factors)
                return
            beside = list(factors)
            beside.remove(sums[0])
            yield from self._opened(sums[0], (*common, *beside), rules)

    def _is_sum(self, e: Expression, rules: Mapping[str, Equation]) -> bool:
        """Whether it can be multiplied out, and holds the derivative of the batch."""
        if isinstance(e, Add):
            return any(r.tensor in self._moving for r in references(e))
        return isinstance(e, Reference) and e.tensor in rules

    def _contribution(self, part: Part) -> Contribution:
        """The part as a term: what is common, the constants of its own, and then the rest."""
        constants = [e for e in part.own if not self._origin([e])]
        others = [e for e in part.own if self._origin([e])]
        products = (multiply(*part.common), multiply(*constants))
        factors = [*(p for p in products if p != ONE), *others]
        return Contribution("", tuple(map(Factor, factors)))

    def _origin(self, factors: Iterable[Expression]) -> str:
        read = {r.tensor for e in factors for r in references(e)}
        if read & self._of_batch:
            return BATCH
        kinds = {self.step.tensors[name].kind for name in read}
        return EARLIER if "state" in kinds else DECAY if "param" in kinds else ""


def _less_one(e: Expression) -> Expression:
    """e - 1, on decimals where it is written as one: 0.9 - 1 is -0.1."""
    if isinstance(e, Number) and isinstance(e.value, float):
        return number(float(Decimal(str(e.value)) - 1))
    return add(e, MINUS_ONE)
