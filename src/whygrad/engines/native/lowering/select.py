"""The equations that are needed, in primitive functions and with what is known put in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ....language.expression import Index
from ....language.order import prerequisites
from ....language.system import Equation, System, Update
from ...composite import expand
from .constants import constants

UPDATE = "·next"


def updated(name: str) -> str | None:
    """w for `w·next`, the name under which what w becomes is an equation."""
    return name.removesuffix(UPDATE) if name.endswith(UPDATE) else None


def result(wanted: str, in_place: bool) -> str:
    """The tensor that holds what is wanted: `w <-` is in w itself, or in `w·next`."""
    name = wanted.removesuffix(" <-")
    return name if in_place or name == wanted else name + UPDATE


def selected(
    system: System, wanted: Sequence[str], training: bool, sizes: Mapping[str, int]
) -> tuple[Equation, ...]:
    """The equations that the wanted names need; the update of w is an equation of `w·next`.

    `sizes` are those that are known. In references to tensors with starts they are not put in:
    that `h[size(t)]` is a start shows without them, that `h[4]` is one does not.
    """
    starts = frozenset(e.name for e in system.equations if e.is_start)
    known = constants(training, sizes, starts)
    settled = tuple(
        replace(s, value=known(expand(s.value))) if isinstance(s, Equation | Update) else s
        for s in system.statements
    )
    needed = prerequisites(System(settled), wanted)
    updates = tuple(
        Equation(u.name + UPDATE, tuple(map(Index, u.indices)), u.value) for u in needed.updates
    )
    return needed.equations + updates
