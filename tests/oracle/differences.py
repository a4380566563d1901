"""Derivatives by central differences: the definition itself, at the price of its precision."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

STEP = 1e-5


def central_differences(
    cost: Callable[[Mapping[str, np.ndarray]], float], arrays: Mapping[str, np.ndarray], name: str
) -> np.ndarray:
    """(cost(a + h) - cost(a - h)) / 2h for every entry a of the array `name`."""
    at = np.array(arrays[name], dtype=float)
    result = np.empty_like(at)
    for place in np.ndindex(at.shape):
        moved = []
        for step in (STEP, -STEP):
            other = at.copy()
            other[place] += step
            moved.append(cost({**arrays, name: other}))
        result[place] = (moved[0] - moved[1]) / (2 * STEP)
    return result
