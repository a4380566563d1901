"""What a training step updates lives in the engine's own memory from step to step.

There it is padded and laid out as the lanes want it. It is copied in before the first step of a
call and back after the last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from ....language.expression import Expression, Reference
from ..plan import Assign, Loop, Nest, Part, Plan, Scatter

OWN = "·own"
"""Ends the name of the engine's own copy of a tensor."""


def resident(plan: Plan, renamed: Mapping[str, str]) -> Plan:
    """The plan with some tensors renamed, to the engine's own copies of them."""

    def expression(e: Expression) -> Expression:
        if isinstance(e, Reference) and e.tensor in renamed:
            return Reference(renamed[e.tensor], tuple(map(expression, e.subscripts)))
        return e.map(expression)

    def part(p: Part) -> Part:
        if isinstance(p, Nest):
            steps = tuple(
                Assign(renamed.get(s.name, s.name), s.subscripts, expression(s.value))
                for s in p.steps
            )
            return Nest(p.indices, steps)
        if isinstance(p, Loop):
            return replace(p, body=tuple(map(part, p.body)))
        return _scatter(p, renamed, expression)

    axes = {**plan.axes, **{own: plan.axes[name] for name, own in renamed.items()}}
    results = {wanted: renamed.get(name, name) for wanted, name in plan.results.items()}
    return replace(plan, parts=tuple(map(part, plan.parts)), axes=axes, results=results)


def _scatter(
    part: Scatter, renamed: Mapping[str, str], expression: Callable[[Expression], Expression]
) -> Scatter:
    return replace(
        part,
        name=renamed.get(part.name, part.name),
        subscripts=tuple(map(expression, part.subscripts)),
        value=expression(part.value),
        condition=None if part.condition is None else expression(part.condition),
    )
