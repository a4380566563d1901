"""Put one simplified derivative into another where the result is not larger.

This is what turns softmax with cross-entropy into `yhat - [k == y[n]]`: the
derivative of the cost with respect to yhat disappears into that of z.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..language.expression import (
    Expression,
    Index,
    Names,
    Pad,
    Reduce,
    Reference,
    references,
    substitute,
    walk,
)
from ..language.system import Equation
from .chain import without_capture
from .simplify import Simplifier, node_count


def fused(
    equations: Sequence[Equation], keep: Iterable[str], simplify: Simplifier, names: Names
) -> tuple[Equation, ...]:
    """The derivatives, given from the cost upstream, with those put in that pay.

    Those in `keep` stay whatever happens.
    """
    kept = set(keep)
    left = list(equations)
    readers: dict[str, list[int]] = {}
    pieces: dict[str, int] = {}
    for place, e in enumerate(left):
        pieces[e.name] = pieces.get(e.name, 0) + 1
        for tensor in {r.tensor for r in references(e.value)}:
            readers.setdefault(tensor, []).append(place)
    gone: set[int] = set()
    for place, e in enumerate(left):
        e = left[place]
        users = [p for p in readers.get(e.name, ()) if p not in gone]
        if e.name in kept or pieces[e.name] > 1 or len(users) != 1 or users[0] == place:
            continue
        merged = _merged(left[users[0]], e, simplify, names)
        if merged is None:
            continue
        left[users[0]] = merged
        gone.add(place)
        for tensor in {r.tensor for r in references(e.value)}:
            if users[0] not in readers[tensor]:
                readers[tensor].append(users[0])
    return tuple(e for place, e in enumerate(left) if place not in gone)


def _merged(user: Equation, part: Equation, simplify: Simplifier, names: Names) -> Equation | None:
    reads = [r for r in references(user.value) if r.tensor == part.name]
    constant = not any(references(part.value))
    if not all(_is_plain(r, constant) for r in reads):
        return None
    value = without_capture(_put(user.value, part, names), user.indices, names)
    candidate = simplify(value)
    limit = node_count(user.value)
    if not _is_summed(user.value, part.name):
        limit += node_count(part.value)
    return replace(user, value=candidate) if node_count(candidate) <= limit else None


def _is_plain(r: Reference, constant: bool) -> bool:
    if constant:
        return not any(isinstance(s, Pad) for s in r.subscripts)
    return all(isinstance(s, Index) for s in r.subscripts)


def _is_summed(e: Expression, tensor: str) -> bool:
    return any(
        isinstance(node, Reduce) and any(r.tensor == tensor for r in references(node))
        for node in walk(e)
    )


def _put(e: Expression, part: Equation, names: Names) -> Expression:
    if isinstance(e, Reference) and e.tensor == part.name:
        return substitute(part.value, dict(zip(part.indices, e.subscripts, strict=True)), names)
    return e.map(lambda child: _put(child, part, names))
