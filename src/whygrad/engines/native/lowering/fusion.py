"""Equations over the same indices join one nest, so that a value is used where it is computed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeGuard

from ....language.expression import Expression, Index, Multiply, Reduce, Reference
from ....language.system import Equation
from ..plan import Assign, Loop, Nest, Part, Scatter
from .pieces import Piece, Steps, members, reads


def fused(
    pieces: Sequence[Piece | Steps], kept: Collection[str] = (), loop: str | None = None
) -> tuple[Part, ...]:
    """The parts of a plan, each piece as early as it may join a nest.

    The pieces stand in an order in which they may run. `kept` are the tensors that are there
    from the start, and `loop` is the index of the loop in which the pieces stand.
    """
    fusion = _Fusion(loop)
    for piece in _scalars_first(pieces, kept):
        fusion.place(piece)
    return tuple(part.finished() if isinstance(part, _Open) else part for part in fusion.parts)


def _scalars_first(pieces: Sequence[Piece | Steps], kept: Collection[str]) -> list[Piece | Steps]:
    """Numbers that need no more than is there, such as 1/N, come first: nothing waits for them."""
    waiting = {p.name for p in members(pieces)} - set(kept)
    first: list[Piece | Steps] = []
    rest: list[Piece | Steps] = []
    for piece in pieces:
        if _is_number(piece, kept) and waiting.isdisjoint(r.tensor for r in reads(piece)):
            waiting.discard(piece.name)
            first.append(piece)
        else:
            rest.append(piece)
    return first + rest


def _is_number(piece: Piece | Steps, kept: Collection[str]) -> TypeGuard[Equation]:
    return (
        isinstance(piece, Equation)
        and not piece.subscripts
        and not isinstance(piece.value, Reduce)
        and piece.name not in kept
    )


@dataclass
class _Open:
    """A nest that may still grow."""

    indices: frozenset[str]
    loop: str | None
    steps: list[Assign] = field(default_factory=list)
    written: dict[str, tuple[Expression, ...]] = field(default_factory=dict)
    read: dict[str, list[Reference]] = field(default_factory=dict)
    reduced: tuple[str, ...] | None = None
    contracts: bool = False

    def takes(self, equation: Equation, needs: Iterable[Reference]) -> bool:
        """Whether the equation may be a further step."""
        if isinstance(equation.value, Reduce) and self.reduced is not None:
            if self.contracts or _is_contraction(equation.value, self.indices):
                return False
            if frozenset(self.reduced) != frozenset(equation.value.indices):
                return False
        later = ((r, self.written[r.tensor]) for r in needs if r.tensor in self.written)
        earlier = ((r, equation.subscripts) for r in self.read.get(equation.name, ()))
        return all(self._is_fine(r, place) for r, place in (*later, *earlier))

    def _is_fine(self, reference: Reference, written: tuple[Expression, ...]) -> bool:
        """Whether it reads the very place that is written, or one of another step of the loop."""
        if self.loop is not None and Index(self.loop) in written:
            step = reference.subscripts[written.index(Index(self.loop))]
            return step != Index(self.loop) or reference.subscripts == written
        return reference.subscripts == written

    def add(self, equation: Equation, needs: Iterable[Reference]) -> None:
        """Make the equation the last step."""
        value = equation.value
        self.steps.append(Assign(equation.name, equation.subscripts, value))
        self.written[equation.name] = equation.subscripts
        for r in needs:
            self.read.setdefault(r.tensor, []).append(r)
        if isinstance(value, Reduce):
            self.reduced = self.reduced or value.indices
            self.contracts = self.contracts or _is_contraction(value, self.indices)

    def finished(self) -> Nest:
        """The nest, its indices in the order of the tensor with the reduction."""
        first = next((s for s in self.steps if isinstance(s.value, Reduce)), self.steps[0])
        names = [s.name for s in first.subscripts if isinstance(s, Index)]
        return Nest(tuple(n for n in names if n != self.loop), tuple(self.steps))


class _Fusion:
    """Places pieces; `written` and `read` say in which part each tensor was last."""

    def __init__(self, loop: str | None) -> None:
        self.loop = loop
        self.parts: list[_Open | Part] = []
        self.written: dict[str, int] = {}
        self.read: dict[str, int] = {}
        self.nests: dict[frozenset[str], list[int]] = {}

    def place(self, piece: Piece | Steps) -> None:
        """Put a piece into the first part where it may stand."""
        own = list(members([piece]))
        needs = [r for p in own for r in reads(p)]
        if isinstance(piece, Equation):
            at = self._place_equation(piece, needs)
        else:
            at = len(self.parts)
            self.parts.append(self._part(piece))
        for r in needs:
            self.read[r.tensor] = max(at, self.read.get(r.tensor, 0))
        for p in own:
            self.written[p.name] = max(at, self.written.get(p.name, 0))

    def _place_equation(self, equation: Equation, needs: Sequence[Reference]) -> int:
        indices = frozenset(equation.indices) - {self.loop}
        first = max(
            [self.written.get(r.tensor, 0) for r in needs] + [self.read.get(equation.name, 0)],
            default=0,
        )
        for at in self.nests.setdefault(indices, []):
            nest = self.parts[at]
            if at >= first and isinstance(nest, _Open) and nest.takes(equation, needs):
                nest.add(equation, needs)
                return at
        nest = _Open(indices, self.loop)
        nest.add(equation, needs)
        self.nests[indices].append(len(self.parts))
        self.parts.append(nest)
        return len(self.parts) - 1

    def _part(self, piece: Scatter | Steps) -> Part:
        if isinstance(piece, Scatter):
            return piece
        return Loop(piece.index, piece.direction, fused(piece.pieces, loop=piece.index))


def _is_contraction(e: Expression, indices: frozenset[str]) -> bool:
    """Whether it is the sum of a product of tensors over different indices."""
    if not isinstance(e, Reduce) or e.operation != "sum" or not isinstance(e.body, Multiply):
        return False
    space = indices.union(e.indices)
    return any(f.free < space for f in e.body.factors)
