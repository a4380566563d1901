"""Which of the data hold so many zeros that leaving them out pays."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...language.system import System
from ..base import Array

TOGETHER = 4
"""So many neighbours, all of them 0, are left out at once."""

PART = 0.2
"""This part of them has to be 0."""

NUMBERS = 1 << 18
"""It is estimated from samples with about so many numbers."""


def sparse(system: System, arrays: Mapping[str, Array]) -> frozenset[str]:
    """The given tensors x[n,i], for the samples n, with many places where neighbours are all 0."""
    return frozenset(
        t.name
        for t in system.of_kind("given")
        if len(t.indices) == 2 and t.indices[0] == system.batch and _has_gaps(arrays.get(t.name))
    )


def _has_gaps(array: Array | None) -> bool:
    if array is None or np.ndim(array) != 2 or np.size(array) == 0:
        return False
    some = np.asarray(array)[:: -(-np.size(array) // NUMBERS)]
    whole = some.shape[1] // TOGETHER * TOGETHER
    gaps = (some[:, :whole] == 0).reshape(len(some), -1, TOGETHER).all(axis=2)
    return bool(gaps.size) and float(gaps.mean()) >= PART
