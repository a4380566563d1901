"""The arrays that a network owns (parameters, states, settings), by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, nearest
from .arguments import by_name
from .data import number_array


class Parameters(Mapping[str, NDArray[np.float64]]):
    """A mapping from names to float64 arrays, whose names and shapes stay as they are."""

    def __init__(self, arrays: Mapping[str, NDArray[np.float64]]) -> None:
        self._arrays = dict(arrays)

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        if not isinstance(name, str) or name not in self._arrays:
            raise DataError(f"there is no '{name}'; {nearest(str(name), self._arrays)}")
        return self._arrays[name]

    def __setitem__(self, name: str, value: object) -> None:
        shape = self[name].shape
        array = number_array(name, value).astype(np.float64)  # a copy of its own
        if array.shape != shape:
            raise DataError(f"{name} has the shape {shape}, but the array's is {array.shape}")
        self._arrays[name] = array

    def __contains__(self, name: object) -> bool:
        return name in self._arrays

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def update(self, values: Mapping[str, object]) -> None:
        """Set several at once."""
        for name, value in by_name("an update", values, "{'w1': 0.5}").items():
            self[name] = value

    def __repr__(self) -> str:
        rows = (f"{name}: {array.shape}" for name, array in self._arrays.items())
        return f"{{{', '.join(rows)}}}"
