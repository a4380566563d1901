"""Which tensors hold whole numbers, which must not be rounded to the program's type."""

from __future__ import annotations

from ....language.expression import references
from ....language.system import System
from ..names import ALL, ROWS
from ..plan import Plan, expressions


def whole_numbered(plan: Plan, system: System) -> frozenset[str]:
    """Declared tensors that are class numbers or stand in subscripts, and the rows of a batch."""
    inside = {
        inner.tensor.removesuffix(ALL)
        for part in plan.parts
        for e in expressions(part)
        for reference in references(e)
        for s in reference.subscripts
        for inner in references(s)
    }
    found: set[str] = set()
    for name in plan.axes:
        if name.startswith(ROWS):
            found.add(name)
        kind, declaration = system.declarations.get(name.removesuffix(ALL), ("", None))
        if (
            kind != "noise"
            and declaration is not None
            and (declaration.within or declaration.name in inside)
        ):
            found.add(name)
    return frozenset(found)
