"""Whether z is positive can be read from max(0, z), which is kept for other reasons."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ....language.expression import ZERO, Call, Compare, Expression, Reference
from ....language.system import Equation


def signs_of_results(equations: Iterable[Equation]) -> list[Equation]:
    """The equations with `a > 0` for `z > 0` wherever `a = max(0, z)`, so z need not be stored."""
    equations = list(equations)
    results: dict[Expression, Reference] = {
        e.value.arguments[1]: Reference(e.name, e.subscripts)
        for e in equations
        if isinstance(e.value, Call)
        and e.value.function == "max"
        and e.value.arguments[0] == ZERO
        and isinstance(e.value.arguments[1], Reference)
        and e.value.arguments[1].subscripts == e.subscripts
    }

    def changed(e: Expression) -> Expression:
        if isinstance(e, Compare) and e.operator == ">" and e.right == ZERO and e.left in results:
            return Compare(">", results[e.left], ZERO)
        return e.map(changed)

    return [replace(e, value=changed(e.value)) for e in equations]
