"""`why`: expand one element of a derivative into its terms.

Every derivative is an equation in index notation, so explaining it needs no
knowledge of layers: put the given index in, list the terms of the sum with
their values, and let each factor that is itself a derivative be expanded.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

from ..calculus.chain import Contribution, Link
from ..calculus.derivation import Derivation
from ..calculus.partial import Factor
from ..calculus.route import whiteboard
from ..errors import WhygradError
from ..language.expression import (
    Add,
    Expression,
    Index,
    Multiply,
    Number,
    Pad,
    Reduce,
    Reference,
    references,
)
from ..language.system import System
from .display import math_text, number_text
from .explanation import Explanation, Operand
from .opening import Head, Opening, Rows
from .target import element, place
from .values import Array, Values


class Explainer:
    """Answers `why` for one network on given data, after one pass over it.

    `tensors` holds every tensor and derivative that the pass computed, by name.

    Args:
        derivation: the network and its derivatives.
        sizes: the size of every index.
        arrays: data, params, states and settings by name.
        top: how many terms an explanation lists.
        training: what the word means in the text.
        seed: of the noise.
        system: the equations of a training step, where one is explained.
        step: its number, on which the noise depends.
        rows: the numbers of the samples in the whole of the data, where these are a batch.
    """

    def __init__(
        self,
        derivation: Derivation,
        sizes: Mapping[str, int],
        arrays: Mapping[str, Array],
        *,
        top: int = 10,
        training: bool = False,
        seed: int = 0,
        system: System | None = None,
        step: int = 0,
        rows: Rows | None = None,
    ) -> None:
        if isinstance(top, bool) or not isinstance(top, int) or top < 0:
            raise WhygradError(f"top is {top!r}: it says how many terms to list, 0 or more")
        self.derivation = derivation
        self.values = Values(derivation, sizes, arrays, training, seed, system, step)
        self.tensors = self.values.tensors
        self.opening = Opening(self.values, derivation.named.batch, top, self._operand, rows)

    def why(self, target: str) -> Explanation:
        """Explain an element such as `w1[0,2]`: the derivative of the cost with respect to it.

        Raises WhygradError for what is no element of a tensor with a derivative.
        """
        return self._explain(*element(target, self.values))

    def _explain(self, link: Link, at: tuple[int, ...]) -> Explanation:
        """The explanation of one element of a link's derivative."""
        derivation = self.derivation
        target = Reference(link.tensor, tuple(map(Number, at)))
        head = Head(derivation.cost, target)
        value = self.values.element(link.name, at)
        pairs = zip(link.subscripts, at, strict=True)
        fixed = {k.name: n for k, n in pairs if isinstance(k, Index)}
        chain = whiteboard(derivation, link)
        explanation = self.opening.open(head, value, self._fixed(chain.contributions, fixed))
        simplified = derivation.simplified(link).value
        if math.isfinite(value) and not math.isfinite(explanation.total):
            parts = self._fixed(contributions_of(simplified), fixed)
            note = "the chain rule's factors are not finite here; these are the simplified ones"
            return replace(self.opening.open(head, value, parts), note=note)
        if not chain.contributions:
            note = f"{derivation.cost} does not depend on {link.tensor} in a way that has a slope"
            return replace(explanation, note=note)
        if _read(simplified) != _read(chain.equation.value):
            (short,) = self._fixed([Contribution("", (Factor(simplified),))], fixed)
            note = f"simplified: {math_text(short.expression)} = {number_text(value)}"
            return replace(explanation, note=note)
        return explanation

    def _fixed(
        self, contributions: tuple[Contribution, ...] | list[Contribution], at: dict[str, int]
    ) -> list[Contribution]:
        return [self.opening.fixed(c, at) for c in contributions]

    def _operand(self, f: Factor) -> Operand:
        """A factor without free indices, to be expanded if it is a derivative."""
        value = self.values.scalar(f.expression)
        e = f.expression
        pieces = [k for k in self.derivation.links if k.name == getattr(e, "tensor", None)]
        if not isinstance(e, Reference) or not pieces:
            return Operand(f, value)
        inner = (s.subscript if isinstance(s, Pad) else s for s in e.subscripts)
        at = tuple(map(self.values.subscript, inner))
        if any(n not in r for n, r in zip(at, self.values.extents[e.tensor], strict=True)):
            return Operand(f, value, outside=True)
        return Operand(f, value, lambda: self._explain(*place(pieces, at, self.values)))


def contributions_of(e: Expression) -> list[Contribution]:
    """Any right side read as a sum of products."""
    return list(_products(e))


def _products(e: Expression) -> Iterator[Contribution]:
    for part in e.terms if isinstance(e, Add) else (e,):
        indices: tuple[str, ...] = ()
        condition = None
        if isinstance(part, Reduce) and part.operation == "sum":
            indices, condition, part = part.indices, part.condition, part.body
        factors = part.factors if isinstance(part, Multiply) else (part,)
        yield Contribution("", tuple(map(Factor, factors)), indices, condition)


def _read(e: Expression) -> frozenset[str]:
    return frozenset(r.tensor for r in references(e))
