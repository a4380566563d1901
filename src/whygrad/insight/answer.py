"""The derivative that somebody wrote: read, checked, and under the names of the derived one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..calculus.chain import Link
from ..calculus.derivation import Derivation
from ..errors import LanguageError, WhygradError, nearest
from ..language.checking import check_equation
from ..language.expression import Add, Expression, Index, Reduce, Reference, add, references, walk
from ..language.parsing import parse_equation
from ..language.scanning import normalise
from ..language.substitution import fill, substitute
from ..language.system import Equation, System


@dataclass(frozen=True)
class Answer:
    """The right side of an attempt at a link, over the link's own indices.

    `loose` are indices that nothing binds, which is how a forgotten sum shows:
    in `value` that sum is put in, in `bare` it is not.
    """

    link: Link
    value: Expression
    bare: Expression
    loose: tuple[str, ...]

    @property
    def axes(self) -> tuple[str, ...]:
        """The indices of the left side."""
        return tuple(s.name for s in self.link.subscripts if isinstance(s, Index))


def read_answer(text: str, derivation: Derivation) -> Answer:
    """Read an equation for a derivative of the network.

    Raises LanguageError, with a caret, for what is no such equation.
    """
    if not isinstance(text, str):
        raise WhygradError(f"an attempt is a text such as 'δw = δz * x', not {text!r}")
    source = normalise(text)
    equation = parse_equation(text, derivation.named.tensors)
    link = _link(equation, derivation, source)
    loose = _loose(equation, derivation)
    bare = fill(equation.value, {i: Index(i) for i in loose})
    value = _with_sums(bare, loose)
    whole = System(derivation.system.statements, source)
    check_equation(whole, replace(equation, value=value))
    for r in references(value):
        if (r.tensor, r.subscripts) == (equation.name, equation.subscripts):
            message = f"{r} stands on both sides"
            raise LanguageError(message, span=r.span or equation.span, source=source)
    own = [s.name for s in link.subscripts if isinstance(s, Index)]
    pairs = zip(equation.indices, own, strict=True)
    put: dict[str, Expression] = {a: Index(b) for a, b in pairs if a != b}

    def named(e: Expression) -> Expression:
        return _adopted(substitute(e, put, derivation.names), frozenset(own), derivation)

    return Answer(link, named(value), named(bare), loose)


def _link(equation: Equation, derivation: Derivation, source: str) -> Link:
    """The link that the left side names, its indices in their order."""

    def fault(message: str, hint: str = "") -> LanguageError:
        return LanguageError(message, span=equation.span, source=source, hint=hint)

    name = equation.name
    pieces = [k for k in derivation.links if k.name == name]
    if not pieces:
        mark = derivation.mark
        if any(k.tensor == name for k in derivation.links):
            hint = f"its derivative is {mark}{name}"
            raise fault(f"{name} is a tensor, not a derivative", hint)
        hint = nearest(name, {k.name for k in derivation.links})
        raise fault(f"{name} is no derivative of this network", hint)
    names, copies = derivation.original.index_names, derivation.names.copies

    def fits(given: Expression, own: Expression) -> bool:
        """The index itself, one of the same size by definition, or a name that means nothing."""
        if not (isinstance(given, Index) and isinstance(own, Index)):
            return given == own
        a, b = given.name, own.name
        return copies.get(a, a) == copies.get(b, b) or a not in names

    for link in pieces:
        pairs = zip(equation.subscripts, link.subscripts, strict=False)
        if len(equation.subscripts) == len(link.subscripts) and all(fits(*p) for p in pairs):
            return link
    left = " or ".join(str(Reference(k.name, k.subscripts)) for k in pieces)
    raise fault(f"the left side is {left}, its indices in this order")


def _loose(equation: Equation, derivation: Derivation) -> tuple[str, ...]:
    """The indices that nothing binds: the parser, which knows none, took them for scalars."""
    known = derivation.named
    scalars = {t.name for t in known.tensors.values() if not t.indices}
    found: dict[str, None] = {}
    for r in references(equation.value):
        for s in r.subscripts:
            inner = (n for n in walk(s) if isinstance(n, Reference) and not n.subscripts)
            found.update(dict.fromkeys(n.tensor for n in inner))
    return tuple(i for i in found if i in known.index_names and i not in scalars)


def _with_sums(e: Expression, loose: tuple[str, ...]) -> Expression:
    """The expression with a sum around each term in which an index is loose."""
    if not loose:
        return e
    summed: list[Expression] = []
    for term in e.terms if isinstance(e, Add) else (e,):
        own = tuple(i for i in loose if i in term.free)
        summed.append(Reduce("sum", own, None, term) if own else term)
    return add(*summed)


def _adopted(e: Expression, scope: frozenset[str], derivation: Derivation) -> Expression:
    """The same expression, its summed indices under the names that the network has for them."""
    if isinstance(e, Reduce):
        known = derivation.named.index_names | derivation.names.copies.keys()
        for i in e.indices:
            axis = next(_axes_read(e, i, derivation), None)
            if i not in known and axis is not None:
                new = derivation.names.fresh(axis, scope | set(e.indices) | e.body.free)
                e = _renamed(e, i, new, derivation)
        scope = scope | frozenset(e.indices)
    return e.map(lambda child: _adopted(child, scope, derivation))


def _renamed(e: Reduce, old: str, new: str, derivation: Derivation) -> Reduce:
    put: dict[str, Expression] = {old: Index(new)}
    names = derivation.names
    condition = None if e.condition is None else substitute(e.condition, put, names)
    indices = tuple(new if i == old else i for i in e.indices)
    return Reduce(e.operation, indices, condition, substitute(e.body, put, names))


def _axes_read(e: Expression, index: str, derivation: Derivation) -> Iterator[str]:
    """The axes that are read by just this index."""
    tensors = derivation.system.tensors
    for r in references(e):
        if r.tensor in tensors:
            axes = tensors[r.tensor].indices
            for s, axis in zip(r.subscripts, axes, strict=False):
                if s == Index(index):
                    yield axis
