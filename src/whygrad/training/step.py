"""One training step as one system: the forward equations, their derivatives and the updates."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from ..errors import WhygradError
from ..language.parsing import parse
from ..language.system import Declare, System
from ..network.network import BaseNetwork
from ..network.optimizers import Optimizer
from .score import TOTAL, Score


def step_system(
    net: BaseNetwork, optimizer: Optimizer, score: Score | None, epochs: int, steps: int
) -> System:
    """The equations of a step: the network's own, δ for each parameter, and its update.

    A parameter that the text itself updates is left to the text. The optimiser is told how
    many epochs of how many steps there will be.
    """
    system = net.system
    updated = {u.name for u in system.updates}
    trained = [t.name for t in system.of_kind("param") if t.name not in updated]
    if not trained and not system.updates:
        raise WhygradError("there is nothing to train: the text has no line 'param ...'")
    derivation = net.derive()
    slopes = {name: derivation.mark + name for name in trained}
    step = derivation.simplified_system
    lines = optimizer.lines(step, slopes, epochs, steps) + ([score.line(system)] if score else [])
    return _parsed("\n".join([str(step), *lines, ""]))


_parsed = lru_cache(16)(parse)
"""Trainings of one network often follow each other, and reading takes longer than a short one."""


def wanted(system: System, score: Score | None) -> tuple[str, ...]:
    """What an engine is asked for of a step: the cost, the score's total, the updates."""
    total = (TOTAL,) if score else ()
    return (str(system.cost), *total, *(f"{u.name} <-" for u in system.updates))


def without_values(system: System) -> System:
    """The system with 0 for each setting, which is all that an engine needs to compile it.

    So two trainings that differ in their numbers alone are the same program.
    """
    return System(
        tuple(
            replace(s, items=tuple(replace(item, value=0.0) for item in s.items))
            if isinstance(s, Declare) and s.kind == "setting"
            else s
            for s in system.statements
        )
    )
