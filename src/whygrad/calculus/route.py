"""Links put together for reading.

The derivation stores one link for each tensor. A reader follows more than one
at a time: ∂J/∂w2 all the way from the cost, or δz1 from δz2 without stopping
at the activation between them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..language.expression import Call, Expression, Index, Pad, Reference, bound, conjunction
from ..language.substitution import substitute
from .chain import Contribution, Link, without_capture

if TYPE_CHECKING:
    from .derivation import Derivation


def whiteboard(derivation: Derivation, link: Link) -> Link:
    """The link as it is written on a whiteboard.

    Where the tensor goes into an activation a = f(z), the derivative of a is
    not stopped at: δz1 = Σ δz2 · w2 · f'(z1).
    """
    return replace(
        link,
        contributions=tuple(
            _through(derivation, c) or c if is_activation(derivation, c.source) else c
            for c in link.contributions
        ),
    )


def is_activation(derivation: Derivation, tensor: str) -> bool:
    """Whether the tensor is an elementwise function of other tensors."""
    equations = derivation.named.definitions.get(tensor, ())
    return (
        len(equations) == 1
        and isinstance(equations[0].value, Call)
        and all(isinstance(a, Reference) for a in equations[0].value.arguments)
    )


def route(derivation: Derivation, link: Link) -> Link:
    """The derivative from that of the output on, through every link that has one contribution.

    How ∂J/∂ŷ comes about depends on the cost alone, so there it ends.
    """
    contributions = []
    for c in link.contributions:
        seen = {link.tensor}
        while c.source not in seen and (longer := _through(derivation, c)):
            seen.add(c.source)
            c = longer
        contributions.append(c)
    return replace(link, contributions=tuple(contributions))


def _through(derivation: Derivation, c: Contribution) -> Contribution | None:
    """The contribution one link further towards the cost, if that link has one contribution."""
    upper = [k for k in derivation.links if k.tensor == c.source]
    if len(upper) != 1 or len(upper[0].contributions) != 1:
        return None
    (first, *local) = c.factors
    assert isinstance(first.expression, Reference)
    if any(isinstance(s, Pad) for s in first.expression.subscripts):
        return None
    names = derivation.names
    put = dict(zip(_indices(upper[0]), first.expression.subscripts, strict=True))
    inner = upper[0].contributions[0]
    if inner.source == derivation.cost:
        return None
    used = set(c.indices).union(*(f.expression.free | bound(f.expression) for f in c.factors))
    renamed: dict[str, Expression] = {}
    new_indices: list[str] = []
    for i in inner.indices:
        new = names.fresh(i, used) if i in used else i
        used.add(new)
        new_indices.append(new)
        renamed[i] = Index(new)

    def moved(e: Expression) -> Expression:
        return substitute(substitute(e, renamed, names), put, names)

    indices = (*new_indices, *c.indices)
    factors = [f.map(moved) for f in inner.factors] + local
    conditions = [moved(inner.condition)] if inner.condition is not None else []
    conditions += [c.condition] if c.condition is not None else []
    return Contribution(
        inner.source,
        tuple(f.map(lambda e: without_capture(e, indices, names)) for f in factors),
        indices,
        conjunction(conditions),
    )


def _indices(link: Link) -> tuple[str, ...]:
    return tuple(s.name for s in link.subscripts if isinstance(s, Index))
