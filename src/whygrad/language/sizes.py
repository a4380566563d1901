"""How many values each index takes: from data, from `size`, and from the subscripts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import inf
from typing import NamedTuple

from ..errors import SizeError
from .affine import affine
from .expression import (
    Expression,
    Index,
    Pad,
    Reduce,
    Reference,
    Size,
    Softmax,
    Span,
    references,
    walk,
)
from .fitting import largest_size
from .intervals import interval
from .ranges import check_ranges, extents, margins, underlying
from .system import Declare, Equation, Sizes, System, Tensor, Update
from .unification import Bridge, Source, Unification

__all__ = ["check_ranges", "extents", "infer_sizes", "interval"]


def infer_sizes(
    system: System,
    known: Mapping[str, int] | None = None,
    shapes: Mapping[str, Sequence[int]] | None = None,
    otherwise: Mapping[str, int] | None = None,
) -> dict[str, int]:
    """The size of every index of a system.

    `known` are sizes by index, `shapes` the shapes of arrays by tensor, and
    `otherwise` the sizes of indices that nothing else gives (as that of k by
    the largest class number in the data, plus 1). The batch index and what
    follows from it may stay open; they are then not in the result. Raises
    SizeError for sizes that disagree, that are no whole numbers of at least
    1, or that nothing gives.
    """
    solver = _Solver(system)
    for index, size in (known or {}).items():
        if index in solver.indices:
            solver.classes.give(Source(index, size, "as given"))
    for name, shape in (shapes or {}).items():
        solver.give_shape(name, shape)
    solver.solve(otherwise or {})
    return solver.result()


class _Reading(NamedTuple):
    """A reference reads an axis, which goes from -`before` to size(axis) - 1 + `after`.

    `names` are the indices on whose sizes the subscript's values depend.
    """

    reference: Reference
    subscript: Expression
    axis: str
    before: int
    after: int
    names: frozenset[str]

    @property
    def span(self) -> Span | None:
        return self.subscript.span or self.reference.span


class _Solver:
    """Joins the indices of one size, then goes from the known sizes to the open ones."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.indices = sorted(system.index_names)
        self.classes = Unification(self.indices, system.source)
        self.sizes = self.classes.sizes
        self.spans = _size_spans(system)
        # a mere copy, as in `size k2 = size(k)`, states no size of its own
        self.stated = {i for i, size in system.sizes.items() if not isinstance(size, Size)}
        self.evaluated: set[str] = set()
        readings = list(_readings(system))
        plain = [
            r for r in readings if isinstance(r.subscript, Index) and r.subscript.name != r.axis
        ]
        self.partial = [r for r in plain if r.names <= system.sizes.keys()]
        for bridge in _bridges(system):
            self.classes.join(bridge)
        for r in plain:
            if not r.names <= system.sizes.keys():
                (name,) = r.names
                reason = f"{r.reference} reads axis {r.axis} of {r.reference.tensor} with {name}"
                self.classes.join(Bridge(name, r.axis, reason, r.span))
        # the readings that may still give a size, each with the indices to which
        self.open = [(r, indices) for r in readings if (indices := self._givable(r))]

    def _givable(self, r: _Reading) -> list[str]:
        """The indices to which an arithmetic subscript may give a size."""
        if isinstance(r.subscript, Index):
            return []
        taken = self.stated | {r.axis}
        free = sorted(r.subscript.free)
        return [i for i in free if taken.isdisjoint(self.classes.members(i))]

    def give_shape(self, name: str, shape: Sequence[int]) -> None:
        """The axes of a declared tensor have the sizes of its array."""
        if name not in self.system.declarations:
            return
        declaration = self.system.declarations[name][1]
        if len(shape) != len(declaration.indices):
            raise SizeError(
                f"{name}[{', '.join(declaration.indices)}] has {len(declaration.indices)} axes, "
                f"but its array has the shape {tuple(shape)}",
                span=declaration.span,
                source=self.system.source,
            )
        for index, size in zip(declaration.indices, shape, strict=True):
            self.classes.give(Source(index, size, f"in {name}", declaration.span))

    def solve(self, otherwise: Mapping[str, int]) -> None:
        """Give sizes until nothing more follows."""
        while self._evaluate() or self._fit() or self._fall_back(otherwise):
            pass

    def _evaluate(self) -> bool:
        """The `size` statements whose right sides are known."""
        ready = {
            index: size
            for index, size in self.system.sizes.items()
            if index not in self.evaluated and _named(size) <= self.sizes.keys()
        }
        for index, size in ready.items():
            self.evaluated.add(index)
            span = self.spans[index]
            form = affine(size, self.sizes)
            if form is None or form.coefficients:
                raise SizeError(
                    f"the size of {index} is no whole number: {size}",
                    span=span,
                    source=self.system.source,
                    hint="a size is made of whole numbers, size(...), + - * // and %",
                )
            self.classes.give(Source(index, form.constant, f"by size {index} = {size}", span))
        return bool(ready)

    def _fit(self) -> bool:
        """The largest sizes with which arithmetic subscripts with one open index stay inside."""
        self.open = [(r, left) for r, indices in self.open if (left := self._unsized(indices))]
        waiting: dict[str, list[tuple[str, _Reading, bool]]] = {}
        for r, indices in self.open:
            missing = {self.classes.members(i)[0] for i in self._unsized(r.names)}
            ready = len(missing) == 1 and r.axis in self.sizes
            for index in indices:
                key = self.classes.members(index)[0]
                waiting.setdefault(key, []).append((index, r, ready))
        complete = [rs for rs in waiting.values() if all(ready for *_, ready in rs)]
        some = [rs for rs in waiting.values() if any(ready for *_, ready in rs)]
        for found in complete or some[:1]:
            self._fit_one([(index, r) for index, r, ready in found if ready])
        return bool(some)

    def _unsized(self, indices: Iterable[str]) -> list[str]:
        return [i for i in indices if i not in self.sizes]

    def _fit_one(self, found: Sequence[tuple[str, _Reading]]) -> None:
        """Give one open index its size; readings that leave it open are done with."""
        best: tuple[int, str, _Reading] | None = None
        for index, r in found:
            inside = (-r.before, self.sizes[r.axis] - 1 + r.after)
            members = frozenset(self.classes.members(index))
            size = largest_size(r.subscript, inside, members, self.sizes, self.system)
            if size is not None and (best is None or size < best[0]):
                best = size, index, r
        if best is None:
            done = {id(r) for _, r in found}
            self.open = [(r, indices) for r, indices in self.open if id(r) not in done]
            return
        size, index, r = best
        if size == 0:
            raise SizeError(
                f"{r.reference} leaves the range of {r.reference.tensor} whatever the size of "
                f"{index}: its axis {r.axis} has size {self.sizes[r.axis]}",
                span=r.span,
                source=self.system.source,
                hint=f"pad({r.subscript}) reads 0 outside",
            )
        self.classes.give(Source(index, size, f"by the range of {r.reference}", r.span))

    def _fall_back(self, otherwise: Mapping[str, int]) -> bool:
        """The next index that only `otherwise` gives; the largest of its class."""
        for index in self.indices:
            if index in otherwise and index not in self.sizes:
                size = max(otherwise[i] for i in self.classes.members(index) if i in otherwise)
                self.classes.give(Source(index, size, "by the largest value in the data"))
                return True
        return False

    def result(self) -> dict[str, int]:
        """All sizes, after a last look at what is open and at axes that are read in part."""
        accounted = self.sizes.keys() | self._of_batch()
        missing = [i for i in self.indices if i not in accounted]
        if missing:
            raise _open(self.system, missing)
        for r in self.partial:
            (name,) = r.names
            if name in self.sizes and r.axis in self.sizes:
                length = self.sizes[r.axis] + r.after
                if self.sizes[name] > length:
                    raise SizeError(
                        f"{r.reference} reads axis {r.axis} of {r.reference.tensor}, which has "
                        f"size {length}, with {name}, which has size {self.sizes[name]}",
                        span=r.span,
                        source=self.system.source,
                        hint=f"make {name} at most {length}, or read with pad({name})",
                    )
        return {i: self.sizes[i] for i in self.indices if i in self.sizes}

    def _of_batch(self) -> set[str]:
        """The batch index where it is open, and what its size would give."""
        batch = self.system.batch
        found = set(self.classes.members(batch)) if batch else set()
        rules = [(i, _named(size)) for i, size in self.system.sizes.items()]
        for r, indices in self.open:
            rules.extend((i, (r.names | {r.axis}) - {i}) for i in indices)
        grown = True
        while grown:
            grown = False
            for index, needs in rules:
                if index not in found and needs <= found | self.sizes.keys():
                    found.update(self.classes.members(index))
                    grown = True
        return found


def _named(e: Expression) -> frozenset[str]:
    """The indices whose `size(...)` stands in an expression."""
    return frozenset(node.index for node in walk(e) if isinstance(node, Size))


def _size_spans(system: System) -> dict[str, Span | None]:
    """Where the size of an index is stated."""
    stated = (s for s in system.statements if isinstance(s, Sizes))
    return {index: size.span or s.span for s in stated for index, size in s.items}


def _bridges(system: System) -> Iterator[Bridge]:
    """`size k2 = size(k)`; and an update covers the axes of its tensor under any names."""
    spans = _size_spans(system)
    for index, size in system.sizes.items():
        if isinstance(size, Size):
            yield Bridge(index, size.index, f"size {index} = {size}", spans[index])
    for update in system.updates:
        axes = system.tensors[update.name].indices if update.name in system.tensors else ()
        for index, axis in zip(update.indices, axes, strict=False):
            if index != axis:
                reason = f"{index} stands for axis {axis} of {update.name}"
                yield Bridge(index, axis, reason, update.span)


def _readings(system: System) -> Iterator[_Reading]:
    """Every subscript that is not inside `pad`, in the author's order."""
    bounds = margins(system)
    for e in system.expressions():
        for reference in references(e):
            name = underlying(system, reference.tensor)
            if name is None:
                continue
            axes = zip(
                reference.subscripts, system.tensors[name].indices, bounds[name], strict=False
            )
            for subscript, axis, (before, after) in axes:
                if not isinstance(subscript, Pad):
                    within = {
                        system.declarations[inner.tensor][1].within
                        for inner in references(subscript)
                        if inner.tensor in system.declarations
                    }
                    names = subscript.free | _named(subscript) | {i for i in within if i}
                    yield _Reading(reference, subscript, axis, before, after, frozenset(names))


def _open(system: System, missing: Sequence[str]) -> SizeError:
    """The error for indices whose sizes nothing gives; it speaks of one of them."""
    places = {i: _place(system, i) for i in missing}
    index = min(missing, key=lambda i: (i in system.sizes, _text_order(places[i])))
    hint = f"give it a size: `size {index} = 16`"
    given = next((t.name for t in system.of_kind("given") if _holds(t, index)), None)
    if given:
        hint = f"it comes with the data of {given}; or {hint}"
    return SizeError(
        f"nothing gives the size of index {index}",
        span=places[index],
        source=system.source,
        hint=hint,
    )


def _text_order(span: Span | None) -> tuple[float, float]:
    return (inf, inf) if span is None else (span.line, span.column)


def _holds(tensor: Tensor, index: str) -> bool:
    return index in tensor.indices or index == tensor.within


def _place(system: System, index: str) -> Span | None:
    """The first place of the text where an index occurs."""
    for s in system.statements:
        if isinstance(s, Declare):
            for item in s.items:
                if index in item.indices or index == item.within:
                    return item.span or s.span
        elif isinstance(s, Sizes):
            for name, size in s.items:
                if name == index or index in _named(size):
                    return size.span or s.span
        elif isinstance(s, Equation | Update):
            left = s.subscripts if isinstance(s, Equation) else ()
            for node in (*left, *walk(s.value)):
                own = isinstance(node, Reduce | Softmax) and index in node.indices
                if own or node in (Index(index), Size(index)):
                    return node.span or s.span
    return None
