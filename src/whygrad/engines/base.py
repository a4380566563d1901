"""What every engine does: the contract, and what engines share."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from hashlib import blake2b
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..language.system import Draw, System

Array = NDArray[Any]


class Program(Protocol):
    """A system compiled for given sizes, number type and wanted tensors."""

    @property
    def wanted(self) -> tuple[str, ...]:
        """What `run` computes: names of tensors, and `w <-` for the update of w."""

    def run(self, arrays: Mapping[str, Array], seed: int = 0, step: int = 0) -> dict[str, Array]:
        """Evaluate the system once.

        `arrays` holds the given tensors, parameters, settings and states by
        name; a setting that is left out has its value from the text. Axes
        stand in the order of the declaration. The result holds the wanted
        tensors by name, and for `w <-` what w becomes; no array of `arrays` is
        changed. An axis on which a recurrence has starts is stored from its
        first start on. The size of the batch index may change from run to run.

        Noise is that of `draw_noise` for this seed and step. Raises DataError
        for an array that is missing or of the wrong shape, and for a subscript
        taken from data that leaves its range.
        """

    def epoch(
        self,
        arrays: MutableMapping[str, Array],
        order: Array,
        batch_size: int,
        seed: int = 0,
        step: int = 0,
        room: MutableMapping[str, Array] | None = None,
    ) -> dict[str, Array]:
        """Train on mini-batches, one step for each.

        Batch k consists of the samples `order[k*b : (k+1)*b]` of every given
        tensor that has the batch index; the last one may be smaller. After
        each step the updates are written into the arrays of parameters and
        states, in place. `step` is the number of the first step: it goes into
        the noise, and on by one from batch to batch.

        Returns what the cost was in each step, and what every other wanted
        equation gave that has no batch index: by name, in float64, the steps
        as first axis. A caller that gives the same `room`, empty at first, to
        call after call may find the memory of the last result used again: new
        memory costs more than a small step.

        Raises TrainingError as soon as the cost or an update is not finite: it
        names the step, has it as `step`, and names the equation that, in the
        order of evaluation, was the first to be no longer finite. The arrays
        are then as they were before that step.
        """


class Engine(Protocol):
    """Compiles systems."""

    @property
    def name(self) -> str:
        """How the engine is called in messages."""

    def compile(
        self,
        system: System,
        sizes: Mapping[str, int],
        wanted: Sequence[str],
        dtype: str = "float64",
        training: bool = True,
    ) -> Program:
        """A program that computes the wanted tensors and nothing that they do not need.

        `sizes` gives the size of every index; those of the batch index and its
        copies may be left out and are then read off the arrays. `dtype` is
        "float64" or "float32". `training` is what `training` means in the text.
        """


def draw_noise(
    name: str, draw: Draw, shape: Sequence[int], seed: int, step: int, dtype: np.dtype[Any]
) -> Array:
    """The noise of one tensor in one step, the same in every engine.

    From NumPy's counter-based generator Philox (Salmon et al., "Parallel
    random numbers: as easy as 1, 2, 3", 2011), keyed by the seed and the name,
    at a counter that begins with the step. bernoulli(p) is 1 with probability
    p and else 0, normal(mean, deviation), uniform(low, high).
    """
    digest = int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little")
    key = np.array([seed % 2**64, digest], np.uint64)
    counter = np.array([0, 0, 0, step % 2**64], np.uint64)
    generator = np.random.Generator(np.random.Philox(key=key, counter=counter))
    match draw.name, draw.arguments:
        case "bernoulli", (p,):
            values = (generator.random(shape) < p).astype(dtype)
        case "normal", (mean, deviation):
            values = generator.normal(mean, deviation, shape).astype(dtype)
        case "uniform", (low, high):
            values = generator.uniform(low, high, shape).astype(dtype)
        case _:
            arguments = ", ".join(map(str, draw.arguments))
            raise DataError(
                f"noise {name} ~ {draw.name}({arguments}): "
                "the distributions are bernoulli(p), normal(mean, deviation), uniform(low, high)"
            )
    return np.asarray(values)  # without axes NumPy draws a bare number


def check_shape(name: str, indices: Sequence[str], array: Array, expected: Sequence[int]) -> None:
    """Raise DataError unless the array has the expected shape."""
    if array.shape == tuple(expected):
        return
    wanted = ", ".join(f"{i} = {n}" for i, n in zip(indices, expected, strict=True))
    raise DataError(
        f"{name}[{', '.join(indices)}] has shape {array.shape}, but it should be "
        f"{tuple(expected)}" + (f" ({wanted})" if wanted else "")
    )
