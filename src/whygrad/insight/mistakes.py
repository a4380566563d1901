"""What somebody may have got wrong: small changes to an expression, each with its name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..calculus.chain import Contribution, Link
from ..calculus.derivation import Derivation
from ..calculus.partial import Factor
from ..calculus.route import whiteboard
from ..language.expression import (
    MINUS_ONE,
    Add,
    Bracket,
    Compare,
    Expression,
    Index,
    Multiply,
    Number,
    Power,
    Reduce,
    Reference,
    Size,
    add,
    bound,
    multiply,
    negate,
    number,
    power,
)
from ..language.substitution import substitute
from .display import math_text, operand_text
from .why import contributions_of

Scope = frozenset[str]

_LEVELS = 3


@dataclass(frozen=True)
class Edit:
    """A changed expression, and what was wrong with it if that makes it right."""

    value: Expression
    finding: str


class Mistakes:
    """The mistakes that may be made in the derivative of one link."""

    def __init__(self, derivation: Derivation, link: Link) -> None:
        self.derivation = derivation
        self.axes = frozenset(s.name for s in link.subscripts if isinstance(s, Index))
        forms = [whiteboard(derivation, link), link]
        parts = [c for form in forms for c in form.contributions]
        parts += contributions_of(derivation.simplified(link).value)
        self.factors: dict[Expression, str] = {}
        for f in (f for c in (*parts, *_downstream(derivation, link)) for f in c.factors):
            if not isinstance(f.expression, Number) and not _is_size(f.expression):
                self.factors.setdefault(f.expression, operand_text(f))
        self.sums = [s for c in parts for s in _places(c.expression) if isinstance(s, Add)]
        several = [form.contributions for form in forms if len(form.contributions) > 1]
        self.terms = dict.fromkeys(c.expression for cs in several for c in cs)

    def multipliers(self) -> Iterator[tuple[str, Expression]]:
        """What may be missing as a factor of the whole: numbers, sizes, factors of the rule."""
        yield "the sign is wrong", MINUS_ONE
        for e, text in self.factors.items():
            if e.free <= self.axes:
                yield f"{text} is missing", e
        for e, text in self._constants():
            yield f"{text} is missing", e

    def _constants(self) -> Iterator[tuple[Expression, str]]:
        batch = self.derivation.original.batch
        for i in sorted(self.derivation.original.index_names, key=lambda i: (i != batch, i)):
            text = math_text(Size(i))
            yield power(Size(i), MINUS_ONE), f"1/{text} (that is 1/size({i}))"
            yield Size(i), f"{text} (that is size({i}))"
        yield number(2), "the factor 2"
        yield power(number(2), MINUS_ONE), "the factor 1/2"

    def edits(self, e: Expression) -> Iterator[Edit]:
        """Everything that a small mistake may have been, most likely first."""
        yield Edit(negate(e), "the sign is wrong")
        yield from self.factors_too_much(e)
        yield from self._factors_missing(e)
        yield from self._sums_wrong(e)
        yield from self._constants_missing(e)
        yield from self._indices_wrong(e)
        yield from self._signs_wrong(e)
        yield from self._terms_wrong(e)
        yield from self._tensors_wrong(e)
        yield from self._powers_wrong(e)

    def factors_too_much(self, e: Expression) -> Iterator[Edit]:
        """Each factor of each product left out."""
        for node in _places(e):
            if isinstance(node, Multiply):
                for i, f in enumerate(node.factors):
                    if f != MINUS_ONE:
                        rest = multiply(*node.factors[:i], *node.factors[i + 1 :])
                        finding = f"{operand_text(Factor(f))} is too much"
                        yield Edit(_swap(e, node, rest), finding)

    def _factors_missing(self, e: Expression) -> Iterator[Edit]:
        for node, scope in _products(e, self.axes):
            for factor, text in self.factors.items():
                if factor.free <= scope and not bound(factor) & scope:
                    new = _swap(e, node, multiply(node, factor))
                    yield Edit(new, f"{text} is missing")

    def _constants_missing(self, e: Expression) -> Iterator[Edit]:
        """Of the whole, or of one term of a sum."""
        for factor, text in self._constants():
            yield Edit(multiply(factor, e), f"{text} is missing")
        for node in _places(e):
            for term in node.terms if isinstance(node, Add) else ():
                for factor, text in self._constants():
                    new = _swap(e, term, multiply(factor, term))
                    yield Edit(new, f"{text} is missing in the term {math_text(term)}")

    def _sums_wrong(self, e: Expression) -> Iterator[Edit]:
        for node, scope in _scopes(e, self.axes):
            if not isinstance(node, Reduce):
                continue
            if node.operation == "mean":
                plain = Reduce("sum", node.indices, node.condition, node.body)
                finding = f"the mean over {', '.join(node.indices)} should be a sum"
                yield Edit(_swap(e, node, plain), finding)
            if node.operation == "sum":
                for i in node.indices:
                    yield from self._without_sum(e, node, i, scope)

    def _without_sum(self, e: Expression, node: Reduce, index: str, scope: Scope) -> Iterator[Edit]:
        rest = tuple(i for i in node.indices if i != index)
        inner = Reduce("sum", rest, node.condition, node.body) if rest else node.body
        finding = f"the sum over {index} is too much"
        if index not in inner.free:
            yield Edit(_swap(e, node, inner), finding)
            return
        for other in sorted(scope):
            fixed = substitute(inner, {index: Index(other)}, self.derivation.names)
            yield Edit(_swap(e, node, fixed), f"{finding}: {other} belongs where {index} stands")

    def _signs_wrong(self, e: Expression) -> Iterator[Edit]:
        for node in _places(e):
            if isinstance(node, Add):
                for i, t in enumerate(node.terms):
                    terms = [negate(u) if i == j else u for j, u in enumerate(node.terms)]
                    finding = f"the sign of {math_text(t)} in ({math_text(node)}) is wrong"
                    yield Edit(_swap(e, node, add(*terms)), finding)

    def _terms_wrong(self, e: Expression) -> Iterator[Edit]:
        for t in self.terms:
            if not t.free - self.axes:
                yield Edit(add(e, t), f"the term {math_text(t)} is missing")
        for node in _places(e):
            if isinstance(node, Add):
                for i, t in enumerate(node.terms):
                    rest = add(*node.terms[:i], *node.terms[i + 1 :])
                    yield Edit(_swap(e, node, rest), f"the term {math_text(t)} is too much")
            for whole in self.sums:
                if node in whole.terms and node is not e:
                    others = add(*(t for t in whole.terms if t != node))
                    finding = f"the term {math_text(others)} is missing beside {math_text(node)}"
                    yield Edit(_swap(e, node, whole), finding)

    def _indices_wrong(self, e: Expression) -> Iterator[Edit]:
        """Another index in one subscript, or two subscripts exchanged."""
        for node, scope in _references(e, self.axes):
            found: list[Reference] = []
            for i, s in enumerate(node.subscripts):
                for j in range(i):
                    swapped = list(node.subscripts)
                    swapped[i], swapped[j] = swapped[j], swapped[i]
                    found.append(Reference(node.tensor, tuple(swapped)))
                if isinstance(s, Index):
                    for other in sorted(scope - {s.name}):
                        subscripts = list(node.subscripts)
                        subscripts[i] = Index(other)
                        found.append(Reference(node.tensor, tuple(subscripts)))
            for right in found:
                finding = f"a wrong index: {_belongs(right, node)}"
                yield Edit(_swap(e, node, right), finding)
        yield from self._brackets_wrong(e)
        yield from self._factors_wrong(e)

    def _factors_wrong(self, e: Expression) -> Iterator[Edit]:
        """A factor of the same sort as one of the chain rule: the same tensor, or another sum."""
        for node, scope in _scopes(e, self.axes):
            for right in self.factors if isinstance(node, Add | Reference) else ():
                if right.free <= scope and _is_alike(right, node):
                    yield Edit(_swap(e, node, right), _belongs(right, node))

    def _brackets_wrong(self, e: Expression) -> Iterator[Edit]:
        """Another index in a comparison with an index: [k2 == y[n]] for [k == y[n]]."""
        for node, scope in _scopes(e, self.axes):
            if isinstance(node, Bracket) and isinstance(node.condition, Compare):
                c = node.condition
                for one in (c.left, c.right):
                    for other in sorted(scope) if isinstance(one, Index) else ():
                        left = Index(other) if one is c.left else c.left
                        right = Index(other) if one is c.right else c.right
                        new = Bracket(Compare(c.operator, left, right))
                        yield Edit(_swap(e, node, new), f"a wrong index: {_belongs(new, node)}")

    def _tensors_wrong(self, e: Expression) -> Iterator[Edit]:
        """Another tensor, at its own indices or at those that stand there."""
        tensors = self.derivation.system.tensors
        for node, scope in _references(e, self.axes):
            for name, tensor in tensors.items():
                if name == node.tensor or name == self.derivation.cost:
                    continue
                found: dict[Expression, None] = {}
                if scope >= set(tensor.indices):
                    found[Reference(name, tuple(map(Index, tensor.indices)))] = None
                if len(tensor.indices) == len(node.subscripts):
                    found[Reference(name, node.subscripts)] = None
                for right in found:
                    yield Edit(_swap(e, node, right), _belongs(right, node))
        for name in dict.fromkeys(node.tensor for node, _ in _references(e, self.axes)):
            for other in tensors:
                if other != name and tensors[other].indices == tensors[name].indices:
                    yield Edit(_renamed(e, name, other), f"{other} belongs where {name} stands")

    def _powers_wrong(self, e: Expression) -> Iterator[Edit]:
        """A square for the thing itself, or the other way round."""
        for node in _places(e):
            right: Expression | None = None
            if isinstance(node, Reference):
                right = power(node, number(2))
            elif isinstance(node, Power) and node.exponent == number(2):
                right = node.base
            if right is not None:
                yield Edit(_swap(e, node, right), _belongs(right, node))


def _downstream(derivation: Derivation, link: Link) -> Iterator[Contribution]:
    """The links on the way to the cost: who writes δz1 out may forget a factor of it."""
    sources = {c.source for c in link.contributions}
    for _ in range(_LEVELS):
        above = [k for k in derivation.links if k.tensor in sources]
        contributions = [c for k in above for c in whiteboard(derivation, k).contributions]
        yield from contributions
        sources = {c.source for k in above for c in k.contributions}


def _is_size(e: Expression) -> bool:
    """Whether it is made of sizes alone, such as 1/N."""
    return not e.free and not any(isinstance(n, Reference | Index) for n in _places(e))


def _is_alike(right: Expression, wrong: Expression) -> bool:
    if isinstance(right, Reference) and isinstance(wrong, Reference):
        return right.tensor == wrong.tensor and right != wrong
    return isinstance(right, Add) and isinstance(wrong, Add) and right != wrong


def _belongs(right: Expression, wrong: Expression) -> str:
    return f"{math_text(right)} belongs where {math_text(wrong)} stands"


def _scopes(e: Expression, scope: Scope) -> Iterator[tuple[Expression, Scope]]:
    """Every node with the indices that may be used there."""
    yield e, scope
    if isinstance(e, Reduce):
        scope = scope | frozenset(e.indices)
    for child in e.children:
        yield from _scopes(child, scope)


def _references(e: Expression, scope: Scope) -> Iterator[tuple[Reference, Scope]]:
    return ((n, s) for n, s in _scopes(e, scope) if isinstance(n, Reference))


def _products(e: Expression, scope: Scope) -> Iterator[tuple[Expression, Scope]]:
    """Where a factor can be put: the whole, what is summed, and each term of a sum."""
    yield e, scope
    for node, inner in _scopes(e, scope):
        if isinstance(node, Reduce):
            yield node.body, inner | frozenset(node.indices)
        elif isinstance(node, Add):
            yield from ((t, inner) for t in node.terms)


def _places(e: Expression) -> Iterator[Expression]:
    """Every node outside subscripts and conditions."""
    yield e
    if not isinstance(e, Reference | Bracket):
        for child in e.children:
            if child is not getattr(e, "condition", None):
                yield from _places(child)


def _swap(e: Expression, old: Expression, new: Expression) -> Expression:
    """The expression with one node exchanged."""
    if e is old:
        return new
    return e.map(lambda child: _swap(child, old, new))


def _renamed(e: Expression, old: str, new: str) -> Expression:
    """The expression with one tensor read in the place of another."""
    if isinstance(e, Reference) and e.tensor == old:
        return Reference(new, e.subscripts)
    return e.map(lambda child: _renamed(child, old, new))
