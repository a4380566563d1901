"""The chain rule: from a system to one link for each derivative.

Going from the cost upstream, each reference t[φ(I,R)] in an equation u[I] = ...
adds one contribution to the derivative of t:

    δt[K] += Σ over (I,R) with φ(I,R) = K of  δu[I] · ∂u/∂t

Dense layers, convolutions, attention, recurrences and embeddings differ in φ
alone; nothing here knows of layers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..language.expression import (
    ONE,
    ZERO,
    Add,
    Bracket,
    Compare,
    Expression,
    Index,
    Pad,
    Reduce,
    Reference,
    Size,
    add,
    bound,
    conjunction,
    multiply,
    subtract,
)
from ..language.order import order
from ..language.substitution import Names, rename_bound, substitute
from ..language.system import Equation, System
from .linear import at_least_zero, below_size, expression, linear, solve
from .partial import Factor, Partial, partials


@dataclass(frozen=True, slots=True)
class Contribution:
    """One product of a link: Σ over `indices` where `condition` of the factors.

    `source` names the tensor u whose derivative is handed on. Its δ is the
    first factor, unless u is the cost: ∂J/∂J = 1 is left out.
    """

    source: str
    factors: tuple[Factor, ...]
    indices: tuple[str, ...] = ()
    condition: Expression | None = None

    @property
    def expression(self) -> Expression:
        """The contribution as an expression of the language."""
        product = multiply(*(f.expression for f in self.factors))
        return Reduce("sum", self.indices, self.condition, product) if self.indices else product


@dataclass(frozen=True, slots=True)
class Link:
    """The derivative of one tensor (or of one start of it) from those further down."""

    tensor: str
    name: str
    subscripts: tuple[Expression, ...]
    contributions: tuple[Contribution, ...]

    @property
    def equation(self) -> Equation:
        """`δt[K] = ` the sum of the contributions."""
        value = add(*(c.expression for c in self.contributions)) if self.contributions else ZERO
        return Equation(self.name, self.subscripts, value)


def prefix(system: System) -> str:
    """What a derivative's name begins with: δ, and one more than any name has so far."""
    longest = max((len(n) - len(n.lstrip("δ")) for n in system.tensors), default=0)
    return "δ" * (longest + 1)


def affected(system: System, wanted: Iterable[str]) -> frozenset[str]:
    """The wanted tensors and those computed from them."""
    readers: dict[str, set[str]] = {}
    for e in system.equations:
        for tensor in _read(e.value):
            readers.setdefault(tensor, set()).add(e.name)
    return _closure(wanted, readers)


def upstream(system: System, name: str) -> frozenset[str]:
    """The tensor and everything that it is computed from."""
    reads: dict[str, set[str]] = {}
    for e in system.equations:
        reads.setdefault(e.name, set()).update(_read(e.value))
    return _closure((name,), reads)


def _read(e: Expression) -> set[str]:
    found = {e.tensor} if isinstance(e, Reference) else set()
    for child in e.children:
        found |= _read(child)
    return found


def _closure(start: Iterable[str], edges: dict[str, set[str]]) -> frozenset[str]:
    seen = set(start)
    todo = list(seen)
    while todo:
        for other in edges.get(todo.pop(), ()):
            if other not in seen:
                seen.add(other)
                todo.append(other)
    return frozenset(seen)


def links(
    system: System, cost: str, wanted: Sequence[str], names: Names, mark: str
) -> tuple[Link, ...]:
    """A link for each wanted tensor and each tensor between it and the cost, from the cost up.

    The parts of the system must have names (see `naming`).
    """
    inner = affected(system, wanted) & upstream(system, cost)
    targets = (inner | set(wanted)) - {cost}
    found: dict[str, dict[tuple[Expression, ...], list[Contribution]]] = {}
    for t in targets:
        found[t] = {piece: [] for piece in _pieces(system, t)}
    ordered = [e for group in order(system) for e in group.equations]
    for equation in reversed(ordered):
        if equation.name not in inner:
            continue
        for partial in partials(equation, names):
            for piece, contributions in found.get(partial.reference.tensor, {}).items():
                stepped = _stepped(system, equation)
                transposed = _Transposition(equation, partial, piece, stepped, names)
                contributions += transposed.contribution(cost, mark)
    downstream_first = dict.fromkeys(e.name for e in reversed(ordered) if e.name in targets)
    return tuple(
        Link(t, mark + t, piece, tuple(contributions))
        for t in (*downstream_first, *(w for w in wanted if w not in downstream_first))
        if t in found
        for piece, contributions in found[t].items()
    )


def _pieces(system: System, tensor: str) -> list[tuple[Expression, ...]]:
    """The left sides under which the derivative of a tensor is written."""
    if tensor in system.definitions:
        return [e.subscripts for e in system.definitions[tensor]]
    return [tuple(Index(i) for i in system.tensors[tensor].indices)]


def _stepped(system: System, equation: Equation) -> frozenset[str]:
    """The indices along which the equation's tensor has starts."""
    main, *starts = system.definitions[equation.name]
    return frozenset(
        i.name
        for start in starts
        for i, s in zip(main.subscripts, start.subscripts, strict=True)
        if isinstance(i, Index) and not isinstance(s, Index)
    )


class _Transposition:
    """Turns φ(I,R) = K around: which (I,R) reach the element K of the target."""

    def __init__(
        self,
        equation: Equation,
        partial: Partial,
        piece: tuple[Expression, ...],
        stepped: frozenset[str],
        names: Names,
    ) -> None:
        self.names = names
        self.partial = partial
        self.piece = piece
        fixed = frozenset[str]().union(*(k.free for k in piece))
        loose = (*equation.indices, *partial.indices)
        avoid = set(loose) | fixed
        self.renamed: dict[str, Expression] = {}
        for i in loose:
            if i in fixed:
                new = names.fresh(i, avoid)
                avoid.add(new)
                self.renamed[i] = Index(new)
        self.loose = [r.name if isinstance(r := self.renamed.get(i), Index) else i for i in loose]
        self.stepped = {
            r.name if isinstance(r := self.renamed.get(i), Index) else i for i in stepped
        }
        self.left = frozenset(self.loose[: len(equation.indices)])
        self.own = Reference(equation.name, equation.subscripts)
        self.solved: dict[str, Expression] = {}
        self.guarded: set[str] = set()
        self.conditions: list[Expression] = []
        self.possible = True

    def contribution(self, cost: str, mark: str) -> tuple[Contribution, ...]:
        """The one contribution of the reference, or none where it can never reach the target."""
        self._solve()
        factors = self.partial.factors
        if self.own.tensor != cost:
            factors = (Factor(Reference(mark + self.own.tensor, self.own.subscripts)), *factors)
        given = [self._rename(c) for c in self.partial.conditions]
        conditions = [c for c in map(self._moved, self.conditions + given) if self._is_open(c)]
        if not self.possible:
            return ()
        rest = tuple(i for i in self.loose if i not in self.solved)
        moved = tuple(self._factor(f, rest) for f in factors)
        if rest:
            condition = conjunction(conditions)
            return (self._tidied(Contribution(self.own.tensor, moved, rest, condition)),)
        brackets = tuple(Factor(Bracket(_facing(c))) for c in conditions)
        return (Contribution(self.own.tensor, moved + brackets),)

    def _tidied(self, c: Contribution) -> Contribution:
        """The same sum under the first free names: k2 rather than k3."""
        fixed = frozenset[str]().union(*(k.free for k in self.piece))
        avoid = fixed.union(c.indices, *(bound(f.expression) for f in c.factors))
        renamed: dict[str, Expression] = {}
        for i in c.indices:
            new = self.names.fresh(i, avoid)
            if i in self.names.copies and new < i:
                avoid |= {new}
                renamed[i] = Index(new)
        if not renamed:
            return c

        def rename(e: Expression) -> Expression:
            return substitute(e, renamed, self.names)

        return Contribution(
            c.source,
            tuple(f.map(rename) for f in c.factors),
            tuple(r.name if isinstance(r := renamed.get(i), Index) else i for i in c.indices),
            c.condition and rename(c.condition),
        )

    def _solve(self) -> None:
        pairs = [
            (self._rename(s.subscript if isinstance(s, Pad) else s), k)
            for s, k in zip(self.partial.reference.subscripts, self.piece, strict=True)
        ]
        for subscript, k in sorted(pairs, key=self._rank):
            subscript = self._moved(subscript)
            solution = self._solution(subscript, k)
            if solution:
                self._set(*solution)
            else:
                self.conditions.append(Compare("==", subscript, k))

    def _rank(self, pair: tuple[Expression, Expression]) -> tuple[bool, bool]:
        """An axis under the index's own name first, so that a loop stays a loop over it.

        Then the axes that are read with an index alone.
        """
        subscript, k = pair
        own = any(self.names.copies.get(i) in k.free for i in subscript.free)
        return not own, not isinstance(subscript, Index)

    def _solution(self, subscript: Expression, k: Expression) -> tuple[str, Expression] | None:
        """The index for which `subscript == k` is solved, and its value.

        Solving for an index of the equation's left side, or for the only index
        there is, never makes the sum longer. Solving `2*p + r == a` for r would
        leave a sum over all p, so there the condition stays and the sum scatters.
        The index of a loop is given no value of another axis either: which of
        the loop's steps and starts are read has to stay plain.
        """
        unsolved = [i for i in self.loose if i in subscript.free and i not in self.solved]
        for i in unsolved:
            foreign = bool(k.free) and self.names.copies.get(i) not in k.free
            if i in self.stepped and foreign:
                continue
            if i in self.left or len(unsolved) == 1:
                value = solve(subscript, i, k)
                if value is not None:
                    return i, value
        return None

    def _set(self, index: str, value: Expression) -> None:
        """`index` becomes `value`, under the condition that it stays inside the index's range."""
        self.solved = {
            i: substitute(v, {index: value}, self.names) for i, v in self.solved.items()
        } | {index: value}
        if isinstance(value, Index) and self.names.same_size(index, value.name):
            return
        copies = self.names.copies
        if not at_least_zero(value, copies):
            self.conditions.append(Compare("<=", ZERO, value))
            self.guarded.add(index)
        if not below_size(value, index, copies):
            self.conditions.append(Compare("<", value, Size(copies.get(index, index))))
            self.guarded.add(index)

    def _is_open(self, condition: Expression) -> bool:
        """Whether the condition has to be written; one that is never true makes all impossible."""
        truth = _decided(condition, self.names.copies)
        self.possible = self.possible and truth is not False
        return truth is None

    def _rename(self, e: Expression) -> Expression:
        return substitute(e, self.renamed, self.names)

    def _moved(self, e: Expression) -> Expression:
        return _tidied(substitute(_padded(e, self.guarded), self.solved, self.names))

    def _factor(self, factor: Factor, summed: tuple[str, ...]) -> Factor:
        outer = {*summed, *(i for k in self.piece for i in k.free)}
        return factor.map(
            lambda e: without_capture(self._moved(self._rename(e)), outer, self.names)
        )


def without_capture(e: Expression, outer: Iterable[str], names: Names) -> Expression:
    """The same expression, in which no reduction binds one of the `outer` indices anew."""
    outer = frozenset(outer)
    if not bound(e):
        return e
    if isinstance(e, Reduce):
        clash = [i for i in e.indices if i in outer]
        if clash:
            e = rename_bound(e, clash, names, {*outer, *e.body.free, *bound(e)})
        outer |= frozenset(e.indices)
    return e.map(lambda child: without_capture(child, outer, names))


def _padded(e: Expression, guarded: set[str]) -> Expression:
    """Reads that can leave their range, where the guard is false anyway, read 0 instead."""
    if not (guarded & e.free):
        return e
    if isinstance(e, Reference):
        return Reference(
            e.tensor,
            tuple(
                s if isinstance(s, Pad) or not (guarded & s.free) else Pad(_padded(s, guarded))
                for s in e.subscripts
            ),
        )
    return e.map(lambda child: _padded(child, guarded))


def _tidied(e: Expression) -> Expression:
    """Subscripts in their shortest form: k for size(k) - 1 - (size(k) - 1 - k)."""
    e = e.map(_tidied)
    if isinstance(e, Reference | Pad):
        return e.map(lambda s: expression(linear(s)) if _cancels(s) else s)
    return e


def _cancels(subscript: Expression) -> bool:
    return isinstance(subscript, Add) and len(linear(subscript)) < len(subscript.terms)


def _facing(condition: Expression) -> Expression:
    """`k == y[n]` for `y[n] == k`: a bracket reads better with the target's index first."""
    if isinstance(condition, Compare) and condition.operator == "==":
        return Compare("==", condition.right, condition.left)
    return condition


def _decided(condition: Expression, copies: Mapping[str, str]) -> bool | None:
    """The truth of a comparison of integers and sizes where it is certain, else None."""
    if not isinstance(condition, Compare):
        return None
    left, right = condition.left, condition.right

    def below(a: Expression, b: Expression, gap: Expression = ZERO) -> bool:
        """Whether a + gap <= b for certain."""
        return at_least_zero(subtract(b, add(a, gap)), copies)

    match condition.operator:
        case "<=":
            return True if below(left, right) else False if below(right, left, ONE) else None
        case "<":
            return True if below(left, right, ONE) else False if below(right, left) else None
        case "==" if not linear(subtract(right, left)):
            return True
        case "==" if below(left, right, ONE) or below(right, left, ONE):
            return False
    return None
