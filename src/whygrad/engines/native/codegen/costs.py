"""What a nest costs with its lanes along one index or another, given how tensors lie in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from math import ceil, prod

from ....language.affine import affine
from ....language.expression import Index, Pad, Reduce, Reference, references
from ..names import ALL
from ..plan import Nest, Part, Plan
from ..zeros import TOGETHER
from .factor import beside, data_factor, parts
from .tiles import NOMINAL, Tile, tile
from .transposed import transposable

GATHER, SCATTER = 2.0, 3.0
"""What one element costs that is gathered, or scattered, in vector instructions."""

EXCHANGE = 0.6, 2.0
"""What one element of a copy with exchanged axes costs, in the nearest cache and beyond it."""

TRANSPOSITION = 0.3
"""What one element costs of a matrix that is transposed in panels."""

NEAR = 1 << 13
"""Numbers that the nearest cache holds."""

SECOND = 1 << 18
"""Numbers that the second-level cache holds."""

BEYOND = 4.0
"""What a vector costs that is read from beyond the second-level cache."""

REUSED = 0.25
"""What reading an operand costs in a tile, in which each is used several times."""

FULL = 0.7
"""What share of the numbers in its vectors a row needs to lie well."""

HORIZONTAL = 12.0
"""What adding up the lanes of one vector costs, in vector loads."""


class Costs:
    """How tensors lie in memory as far as that is decided, and what nests cost with that.

    `axes` are those of each tensor, and `orders` the same in the order of memory, which is final
    for those `placed`. The tensors in `fixed` lie as the caller has them; those in `own` last
    from step to step; those in `whole` hold whole numbers. `copies` are those with exchanged axes,
    by the tensor and the axis that is last in them. Those in `free` are stored number by number.
    """

    def __init__(
        self,
        plan: Plan,
        fixed: frozenset[str],
        own: frozenset[str],
        whole: frozenset[str],
        lanes: int,
        registers: int,
    ) -> None:
        self.plan, self.fixed, self.whole = plan, fixed, whole
        self.lanes, self.registers = lanes, registers
        self.axes = dict(plan.axes)
        self.orders = {name: tuple(range(len(axes))) for name, axes in plan.axes.items()}
        self.own = own
        self.placed: set[str] = set(own)
        self.constants = {i: s for i, s in plan.sizes.items() if s is not None}
        self.orders |= {name: (1, 0) for name in own if self._is_narrow(name)}
        self.copies: dict[tuple[str, int], str] = {}
        self.free: set[str] = set()
        self.alone = _summed_alone(plan.parts)

    def _is_narrow(self, tensor: str) -> bool:
        """Whether a matrix has rows that leave their vectors half empty, unlike its columns."""
        sizes = [self.constants.get(i, 0) for i in self.axes[tensor]]
        if len(sizes) != 2 or sizes[1] < 2 or sizes[0] < self.lanes:
            return False
        columns, rows = (size / (ceil(size / self.lanes) * self.lanes) for size in sizes)
        return rows < FULL <= columns

    def size(self, index: str) -> int:
        """How many values an index takes, or may take."""
        return self.constants.get(index, NOMINAL)

    def tile(self, nest: Nest, lane: str | None, inside: frozenset[str]) -> Tile:
        """The tile of a nest; of few rows where zeros are left out, since all have to be 0.

        `inside` are the tensors that the loop around it computes. Of what the loop does not change,
        one copy before it serves all its turns, and so does a copy that there is already.
        """
        form = tile(nest, lane, self.constants, self.lanes, self.registers)
        shape = form.row, lane, form.vectors * self.lanes
        for found in transposable(nest, *shape, self.orders, self.constants, self.whole):
            copied = (found.tensor, found.subscripts.index(Index(str(lane)))) in self.copies
            if not copied and (not inside or found.tensor in inside):
                form = form._replace(transposed=found)
                break
        e = data_factor(nest, form.row, lane, self.constants)
        if e is None or not self._is_sparse(nest, e, form.row):
            return form
        return form._replace(rows=min(form.rows, TOGETHER), skips=e)

    def _is_sparse(self, nest: Nest, e: Reference, row: str | None) -> bool:
        """Whether zeros of a factor from the data are left out.

        0 times what is not finite would not be 0. Weights in plain places have been checked when
        they were updated; anything else is computed beforehand, where there are as many values as
        samples.
        """
        if e.tensor in self.whole or e.tensor.removesuffix(ALL) not in self.plan.sparse:
            return False
        if row == parts(e)[2]:
            return True
        match beside(nest.reductions[0], e).factors:
            case [Reference(tensor=tensor, subscripts=subscripts)]:
                return tensor in self.own and all(isinstance(s, Index) for s in subscripts)
        return False

    def cost(self, nest: Nest, lane: str | None, inside: frozenset[str]) -> float:
        """Vector instructions with these lanes, roughly.

        `inside` are the tensors that the loop around the nest computes.
        """
        points: float = prod(self.size(i) for i in nest.indices)
        cost = 0.0
        known: set[str] = set()  # in registers
        form = self.tile(nest, lane, inside)
        points *= self._more(form.row, form.rows)
        vectors = 1.0
        if lane is not None:
            vectors = self._more(lane, self.lanes, form.vectors) / self.lanes
        for step in nest.steps:
            reduced = step.value.indices if isinstance(step.value, Reduce) else ()
            inner = prod(self.size(i) for i in reduced)
            here = points * prod(self.size(i) for i in nest.further(step))
            across = lane is not None and lane not in nest.space(step)
            work = here * inner * (1.0 if across else vectors)
            cost += work  # the arithmetic
            read = work * (REUSED if reduced and len(nest.indices) > 1 else 1.0)
            for reference in dict.fromkeys(references(step.value)):
                if reference.tensor in known:
                    continue
                free = reference.free.intersection(nest.space(step))
                if reduced:
                    cost += self._again(free, nest, lane, form)
                if reference == form.transposed:
                    cost += read + TRANSPOSITION * prod(self.size(i) for i in free)
                    continue
                kind = self.kind(reference, lane)
                if kind != "across" or self.is_free(reference, nest.space(step)):
                    cost += read
                    continue
                gathered = here * inner * GATHER
                if reduced and self.copyable(reference, inside):
                    gathered = min(gathered, read + self.exchange(reference.tensor))
                cost += gathered
            known.add(step.name)
            if lane in reduced:
                cost += here * HORIZONTAL
            elif step.name in self.fixed or step.name in self.placed:
                cost += here * (SCATTER if self.kind(step.target, lane) == "across" else vectors)
            else:
                cost += work / inner
                if lane in self.alone.get(step.name, ()):  # the sum will want other lanes
                    cost += self.exchange(step.name)
        return cost

    def _again(self, free: frozenset[str], nest: Nest, lane: str | None, form: Tile) -> float:
        """What it costs that tiles read anew what is too large to stay near.

        It has the indices that are `free`, of those of the nest and its reduction. With lanes along
        an index of the nest, all of it is read for each block of lanes, at each value of the nest's
        other indices; with lanes along a reduction, for each tile of rows.
        """
        if form.row is None:
            return 0.0
        index, step, around = form.row, form.rows, set[str]()
        if lane in nest.indices:
            index, step = lane, form.vectors * self.lanes
            around = {*nest.indices} - {lane, form.row}
        read = prod(self.size(i) for i in free - around)
        if index in free or read <= SECOND:
            return 0.0
        times = prod(self.size(i) for i in around) * ceil(self.size(index) / step)
        return times * read / self.lanes * BEYOND

    def _more(self, index: str | None, step: int, steps: int = 1) -> float:
        """How many times as many values are gone through as there are, so many at a time.

        Of a size that is not known, half of the last ones are taken to be too many.
        """
        if index is None:
            return 1.0
        size = self.constants.get(index)
        if size is None:
            return 1 + step * steps / 2 / NOMINAL
        return ceil(size / step) * step / size

    def is_free(self, e: Reference, space: Collection[str]) -> bool:
        """Whether it may lie in any order, for one who reads another place at each point."""
        return e.tensor in self.free and e.free == frozenset(space)

    def exchange(self, tensor: str) -> float:
        """What a copy of the tensor with exchanged axes costs."""
        elements = prod(self.size(i) for i in self.axes[tensor])
        return elements * EXCHANGE[elements > NEAR]

    def kind(self, reference: Reference, lane: str | None) -> str:
        """How lanes read it: the "same" for all, "along" memory, or "across"."""
        places = [k for k, s in enumerate(reference.subscripts) if lane in s.free]
        if lane is None or not places:
            return "same"
        (place, *more) = places
        if more or self.orders[reference.tensor][-1] != place:
            return "across"
        subscript = reference.subscripts[place]
        inner = subscript.subscript if isinstance(subscript, Pad) else subscript
        form = affine(inner, self.constants)
        if form is None or form.coefficients.get(Index(lane)) != 1:
            return "across"
        return "along"

    def copyable(self, reference: Reference, inside: frozenset[str]) -> bool:
        """Whether there can be a copy with exchanged axes to read instead."""
        plain = all(isinstance(s, Index) for s in reference.subscripts)
        names = {s.name for s in reference.subscripts if isinstance(s, Index)}
        distinct = len(names) == len(reference.subscripts)
        return plain and distinct and reference.tensor not in inside | self.whole


def _summed_alone(parts: Iterable[Part]) -> dict[str, set[str]]:
    """For each tensor the indices of sums, and maxima, that read no index but the tensor's own."""
    found: dict[str, set[str]] = {}
    for part in parts:
        if not isinstance(part, Nest):
            continue
        for step in part.steps:
            if isinstance(step.value, Reduce):
                space = {*part.indices, *step.value.indices}
                for reference in references(step.value.body):
                    if reference.free == space and part.indices:
                        found.setdefault(reference.tensor, set()).update(step.value.indices)
    return found
