"""The middle form: a system as loop nests over simple equations.

A plan is data and prints as text. Every right side in it is pointwise, or one
reduction of a pointwise body: what is left to decide is only how it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from ...language.expression import Expression, Index, Reduce, Reference, references

REDUCTIONS = ("sum", "max", "argmax")


@dataclass(frozen=True, slots=True)
class Assign:
    """`name[subscripts] = value`, once for every point of its nest's indices.

    The subscripts are the nest's indices in the order of the tensor's axes, and integers in a
    start of a recurrence (`h[-1,n,j] = 0`). The value is pointwise: no mean, logsumexp, softmax
    or composite function; or it is a `Reduce` by sum, max or argmax of a pointwise body. Of
    nothing the sum is 0, the max -infinity and the argmax 0.
    """

    name: str
    subscripts: tuple[Expression, ...]
    value: Expression

    @property
    def target(self) -> Reference:
        """The left side."""
        return Reference(self.name, self.subscripts)

    def __str__(self) -> str:
        return f"{self.target} = {self.value}"


@dataclass(frozen=True, slots=True)
class Nest:
    """Loops over `indices`, and what is done at each point, in order.

    A step may read what an earlier one has computed only at the same point, that is with the
    same subscripts, also inside its `Reduce`; all else that it reads is there before the nest
    begins. In a `Loop` through t that goes for each t: while `h[t, ...]` is computed,
    `h[t-1, ...]` is there at every place.

    The first steps may have further indices, those over which all reductions in the nest go: they
    are done in the loop of the reductions.
    """

    indices: tuple[str, ...]
    steps: tuple[Assign, ...]

    @property
    def reductions(self) -> list[Reduce]:
        """Those among its steps."""
        return [step.value for step in self.steps if isinstance(step.value, Reduce)]

    def further(self, step: Assign) -> tuple[str, ...]:
        """The further indices of a step."""
        last = next((s.value for s in reversed(self.steps) if isinstance(s.value, Reduce)), None)
        summed = () if last is None else last.indices
        return tuple(s.name for s in step.subscripts if isinstance(s, Index) and s.name in summed)

    def space(self, step: Assign) -> tuple[str, ...]:
        """All indices that a step goes through, those of its reduction included."""
        reduced = step.value.indices if isinstance(step.value, Reduce) else ()
        return (*self.indices, *self.further(step), *reduced)

    def __str__(self) -> str:
        head = f"for {', '.join(self.indices)}" if self.indices else "once"
        return "\n".join([head, *(f"  {line}" for line in self.lines(str))])

    def lines(self, text: Callable[[Assign], str]) -> Iterator[str]:
        """The steps as text, those with further indices under a head of their own."""
        for further, steps in groupby(self.steps, self.further):
            if further:
                yield f"for {', '.join(further)}"
            indent = "  " if further else ""
            yield from (indent + text(step) for step in steps)


@dataclass(frozen=True, slots=True)
class Scatter:
    """Zeroes a tensor, then adds to it: `name[subscripts] += value` wherever `condition` holds.

    It runs over `indices`, those that are summed and those of `axes` that no subscript fixes.
    A place outside the tensor's range is left out, and so is one that is no whole number. In a
    `Loop`, whose index is then among the subscripts, only the part at its present value is zeroed.
    """

    name: str
    axes: tuple[str, ...]
    indices: tuple[str, ...]
    subscripts: tuple[Expression, ...]
    value: Expression
    condition: Expression | None = None

    def __str__(self) -> str:
        target = Reference(self.name, self.subscripts)
        where = f" where {self.condition}" if self.condition is not None else ""
        return f"scatter over {', '.join(self.indices)}\n  {target} += {self.value}{where}"


@dataclass(frozen=True, slots=True)
class Loop:
    """Parts that run in order for each value of an index, upwards (1) or downwards (-1)."""

    index: str
    direction: int
    body: tuple[Part, ...]

    def __str__(self) -> str:
        way = "" if self.direction > 0 else " downwards"
        body = "\n".join(f"  {line}" for part in self.body for line in str(part).split("\n"))
        return f"step through {self.index}{way}\n{body}"


Part = Nest | Scatter | Loop


@dataclass(frozen=True, slots=True)
class Plan:
    """What is computed, in order.

    `axes` names the axes of every tensor that occurs, and `results` gives the tensor that holds
    each wanted name (`w <-` is in a tensor of its own, or in `w` where updates are in place).
    Indices of copies and helpers are in `sizes`, which says of every index how many values it
    takes; None where that depends on the number of samples. `sparse` are the given tensors many of
    whose numbers are 0.
    """

    parts: tuple[Part, ...]
    axes: Mapping[str, tuple[str, ...]]
    sizes: Mapping[str, int | None]
    results: Mapping[str, str]
    sparse: frozenset[str] = frozenset()

    @property
    def assigned(self) -> frozenset[str]:
        """The tensors that are computed."""
        return frozenset(name for part in self.parts for name in assigned(part))

    def __str__(self) -> str:
        return "\n".join(map(str, self.parts)) + "\n"


def leaves(part: Part) -> Iterator[Nest | Scatter]:
    """The nests and scatters of a part, in order."""
    if isinstance(part, Loop):
        for inner in part.body:
            yield from leaves(inner)
    else:
        yield part


def assigned(part: Part) -> Iterator[str]:
    """The name of every tensor that a part computes, in order."""
    for leaf in leaves(part):
        if isinstance(leaf, Nest):
            yield from (step.name for step in leaf.steps)
        else:
            yield leaf.name


def expressions(part: Part) -> Iterator[Expression]:
    """All that a part evaluates."""
    for leaf in leaves(part):
        if isinstance(leaf, Nest):
            yield from (step.value for step in leaf.steps)
        else:
            yield from (leaf.value, *leaf.subscripts)
            if leaf.condition is not None:
                yield leaf.condition


def read(part: Part) -> frozenset[str]:
    """The name of every tensor that a part reads."""
    return frozenset(r.tensor for e in expressions(part) for r in references(e))
