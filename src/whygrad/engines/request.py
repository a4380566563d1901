"""What is asked of an engine: which tensors of which system, and the arrays that it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ..errors import DataError, TrainingError
from ..language.order import prerequisites
from ..language.sizes import infer_sizes
from ..language.system import System, Tensor
from .base import Array, draw_noise
from .inputs import needed, prepared, subscripts
from .mode import decided

Shapes = Callable[[str], tuple[int, ...]]


@lru_cache(64)
def _selected(
    system: System, wanted: tuple[str, ...], training: bool
) -> tuple[System, tuple[Tensor, ...], frozenset[str]]:
    """What the wanted tensors need of a system, the inputs it reads, and those in subscripts."""
    needs = prerequisites(decided(system, training), wanted)
    return needs, needed(needs, wanted), subscripts(needs)


class Request:
    """The arguments of `Engine.compile`, checked.

    `whole` is the system as given; `system` is what the wanted tensors need of it, with
    `training` decided, and `inputs` are the declared tensors that this reads, noise excepted.
    """

    def __init__(
        self,
        system: System,
        sizes: Mapping[str, int],
        wanted: Sequence[str],
        dtype: str,
        training: bool,
    ) -> None:
        """Raises DataError for another number type, and for a tensor that there is not."""
        if dtype not in ("float64", "float32"):
            raise DataError(f"dtype is {dtype}, but it can only be float64 or float32")
        updates = {f"{u.name} <-" for u in system.updates}
        for name in wanted:
            if name not in system.tensors and name not in updates:
                raise DataError(f"{name} is wanted, but the system has no such tensor or update")
        self.whole = system
        self.sizes = dict(sizes)
        self.wanted = tuple(wanted)
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.training = training
        self.system, self.inputs, self._subscripts = _selected(system, self.wanted, training)

    def wanting(self, wanted: Sequence[str]) -> Request:
        """The same request for other tensors."""
        return Request(self.whole, self.sizes, wanted, self.dtype.name, self.training)

    def with_open_batch(self) -> Request:
        """The same request for a batch of any size."""
        sizes = {index: size for index, size in self.sizes.items() if index != self.whole.batch}
        return Request(self.whole, sizes, self.wanted, self.dtype.name, self.training)

    def step(self) -> Request:
        """The request for a training step: the cost, what else is followed, then every update.

        What else is wanted is followed if an equation computes it without the batch index.

        Raises TrainingError where there is no cost.
        """
        cost = self.whole.cost
        if cost is None:
            raise TrainingError("the system has no cost: it needs a line like `minimize J`")
        updates = [f"{u.name} <-" for u in self.whole.updates]
        equations = {t.name: t for t in self.whole.of_kind("equation")}
        others = [
            name
            for name in self.wanted
            if name != cost
            and name in equations
            and self.whole.batch not in equations[name].indices
        ]
        return self.wanting((cost, *others, *updates))

    @property
    def followed(self) -> tuple[str, ...]:
        """Of a step: what is told of it, the cost first."""
        return tuple(name for name in self.wanted if name in self.whole.tensors)

    def samples(self, arrays: Mapping[str, Array]) -> int | None:
        """The size of the batch index in the arrays; None where it is no open question."""
        batch = self.whole.batch
        if batch is None or batch in self.sizes:
            return None
        for tensor in self.whole.of_kind("given"):
            if batch in tensor.indices and tensor.name in arrays:
                shape = np.shape(arrays[tensor.name])
                axis = tensor.indices.index(batch)
                if axis < len(shape):
                    return int(shape[axis])
        return None

    def sizes_with(self, samples: int | None) -> dict[str, int]:
        """The size of every index, for a batch of so many samples."""
        batch = self.whole.batch
        known = self.sizes if samples is None or batch is None else {**self.sizes, batch: samples}
        return infer_sizes(self.whole, known)

    def prepared(
        self, arrays: Mapping[str, Array], sizes: Mapping[str, int], shape: Shapes
    ) -> dict[str, Array]:
        """The arrays of the inputs, checked, in the types that a run computes with.

        `shape` gives that of a tensor. Raises DataError as `Program.run` says.
        """
        return {t.name: self.one(t, arrays, sizes, shape(t.name)) for t in self.inputs}

    def one(
        self,
        tensor: Tensor,
        arrays: Mapping[str, Array],
        sizes: Mapping[str, int],
        shape: tuple[int, ...],
    ) -> Array:
        """The array of one input; see `prepared`."""
        classes = None if tensor.within is None else sizes[tensor.within]
        whole = tensor.name in self._subscripts
        return prepared(tensor, arrays, shape, classes, whole, self.dtype)

    def noise(self, name: str, shape: tuple[int, ...], seed: int, step: int) -> Array:
        """The noise of one tensor in one step; raises KeyError where it is no noise."""
        tensor = self.system.tensors.get(name)
        if tensor is None or tensor.declaration is None or tensor.declaration.draw is None:
            raise KeyError(name)
        return draw_noise(name, tensor.declaration.draw, shape, seed, step, self.dtype)
