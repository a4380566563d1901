"""`why`: expand one element of a derivative into its terms.

Every derivative is an equation in index notation, so explaining it needs no
knowledge of layers: put the given index in, list the terms of the sum with
their values, and let each factor that is itself a derivative be expanded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..calculus.chain import Contribution, Link
from ..calculus.derivation import Derivation
from ..calculus.partial import Factor
from ..calculus.route import whiteboard
from ..engines.reference import ReferenceEngine, evaluator
from ..errors import WhygradError
from ..language.expression import (
    Add,
    Bracket,
    Expression,
    Index,
    Multiply,
    Names,
    Number,
    Pad,
    Reduce,
    Reference,
    substitute,
)
from ..language.parsing import parse_expression
from .display import derivative_title, math_text, number_text, operand_text, sum_sign
from .explanation import Explanation, Operand, Term

Array = NDArray[np.float64]


class Explainer:
    """Answers `why` for one network on given data, after one pass over it.

    Args:
        derivation: the network and its derivatives.
        sizes: the size of every index.
        arrays: data, params, states and settings by name.
        top: how many terms an explanation lists.
        training: what the word means in the text.
        seed: of the noise.
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
    ) -> None:
        self.derivation = derivation
        self.system = derivation.simplified_system
        self.top = top
        self.sizes = dict(sizes)
        for new, old in derivation.names.copies.items():
            self.sizes.setdefault(new, self.sizes[old])
        wanted = [*derivation.named.definitions]
        wanted += [n for n in self.system.definitions if n.startswith(derivation.mark)]
        program = ReferenceEngine().compile(self.system, self.sizes, wanted, "float64", training)
        self.tensors = dict(arrays) | program.run(arrays, seed=seed)
        self._evaluator = evaluator(self.system, self.sizes, self.tensors, "float64", training)

    def why(self, target: str) -> Explanation:
        """Explain an element such as `w1[0,2]`: the derivative of the cost with respect to it."""
        e = parse_expression(target)
        if not isinstance(e, Reference) or not all(isinstance(s, Number) for s in e.subscripts):
            raise WhygradError(f"{target!r} is no element of a tensor: write it like `w1[0,2]`")
        link = self.derivation.link(e.tensor)
        self._check_element(link, e)
        return self.explain(link.name, tuple(e.subscripts))

    def _check_element(self, link: Link, e: Reference) -> None:
        tensor = self.derivation.named.tensors[link.tensor]
        wanted = f"{tensor.name}[{','.join(tensor.indices)}]" if tensor.indices else tensor.name
        if len(e.subscripts) != len(tensor.indices):
            raise WhygradError(
                f"{tensor.name} has {len(tensor.indices)} indices, {len(e.subscripts)} are given: "
                f"write {wanted} with numbers"
            )
        for s, i in zip(e.subscripts, tensor.indices, strict=True):
            starts = [
                k.subscripts
                for k in self.derivation.links
                if k.tensor == link.tensor and s in k.subscripts
            ]
            assert isinstance(s, Number)
            if not (0 <= s.value < self.sizes[i] or starts):
                raise WhygradError(
                    f"{math_text(e)} does not exist: {i} runs from 0 to {self.sizes[i] - 1}"
                )

    def explain(self, name: str, at: tuple[Expression, ...]) -> Explanation:
        """The explanation of the derivative `name` at integer subscripts."""
        link = self._link_at(name, at)
        pairs = zip(link.subscripts, at, strict=True)
        fixed = {k.name: value for k, value in pairs if isinstance(k, Index)}
        value = float(self._evaluate(Reference(name, at), {}).reshape(()))
        chain = whiteboard(self.derivation, link)
        contributions = [_fixed(c, fixed, self.derivation.names) for c in chain.contributions]
        title = derivative_title(self.derivation.cost, link.tensor, at)
        explanation = self._opened(title, value, contributions)
        if math.isfinite(value) and not math.isfinite(explanation.total):
            contributions = [
                _fixed(c, fixed, self.derivation.names) for c in self._simplified(link)
            ]
            note = (
                "the factors of the chain rule are not finite here: these are the simplified ones"
            )
            return replace(self._opened(title, value, contributions), note=note)
        short = self.derivation[link.tensor].simplified
        if short.value != chain.equation.value:
            simplified = math_text(substitute(short.value, fixed, self.derivation.names))
            return replace(explanation, note=f"simplified: {simplified} = {number_text(value)}")
        return explanation

    def _link_at(self, name: str, at: tuple[Expression, ...]) -> Link:
        """The piece of a derivative that holds the element: the main one, or a start."""
        pieces = [k for k in self.derivation.links if k.name == name]
        starts = [k for k in pieces[1:] if _covers(k, at)]
        return starts[0] if starts else pieces[0]

    def _simplified(self, link: Link) -> list[Contribution]:
        return list(contributions_of(self.derivation[link.tensor].simplified.value))

    def _opened(
        self, title: str, value: float, contributions: Sequence[Contribution]
    ) -> Explanation:
        if len(contributions) == 1:
            return self._summed(title, value, contributions[0])
        return self._alternatives(title, value, contributions)

    def _alternatives(
        self, title: str, value: float, contributions: Sequence[Contribution]
    ) -> Explanation:
        """A derivative to which several equations contribute: a term for each of them."""
        values = [float(self._evaluate(c.expression, {}).reshape(())) for c in contributions]
        formula = " + ".join(_formula(c) for c in contributions) or "0"
        labels = [f"through {c.source}" for c in contributions]

        def term(i: int) -> Term:
            c, amount = contributions[i], values[i]
            if not c.indices:
                return self._product(labels[i], c, magnitude)
            share = abs(amount) / magnitude if magnitude else 0.0
            return Term(
                labels[i],
                amount,
                (),
                share,
                lambda: self._summed(f"{title} {labels[i]}", amount, c),
            )

        magnitude = math.fsum(map(abs, values))
        return _explanation(title, formula, value, np.array(values), term, self.top)

    def _summed(self, title: str, value: float, c: Contribution) -> Explanation:
        """Σ opened by its first index; what is summed over further indices stays a sum."""
        if not c.indices:
            only = replace(self._product("", c, 0.0), share=1.0)
            return Explanation(title, _formula(c), value, (only,), 0.0, 1, abs(only.value))
        opened = self._first_index(c)
        rest = tuple(i for i in c.indices if i != opened)
        whole = {opened: range(self.sizes[opened])}
        inner = Contribution(c.source, c.factors, rest, c.condition)
        values = self._vector(inner, whole)
        exists = self._existing(c, opened, rest)
        places = np.arange(self.sizes[opened])[exists]
        values = values[exists]
        magnitude = math.fsum(np.abs(values).tolist())

        def term(i: int) -> Term:
            at = int(places[i])
            label = f"{opened} = {at}"
            part = _fixed(inner, {opened: Number(at)}, self.derivation.names)
            if not rest:
                return self._product(label, part, magnitude)
            amount = float(values[i])
            share = abs(amount) / magnitude if magnitude else 0.0
            return Term(
                label, amount, (), share, lambda: self._summed(f"{title} ({label})", amount, part)
            )

        return _explanation(title, _formula(c), value, values, term, self.top)

    def _first_index(self, c: Contribution) -> str:
        batch = self.system.batch
        return batch if batch in c.indices and batch is not None else c.indices[0]

    def _vector(self, c: Contribution, whole: Mapping[str, range]) -> Array:
        """The term for every value of the open index, from the factors themselves."""
        (length,) = (len(r) for r in whole.values())
        if c.indices:
            return np.broadcast_to(self._evaluate(c.expression, whole), (length,))
        result = np.ones(length)
        with np.errstate(all="ignore"):
            for f in c.factors:
                result = result * self._evaluate(f.expression, whole)
        return result

    def _existing(self, c: Contribution, opened: str, rest: tuple[str, ...]) -> NDArray[np.bool_]:
        """For which values of the open index the condition leaves any term."""
        length = self.sizes[opened]
        if c.condition is None:
            return np.ones(length, dtype=bool)
        mask: Expression = Bracket(c.condition)
        if rest:
            mask = Reduce("max", rest, None, mask)
        count = self._evaluate(mask, {opened: range(length)})
        return np.broadcast_to(count, (length,)) > 0

    def _product(self, label: str, c: Contribution, magnitude: float) -> Term:
        operands = tuple(self._operand(f) for f in c.factors)
        amount = math.prod(o.value for o in operands)
        if c.condition is not None:
            amount *= float(self._evaluate(Bracket(c.condition), {}).reshape(()))
        return Term(label, amount, operands, abs(amount) / magnitude if magnitude else 0.0)

    def _operand(self, f: Factor) -> Operand:
        value = float(self._evaluate(f.expression, {}).reshape(()))
        e = f.expression
        if isinstance(e, Reference) and e.tensor in {k.name for k in self.derivation.links}:
            at = tuple(self._number(s) for s in e.subscripts)
            if None not in at:
                where = tuple(Number(s) for s in at if s is not None)
                return Operand(operand_text(f), value, lambda: self.explain(e.tensor, where))
        return Operand(operand_text(f), value)

    def _number(self, subscript: Expression) -> int | None:
        """The value of a subscript, or None for a read outside that is 0."""
        if isinstance(subscript, Pad):
            subscript = subscript.subscript
        return int(self._evaluate(subscript, {}).reshape(()))

    def evaluate(self, e: Expression, ranges: Mapping[str, range]) -> tuple[Array, tuple[str, ...]]:
        """An expression of tensors and derivatives on ranges of its free indices."""
        return self._evaluator.value(self._stored(e), ranges)

    def _evaluate(self, e: Expression, ranges: Mapping[str, range]) -> Array:
        return self.evaluate(e, ranges)[0]

    def _stored(self, e: Expression) -> Expression:
        """The expression with derivatives that fusion put into others written out again."""
        if isinstance(e, Reference) and e.tensor not in self.tensors:
            own = self.derivation.unfused(e.tensor)
            put = dict(zip(own.indices, e.subscripts, strict=True))
            return self._stored(substitute(own.value, put, self.derivation.names))
        return e.map(self._stored)


def _covers(link: Link, at: tuple[Expression, ...]) -> bool:
    return all(isinstance(k, Index) or k == v for k, v in zip(link.subscripts, at, strict=True))


def contributions_of(e: Expression) -> Iterable[Contribution]:
    """Any right side read as a sum of products."""
    for part in e.terms if isinstance(e, Add) else (e,):
        indices: tuple[str, ...] = ()
        condition = None
        if isinstance(part, Reduce) and part.operation == "sum":
            indices, condition, part = part.indices, part.condition, part.body
        factors = part.factors if isinstance(part, Multiply) else (part,)
        yield Contribution("", tuple(map(Factor, factors)), indices, condition)


def _fixed(c: Contribution, at: Mapping[str, Expression], names: Names) -> Contribution:
    """The contribution with numbers in the place of some indices."""
    condition = None if c.condition is None else substitute(c.condition, at, names)
    factors = tuple(f.map(lambda e: substitute(e, at, names)) for f in c.factors)
    return Contribution(c.source, factors, c.indices, condition)


def _formula(c: Contribution) -> str:
    product = " · ".join(operand_text(f) for f in c.factors) or "1"
    return f"{sum_sign(c.indices, c.condition)}{product}"


def _explanation(
    title: str,
    formula: str,
    value: float,
    values: Array,
    term: Callable[[int], Term],
    top: int,
) -> Explanation:
    largest = np.argsort(-np.abs(values), kind="stable")
    shown = tuple(term(int(i)) for i in largest[:top])
    rest = math.fsum(values[largest[top:]].tolist())
    magnitude = math.fsum(np.abs(values).tolist())
    return Explanation(title, formula, value, shown, rest, len(values), magnitude)
