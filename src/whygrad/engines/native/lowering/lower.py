"""From a system to a plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ....language.order import order
from ....language.substitution import Names
from ....language.system import Equation, Sizes, Statement, System
from ..plan import Plan
from .batch import batch_axes, gathered
from .bounded import bounded_first
from .constants import constants
from .direct import read_directly
from .fusion import fused
from .helpers import Helpers
from .indices import Ranges, renamed
from .lifting import lifted
from .ones import without_ones
from .pieces import Piece, Steps, axes, members, reads
from .reductions import primitive
from .select import result, selected
from .sharing import shared
from .signs import signs_of_results
from .sums import Sums
from .totals import with_totals
from .updates import stored


def lower(
    system: System,
    sizes: Mapping[str, int],
    wanted: Sequence[str],
    training: bool,
    in_place: bool,
) -> Plan:
    """The plan that computes the wanted names: tensors, and `w <-` for the update of w.

    `sizes` lacks the batch index, and what follows from it, where the number of samples is open.
    With `in_place` the updates are assigned to the tensors themselves, and the batch is gathered
    from all samples. Raises SizeError for sizes that do not fit.
    """
    ranges = Ranges.of(system, sizes)
    known = ranges.known
    helpers = Helpers()
    declared = {name: t.indices for name, t in system.tensors.items()}
    equations = [
        replace(e, value=renamed(e.value, declared, ranges))
        for e in selected(system, wanted, training, known)
    ]
    equations = lifted(equations, ranges, helpers)
    equations = signs_of_results(shared(primitive(equations, ranges, helpers), helpers))
    sums = Sums(ranges, helpers, constants(training, known), equations)
    pieces = bounded_first(apart(system, equations, sums))
    found = dict(declared)
    if in_place:
        needed = {r.tensor for p in members(pieces) for r in reads(p)}.union(wanted)
        pieces = read_directly(gathered(system, needed), stored(pieces), known)
        found |= batch_axes(system)
    found |= {p.name: axes(p) for p in members(pieces) if p.name not in found}
    pieces = without_ones(pieces, known, Names(ranges.all(found.values())))
    results = {n: result(n, in_place) for n in wanted}
    kept = {name for name, (kind, _) in system.declarations.items() if kind != "given"}
    parts = with_totals(fused(pieces, kept))
    return Plan(parts, found, ranges.all(found.values()), results)


def apart(system: System, equations: Sequence[Equation], sums: Sums) -> list[Piece | Steps]:
    """The equations in an order in which they can run, sums in their simplest form.

    What a loop does not need is taken out of it.
    """
    sizes: tuple[Statement, ...] = tuple(s for s in system.statements if isinstance(s, Sizes))
    found: list[Piece | Steps] = []
    for group in order(System((*sizes, *equations))):
        if group.index is None:
            found += sums.apart(group.equations[0], frozenset())
            continue
        own = {e.name for e in group.equations}
        inside: list[Piece] = []
        for equation in group.equations:
            for piece in sums.apart(equation, frozenset({group.index})):
                if piece.name in own or any(r.tensor in own for r in reads(piece)):
                    own.add(piece.name)
                    inside.append(piece)
                else:
                    found.append(piece)
        found.append(Steps(group.index, group.direction, tuple(inside)))
    return found
