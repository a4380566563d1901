"""Replay a recorded training up to one step, on copies: nothing in the network changes."""

from __future__ import annotations

from dataclasses import dataclass

from ..language.system import System
from ..network.data import Arrays
from .batches import Rows


@dataclass(frozen=True)
class TrainingStep:
    """One step of a training: what ran, on what, and what came out.

    Args:
        number: which step it is, from 0 on.
        system: the equations of a step.
        sizes: the size of every index, that of this batch included.
        before: data of the batch, params, states and settings as the step found them.
        after: params and states as it left them.
        rows: the rows of the data of which the batch consists, in its order.
        seed: of noise.
    """

    number: int
    system: System
    sizes: dict[str, int]
    before: Arrays
    after: Arrays
    rows: Rows
    seed: int
