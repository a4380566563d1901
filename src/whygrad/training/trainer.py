"""Takes the steps of a training, as far as asked, and can go back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, prod
from time import perf_counter

import numpy as np
from numpy.typing import DTypeLike

from ..engines import find
from ..engines.base import Program
from ..errors import DataError, TrainingError
from ..network.data import Array, Arrays, first_place
from ..network.initialisers import initial_value
from ..network.network import BaseNetwork
from .batches import Rows, Samples, Shuffle, split
from .run import Run
from .score import TOTAL, score_of
from .step import step_system, wanted, without_values

# seconds: how long the engine works until it is asked again
SLICE = 0.1

# the share of it that is aimed at, since not every step takes as long as the last ones did
AIM = 0.9

# how many rows it is given at once, and how many numbers it may tell of their steps
ROWS, NUMBERS = 1 << 19, 1 << 17


@dataclass(frozen=True)
class Checkpoint:
    """The values of everything that is updated, after so many steps."""

    steps: int
    values: Arrays


class Trainer:
    """A network's training step, compiled, and the values it has reached.

    It begins where the run began, and changes no array of the network.

    `system` is the step as equations, and `values` are all arrays by name (the data, too) after
    `steps` steps; `taken` is how far it ever was, and `steps_an_epoch` of them make an epoch, on
    `batch_size` rows each, the last one perhaps on fewer. `rows` are the numbers of the samples
    trained on, `held_out` of those kept for validation.
    """

    def __init__(self, net: BaseNetwork, run: Run, arrays: Arrays) -> None:
        """`arrays` are the data of the run, bound; see `Run.check`.

        Raises DataError for the run of a network with other parameters.
        """
        if _shapes(run.arrays) != _shapes(net.values()):
            raise DataError("the record of the training is that of another network")
        self.run = run
        self.samples = Samples(net.system, arrays)
        self.score = score_of(net.system, arrays)
        self.rows, self.held_out = split(net.system, arrays, run.validation, run.seed)
        self.batch_size = min(run.batch_size, len(self.rows))
        self.steps_an_epoch = -(-len(self.rows) // self.batch_size)
        self._shuffle = Shuffle(self.rows, run.seed)
        self.system = step_system(net, run.optimizer, self.score, run.epochs, self.steps_an_epoch)
        sizes = net.open_sizes_for(self.system, arrays)
        self._cost = str(self.system.cost)
        self._updated = [u.name for u in self.system.updates]
        self.program: Program = find(run.engine, run.threads).compile(
            without_values(self.system),
            sizes,
            wanted(self.system, self.score),
            dtype=run.dtype,
            training=True,
        )
        self._start = self._starting_values(sizes)
        self.values: Arrays = {**arrays, **self._start}
        for name, array in self.values.items():
            dtype = run.dtype if array.dtype.kind == "f" else array.dtype
            self.values[name] = _converted(name, array, dtype, copy=name in self._updated)
        self.steps = self.taken = 0
        self._checkpoints: list[Checkpoint] = []
        self._checked_at = perf_counter()
        self._pace = 1
        told = prod(sizes[i] for i in self.system.tensors[TOTAL].indices) if self.score else 0
        self._most = max(1, min(ROWS // self.batch_size, NUMBERS // (1 + told)))
        # kept from slice to slice
        self._order = np.empty(self._most * self.batch_size, np.int64)
        self._told: Arrays = {}

    def advance(self, until: int) -> Arrays:
        """Take steps for up to a tenth of a second, or until so many are taken.

        Gives what the engine tells of them, see `Program.epoch`, in memory that the next steps
        use again. Raises TrainingError for the first of these steps if it fails, after which
        `last_good` finds values to keep. If another fails, those before it are taken.
        """
        before = self.steps
        if perf_counter() - self._checked_at > SLICE:
            # two of them are enough to go back by a step
            self._checkpoints = [*self._checkpoints[-1:], self.checkpoint()]
            self._checked_at = perf_counter()
        try:
            return self._take(until)
        except TrainingError as error:
            if error.step == before:
                raise
            # once more, now that it is known how many go well
            self.go_to(before)
            return self._take(error.step)

    def go_to(self, steps: int) -> None:
        """Take the values that there are after so many steps, from the start if need be."""
        if steps < self.steps:
            self._go_back(steps)
        while self.steps < steps:
            self._take(steps)

    def last_good(self) -> None:
        """After a step that failed, go to the last values whose cost was finite."""
        if self.steps > 0 and not np.isfinite(self._next_cost()):
            self.go_to(self.steps - 1)

    def batch(self, step: int) -> Rows:
        """The numbers of the samples of one step."""
        return self._shuffle.places(self._place(step), self._place(step + 1))

    def checkpoint(self) -> Checkpoint:
        """A copy of the values reached."""
        return Checkpoint(self.steps, {name: self.values[name].copy() for name in self._updated})

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go back to values reached before."""
        for name in self._updated:
            self.values[name][...] = checkpoint.values[name]
        self.steps = checkpoint.steps

    def _place(self, step: int) -> int:
        """Where the rows of a step begin in all orders, one after the other."""
        epoch, number = divmod(step, self.steps_an_epoch)
        return epoch * len(self.rows) + number * self.batch_size

    def _take(self, until: int) -> Arrays:
        """Take steps for up to a tenth of a second, but none beyond a number.

        All epochs are alike if no batch is smaller, so several run at once; where any comes to
        its end, the last one of them does so with these steps.
        """
        start, steps, size = perf_counter(), self.steps, self.batch_size
        count, left = min(self._pace, self._most), self.steps_an_epoch - steps % self.steps_an_epoch
        if count < left:  # to the end of the epoch, in parts alike
            count = ceil(left / ceil(left / count))
        elif len(self.rows) % size:
            count = left
        until = min(until, steps + count)
        end = until - until % self.steps_an_epoch
        until = end if end > steps else until
        order = self._shuffle.places(self._place(steps), self._place(until), self._order)
        try:
            told = self.program.epoch(
                self.values, order, size, seed=self.run.seed, step=steps, room=self._told
            )
            self.steps = until
        except TrainingError as error:
            self.steps = error.step
            raise
        except BaseException:  # Ctrl-C may have come in the midst of an update
            self._go_back(steps)
            self.go_to(steps)
            raise
        finally:
            self.taken = max(self.taken, self.steps)
        self._adapt(perf_counter() - start, until - steps)
        return told

    def _adapt(self, seconds: float, steps: int) -> None:
        """Choose how many steps to take at once, after so many have taken so many seconds."""
        if not SLICE / 2 <= seconds <= SLICE:
            self._pace = max(1, int(steps * AIM * SLICE / max(seconds, 1e-6)))

    def _next_cost(self) -> float:
        batch = {**self.values, **self.samples.take(self.batch(self.steps))}
        values = self.program.run(batch, seed=self.run.seed, step=self.steps)
        return float(values[self._cost])

    def _go_back(self, steps: int) -> None:
        """Go back to the last checkpoint before so many steps, or to the start."""
        before = [c for c in self._checkpoints if c.steps <= steps]
        self.restore(before[-1] if before else Checkpoint(0, self._start))

    def _starting_values(self, sizes: Mapping[str, int]) -> Arrays:
        """Parameters, states and settings: of the run, and what the optimiser adds."""
        added: Arrays = {}
        for tensor in self.system.tensors.values():
            if tensor.name in self.run.arrays:
                continue
            if tensor.kind == "setting" and tensor.declaration:
                added[tensor.name] = np.array(tensor.declaration.value, np.float64)
            if tensor.kind == "state":
                shape = tuple(sizes[i] for i in tensor.indices)
                added[tensor.name] = initial_value(self.system, tensor.name, shape, self.run.seed)
        return {**self.run.arrays, **added}


def _converted(name: str, array: Array, dtype: DTypeLike, copy: bool) -> Array:
    """The array in that type, and in one piece: any other would be copied in every slice.

    Raises DataError for a number that is too large for the type.
    """
    try:
        with np.errstate(over="raise"):
            return array.astype(dtype, order="C", copy=copy)
    except FloatingPointError:
        at = np.isfinite(array) & (np.abs(array) > np.finfo(np.dtype(dtype)).max)
        place, value = first_place(name, array, at)
        raise DataError(
            f"{place} = {value:g} is too large for {dtype}: scale it, or compute in float64"
        ) from None


def _shapes(arrays: Arrays) -> dict[str, tuple[int, ...]]:
    return {name: array.shape for name, array in arrays.items()}
