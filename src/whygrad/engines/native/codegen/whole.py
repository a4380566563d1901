"""Which tensors hold whole numbers, which must not be rounded to the program's type."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ....language.expression import Expression, references
from ....language.system import System
from ..names import ALL, ROWS
from ..plan import Loop, Nest, Part, Plan


def whole_numbered(plan: Plan, system: System) -> frozenset[str]:
    """Declared tensors that are class numbers or stand in subscripts, and the rows of a batch."""
    inside = {
        inner.tensor.removesuffix(ALL)
        for e in _expressions(plan.parts)
        for reference in references(e)
        for s in reference.subscripts
        for inner in references(s)
    }
    found: set[str] = set()
    for name in plan.axes:
        if name.startswith(ROWS):
            found.add(name)
        _, declaration = system.declarations.get(name.removesuffix(ALL), ("", None))
        if declaration is not None and (declaration.within or declaration.name in inside):
            found.add(name)
    return frozenset(found)


def _expressions(parts: Iterable[Part]) -> Iterator[Expression]:
    """All that parts evaluate."""
    for part in parts:
        if isinstance(part, Nest):
            yield from (step.value for step in part.steps)
        elif isinstance(part, Loop):
            yield from _expressions(part.body)
        else:
            yield part.value
            yield from part.subscripts
            if part.condition is not None:
                yield part.condition
