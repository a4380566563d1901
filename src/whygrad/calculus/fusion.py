"""Put one simplified derivative into another where the result is not larger.

This is what turns softmax with cross-entropy into `yhat - [k == y[n]]`: the
derivative of the cost with respect to yhat disappears into that of z.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..language.expression import (
    Add,
    Compare,
    Expression,
    Index,
    Multiply,
    Number,
    Pad,
    Power,
    Reduce,
    Reference,
    Where,
    references,
    walk,
)
from ..language.substitution import Names, substitute
from ..language.system import Equation, System
from .chain import without_capture
from .simplify import Simplifier, node_count


def fused(
    equations: Sequence[Equation],
    keep: Iterable[str],
    forward: System,
    simplify: Simplifier,
    names: Names,
) -> tuple[Equation, ...]:
    """The derivatives, given from the cost upstream, with those put in that pay.

    Those in `keep` stay whatever happens. `forward` is the system they derive.
    """
    return _Fusion(equations, frozenset(keep), forward, simplify, names).run()


class _Fusion:
    def __init__(
        self,
        equations: Sequence[Equation],
        keep: frozenset[str],
        forward: System,
        simplify: Simplifier,
        names: Names,
    ) -> None:
        self.left: dict[int, Equation] = dict(enumerate(equations))
        self.forward = forward
        self.simplify = simplify
        self.names = names
        self.readers: dict[str, set[int]] = {}
        pieces: dict[str, int] = {}
        for place, e in self.left.items():
            pieces[e.name] = pieces.get(e.name, 0) + 1
            self._note(place, e)
        self.movable = {n for n, count in pieces.items() if count == 1} - keep

    def _note(self, place: int, e: Equation) -> None:
        for r in references(e.value):
            self.readers.setdefault(r.tensor, set()).add(place)

    def run(self) -> tuple[Equation, ...]:
        for place in list(self.left):
            part = self.left[place]
            users = [p for p in self.readers.get(part.name, ()) if p in self.left]
            if part.name not in self.movable or len(users) != 1 or users[0] == place:
                continue
            merged = self._merged(self.left[users[0]], part)
            if merged is not None:
                del self.left[place]
                self.left[users[0]] = merged
                self._note(users[0], merged)
        return tuple(self.left.values())

    def _merged(self, user: Equation, part: Equation) -> Equation | None:
        """The user with the part in it, or None where that is larger."""
        reads = [r for r in references(user.value) if r.tensor == part.name]
        constant = not any(references(part.value))
        if not all(_is_plain(r, constant) for r in reads):
            return None
        whole = without_capture(_put(user.value, part, self.names), user.indices, self.names)
        forms = {self.simplify(e): None for e in (whole, self._written_out(whole, user))}
        short = min(forms, key=node_count)
        limit = node_count(user.value)
        if not _is_summed(user.value, part.name):
            limit += node_count(part.value)
        return replace(user, value=short) if node_count(short) <= limit else None

    def _written_out(self, e: Expression, user: Equation) -> Expression:
        """The tensors in its denominators written out, so that they may cancel.

        With `q[n] = 1 - p[n]` this lets `p[n] * (1 - p[n]) / q[n]` become `p[n]`.
        """
        below = [n.base for n in walk(e) if isinstance(n, Power) and _is_negative(n)]
        for tensor in sorted({r.tensor for b in below for r in references(b)}):
            definition = self._transparent(tensor)
            if definition is not None:
                e = _put(e, definition, self.names)
        return without_capture(e, user.indices, self.names)

    def _transparent(self, tensor: str) -> Equation | None:
        """The equation of a tensor that is plain arithmetic on others, element by element."""
        equations = self.forward.definitions.get(tensor, ())
        if len(equations) != 1:
            return None
        value = self.simplify(equations[0].value)
        plain = (Add, Multiply, Power, Reference, Number, Index, Where, Compare)
        if not all(isinstance(n, plain) for n in walk(value)):
            return None
        return replace(equations[0], value=value)


def _is_negative(e: Power) -> bool:
    return isinstance(e.exponent, Number) and e.exponent.value < 0


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
