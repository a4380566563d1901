"""How good predictions are: the share that is right, or R² where numbers are predicted.

A score is a sum over samples (`total`), set in relation to one of the targets alone (`scale`).
In training it is formed by an equation for each batch, on rows held out by NumPy.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..language.expression import Call, references
from ..language.order import prerequisites
from ..language.system import System, Tensor
from ..network.data import Array, Arrays

TOTAL = "score.total"

# a training that diverges may predict numbers whose squares are infinite
OVERFLOWING = np.errstate(all="ignore")


@dataclass(frozen=True, slots=True)
class Score(ABC):
    """The score of one prediction against one target."""

    prediction: Tensor
    target: Tensor

    name: ClassVar[str]

    @abstractmethod
    def line(self, system: System) -> str:
        """The equation of a batch's total."""

    @abstractmethod
    def total(self, predictions: Array, targets: Array) -> Array:
        """The same sum over all samples."""

    @abstractmethod
    def scale(self, targets: Array) -> Array:
        """What a total of these targets is set in relation to."""

    @abstractmethod
    def values(self, totals: Array, scale: Array) -> Array:
        """The scores of several totals, along the first axis."""

    def measure(self, values: Arrays, arrays: Arrays) -> float:
        """The score of predictions among the values, for the targets among the data."""
        targets = arrays[self.target.name]
        total = self.total(values[self.prediction.name], targets)
        return float(self.values(total[np.newaxis], self.scale(targets))[0])


class Accuracy(Score):
    """The share of targets that are predicted rightly: the largest at `y[n] in k`."""

    __slots__ = ()
    name = "accuracy"

    def line(self, system: System) -> str:
        """See `Score.line`."""
        indices = ",".join(self.target.indices)
        right = f"[{self._right()}]"
        return f"{TOTAL} = " + (f"sum[{indices}]({right})" if indices else right)

    def total(self, predictions: Array, targets: Array) -> Array:
        """See `Score.total`."""
        axis = self.prediction.indices.index(str(self.target.within))
        return np.asarray(np.sum(predictions.argmax(axis) == targets))

    def scale(self, targets: Array) -> Array:
        """See `Score.scale`."""
        return np.array(targets.size)

    def values(self, totals: Array, scale: Array) -> Array:
        """See `Score.values`."""
        return totals / scale

    def _right(self) -> str:
        """The condition under which a prediction is right."""
        return f"argmax[{self.target.within}]({self.prediction}) == {self.target}"


class AccuracyOfHalves(Accuracy):
    """The same where a sigmoid predicts 0 or 1: what is above one half counts as 1."""

    __slots__ = ()

    def total(self, predictions: Array, targets: Array) -> Array:
        """See `Score.total`."""
        return np.asarray(np.sum((predictions > 0.5) == targets))

    def _right(self) -> str:
        return f"[{self.prediction} > 1/2] == {self.target}"


class AccuracyOfSigns(Accuracy):
    """The same where the targets are -1 and 1, and the sign of what is predicted counts."""

    __slots__ = ()

    def total(self, predictions: Array, targets: Array) -> Array:
        """See `Score.total`."""
        return np.asarray(np.sum(predictions * targets > 0))

    def _right(self) -> str:
        return f"{self.prediction} * {self.target} > 0"


class Determination(Score):
    """The coefficient of determination R² = 1 − Σ(y − ŷ)² / Σ(y − ȳ)², the mean over outputs.

    For an output whose targets are all the same it is 1 if they are met, and else 0.
    """

    __slots__ = ()
    name = "R²"

    def line(self, system: System) -> str:
        """See `Score.line`."""
        outputs = [i for i in self.target.indices if i != system.batch]
        total = f"{TOTAL}[{','.join(outputs)}]" if outputs else TOTAL
        return f"{total} = sum[{system.batch}](({self.prediction} - {self.target})**2)"

    @OVERFLOWING
    def total(self, predictions: Array, targets: Array) -> Array:
        """See `Score.total`."""
        return np.asarray(np.sum((predictions - targets) ** 2, axis=0))

    @OVERFLOWING
    def scale(self, targets: Array) -> Array:
        """See `Score.scale`."""
        return np.asarray(np.sum((targets - targets.mean(axis=0, dtype=np.float64)) ** 2, axis=0))

    @OVERFLOWING
    def values(self, totals: Array, scale: Array) -> Array:
        """See `Score.values`."""
        parts = np.where(scale > 0, 1 - totals / scale, totals == 0)
        return np.asarray(parts.reshape(len(parts), -1).mean(axis=1))


def score_of(system: System, arrays: Arrays) -> Score | None:
    """The score that fits what a system predicts of these data, or None where none does.

    It belongs to a prediction and to a given tensor that the prediction does not need: class
    numbers `y[n] in k` for `yhat[n,k]`, or numbers with the same axes, the samples first.
    """
    given = system.of_kind("given")
    for prediction in (system.tensors[name] for name in system.predictions):
        parts = prerequisites(system, [prediction.name]).expressions()
        read = {r.tensor for e in parts for r in references(e)}
        for target in given:
            if target.name in read:
                continue
            within = target.within
            if within and target.indices == tuple(i for i in prediction.indices if i != within):
                return Accuracy(prediction, target)
            if within is None and target.indices == prediction.indices:
                return _numeric(system, prediction, target, arrays[target.name])
    return None


def _numeric(system: System, prediction: Tensor, target: Tensor, targets: Array) -> Score | None:
    value = system.definitions[prediction.name][0].value
    if isinstance(value, Call) and value.function == "sigmoid" and _all(targets, 0, 1):
        return AccuracyOfHalves(prediction, target)
    if _all(targets, -1, 1):
        return AccuracyOfSigns(prediction, target)
    if system.batch and target.indices[0] == system.batch:
        return Determination(prediction, target)
    return None


def _all(targets: Array, low: int, high: int) -> bool:
    return bool(np.all((targets == low) | (targets == high)))
