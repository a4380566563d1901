"""Accuracy, where a network predicts class numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..language.system import System
from ..network.data import Array, Arrays

RIGHTS = "accuracy.rights"


@dataclass(frozen=True, slots=True)
class Score:
    """How often the prediction is largest at the target: `yhat[n,k]` at `y[n] in k`."""

    prediction: str
    target: str
    axis: int

    @classmethod
    def of(cls, system: System) -> Score | None:
        """The score that belongs to a system, or None where it predicts no classes."""
        for name in system.predictions:
            indices = system.tensors[name].indices
            for target in system.of_kind("given"):
                within = target.declaration.within if target.declaration else None
                if within in indices:
                    axis = indices.index(within)
                    if target.indices == indices[:axis] + indices[axis + 1 :]:
                        return cls(name, target.name, axis)
        return None

    def lines(self, system: System) -> list[str]:
        """Count in training: a state to which each step adds its accuracy times its samples."""
        target = system.tensors[self.target]
        place = f"[{','.join(target.indices)}]" if target.indices else ""
        axes = system.tensors[self.prediction].indices
        best = f"argmax[{axes[self.axis]}]({self.prediction}[{','.join(axes)}])"
        right = f"[{best} == {self.target}{place}]"
        share = f"mean{place}({right})" if place else right
        samples = f"size({system.batch}) * " if system.batch else ""
        return [f"state {RIGHTS} ~ zeros", f"{RIGHTS} <- {RIGHTS} + {samples}{share}"]

    def rows_by_class(self, arrays: Arrays) -> Array | None:
        """The class number of each row, or None where a row has several."""
        target = arrays[self.target]
        return target if target.ndim == 1 else None

    def measure(self, values: Arrays, arrays: Arrays) -> float:
        """The share of right predictions."""
        return float(np.mean(values[self.prediction].argmax(self.axis) == arrays[self.target]))
