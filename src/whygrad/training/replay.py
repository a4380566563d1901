"""Replay a recorded training up to one step, on copies: nothing in the network changes."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import WhygradError
from ..language.system import System
from ..network.arguments import whole_number
from ..network.data import Arrays
from ..network.network import BaseNetwork
from .batches import Rows
from .trainer import Trainer


@dataclass(frozen=True)
class TrainingStep:
    """One step of a training: what ran, on what, and what came out.

    Args:
        number: which step it is, from 0 on.
        system: the equations of a step.
        sizes: the size of every index, the number of samples in this batch included.
        before: the batch's data, params, states and settings, as the step found them.
        after: the params and states as it left them.
        rows: the numbers of the batch's samples in the whole of the data.
        seed: of the noise.
    """

    number: int
    system: System
    sizes: dict[str, int]
    before: Arrays
    after: Arrays
    rows: Rows
    seed: int


def replay(net: BaseNetwork, arrays: Arrays, step: int) -> TrainingStep:
    """Train a copy of the network as recorded, up to the step of this number and through it.

    The same engine does it in the same order, so the values are those of the training to the
    bit. `arrays` are the data that were trained on, bound. Raises DataError for other data and
    for a step that was not taken, WhygradError where there was no training.
    """
    run = net.run
    if run is None or not run.taken:
        raise WhygradError("the network was not trained, so there is no step to explain")
    step = whole_number("step", step, 0, run.taken - 1)
    run.check(arrays)
    trainer = Trainer(net, run, arrays)
    trainer.go_to(step)
    rows = trainer.batch(step)
    batch = trainer.samples.take(rows)
    before = {**trainer.values, **batch, **trainer.checkpoint().values}
    trainer.go_to(step + 1)
    return TrainingStep(
        step,
        trainer.system,
        net.sizes_for(net.system, batch),
        before,
        trainer.checkpoint().values,
        rows,
        run.seed,
    )
