"""Putting expressions in the place of indices and scalars, and fresh names for bound indices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .expression import (
    Bracket,
    Call,
    Expression,
    Index,
    Reduce,
    Reference,
    Softmax,
    bound,
    multiply,
    subtract,
)


class Names:
    """Hands out index names; a copy `k2` of `k` has the size of `k`.

    `copies` maps each name that was handed out to the index it copies, for
    the whole system; a name is reused from equation to equation. `explicit`
    are the indices whose size may be smaller than the axes that they read.
    """

    def __init__(
        self,
        taken: Iterable[str],
        copies: Mapping[str, str] | None = None,
        explicit: Iterable[str] = (),
    ) -> None:
        self.taken = set(taken)
        self.copies = dict(copies or {})
        self.explicit = frozenset(explicit)

    def same_size(self, one: str, other: str) -> bool:
        """Whether the two indices surely take the same values."""
        one, other = self.copies.get(one, one), self.copies.get(other, other)
        return one == other or not ({one, other} & self.explicit)

    def fresh(self, index: str, avoid: Iterable[str]) -> str:
        """A copy of `index` that is not in `avoid`."""
        avoid = set(avoid)
        original = self.copies.get(index, index)
        if original not in avoid:
            return original
        count = 2
        while True:
            name = f"{original}{count}"
            if name not in avoid and self.copies.get(name) == original:
                return name
            if name not in avoid and name not in self.taken:
                self.taken.add(name)
                self.copies[name] = original
                return name
            count += 1


def substitute(e: Expression, values: Mapping[str, Expression], names: Names) -> Expression:
    """Put expressions in the place of free indices, renaming bound ones that would capture."""
    values = {k: v for k, v in values.items() if k in e.free and v != Index(k)}
    if not values:
        return e
    if isinstance(e, Index):
        return values[e.name]
    if isinstance(e, Reduce):
        e = _rename_captured(e, values, names)
        return e.map(lambda child: substitute(child, values, names))
    if isinstance(e, Softmax):
        return _substitute_softmax(e, values, names)
    return e.map(lambda child: substitute(child, values, names))


def fill(e: Expression, values: Mapping[str, Expression]) -> Expression:
    """Put expressions in the place of scalars, as in a formula of `functions`."""
    if isinstance(e, Reference) and not e.subscripts and e.tensor in values:
        return values[e.tensor]
    return e.map(lambda child: fill(child, values))


def _rename_captured(e: Reduce, values: Mapping[str, Expression], names: Names) -> Reduce:
    incoming = frozenset[str]().union(*(v.free for v in values.values()))
    clash = [i for i in e.indices if i in incoming]
    if not clash:
        return e
    avoid = set(incoming | e.body.free | bound(e.body) | set(e.indices))
    if e.condition is not None:
        avoid |= e.condition.free
    return rename_bound(e, clash, names, avoid)


def rename_bound(e: Reduce, which: Iterable[str], names: Names, avoid: Iterable[str]) -> Reduce:
    """The same reduction with some of its indices under fresh names."""
    avoid = set(avoid)
    renaming: dict[str, Expression] = {}
    for i in which:
        new = names.fresh(i, avoid)
        avoid.add(new)
        renaming[i] = Index(new)
    indices = tuple(r.name if isinstance(r := renaming.get(i), Index) else i for i in e.indices)
    condition = None if e.condition is None else substitute(e.condition, renaming, names)
    return Reduce(e.operation, indices, condition, substitute(e.body, renaming, names)).at(e.span)


def _substitute_softmax(e: Softmax, values: Mapping[str, Expression], names: Names) -> Expression:
    """A softmax whose own index becomes a value is written out: exp(body - logsumexp)."""
    own = {i: values[i] for i in e.indices if i in values}
    rest = {i: v for i, v in values.items() if i not in own}
    incoming = frozenset[str]().union(*(v.free for v in rest.values()))
    renamed_to = frozenset[str]().union(*(v.free for v in own.values()))
    same = all(isinstance(v, Index) and names.same_size(i, v.name) for i, v in own.items())
    captured = (incoming & (renamed_to | frozenset(e.indices))) | (renamed_to & e.free)
    if same and not captured:
        renamed = tuple(v.name if isinstance(v := own.get(i), Index) else i for i in e.indices)
        everything = {**rest, **own}
        condition = e.condition and substitute(e.condition, everything, names)
        return Softmax(renamed, condition, substitute(e.body, everything, names)).at(e.span)
    total = Reduce("logsumexp", e.indices, e.condition, e.body)
    written = Call("exp", (subtract(e.body, total),))
    if e.condition is not None:
        return substitute(multiply(Bracket(e.condition), written), values, names)
    return substitute(written, values, names)
