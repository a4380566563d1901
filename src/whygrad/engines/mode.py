"""`training` decided: what is left of a system in training, or in prediction."""

from __future__ import annotations

from dataclasses import replace

from ..language.expression import Expression, Logic, Training, Where
from ..language.system import Equation, System, Update


def decided(system: System, training: bool) -> System:
    """The system with `where(training, ...)` replaced by the branch that is taken."""

    def decide(e: Expression) -> Expression:
        if isinstance(e, Where):
            holds = _truth(e.condition, training)
            if holds is not None:
                return decide(e.yes if holds else e.no)
        return e.map(decide)

    statements = tuple(
        replace(s, value=decide(s.value)) if isinstance(s, Equation | Update) else s
        for s in system.statements
    )
    return System(statements, system.source)


def _truth(condition: Expression, training: bool) -> bool | None:
    if isinstance(condition, Training):
        return training
    if isinstance(condition, Logic) and condition.operator == "not":
        inner = _truth(condition.arguments[0], training)
        return None if inner is None else not inner
    return None
