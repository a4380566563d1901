"""Fan-in and fan-out of a parameter, read off the equations that use it.

    z[n,j] = sum[i](x[n,i] * w[i,j]) + b[j]

The fan-in of w is the number of its elements that are summed into one element of
the left side: the axes whose index a reduction binds, here i. Its fan-out is the
number of its elements that one element of the factor beside it meets: the axes
whose index is not itself a subscript of that factor, here j.

The same rule serves a convolution, `sum[c,r,s](x[n,c,p+r,q+s] * w[d,c,r,s])`: its
fan-in is c·r·s and its fan-out d·r·s, since x pins c but neither r nor s. An embedding
`table[word[n,t],d]` has fan-in 1, a depthwise convolution fan-out r·s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod

from ..language.expression import (
    Expression,
    Index,
    Multiply,
    Reduce,
    Reference,
    references,
)
from ..language.system import System


@dataclass(frozen=True, slots=True)
class Fans:
    """Fan-in and fan-out, both at least 1."""

    inputs: int
    outputs: int


def fans(system: System, name: str, sizes: Mapping[str, int]) -> Fans:
    """The largest fan-in and fan-out over all reads of a parameter.

    `sizes` gives the sizes of the parameter's own axes, by index.
    """
    lengths = [sizes[i] for i in system.tensors[name].indices]
    inputs, outputs = 1, 1
    for value in system.readers.get(name, ()):
        for read in _reads(value, name, frozenset(), ()):
            axes = [s.free for s in read.subscripts]
            summed = [n for n, free in zip(lengths, axes, strict=True) if free & read.summed]
            inputs = max(inputs, prod(summed))
            for pinned in read.pinned():
                met = [n for n, free in zip(lengths, axes, strict=True) if not free <= pinned]
                outputs = max(outputs, prod(met))
    return Fans(inputs, outputs)


@dataclass(frozen=True, slots=True)
class _Read:
    """A place where a parameter is read: the indices summed around it, the factors beside it."""

    subscripts: tuple[Expression, ...]
    summed: frozenset[str]
    beside: tuple[Reference, ...]

    def pinned(self) -> list[frozenset[str]]:
        """The plain subscripts of each factor with which it is summed.

        Where there is no such factor: those of all factors beside it together.
        """
        mine = self.summed & frozenset[str]().union(*(s.free for s in self.subscripts))
        partners = [_plain_subscripts(r) for r in self.beside if r.free & mine]
        return partners or [frozenset[str]().union(*map(_plain_subscripts, self.beside))]


def _reads(
    e: Expression, name: str, summed: frozenset[str], beside: tuple[Reference, ...]
) -> Iterator[_Read]:
    if isinstance(e, Reference) and e.tensor == name:
        yield _Read(e.subscripts, summed, beside)
    if isinstance(e, Reduce):
        summed = summed | frozenset(e.indices)
    for child in e.children:
        factors = [f for f in e.factors if f is not child] if isinstance(e, Multiply) else []
        new = tuple(r for f in factors for r in references(f) if r.tensor != name)
        yield from _reads(child, name, summed, beside + new)


def _plain_subscripts(factor: Reference) -> frozenset[str]:
    return frozenset(s.name for s in factor.subscripts if isinstance(s, Index))
