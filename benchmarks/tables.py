"""Held-out scores beside those of scikit-learn's MLP: `python -m benchmarks.tables`.

Four tables that come with scikit-learn, five seeds. Both get the same rows to train on and to
be judged by (a quarter, of each class alike), the same layers, epochs, batch size and learning
rate, both by Adam. whygrad standardises the columns itself; scikit-learn gets them
standardised. Where numbers are predicted whygrad standardises the target as well, so
scikit-learn is asked twice: with the target as it is, and standardised.

The score is accuracy or R². A table is passed where the mean is not below scikit-learn's by
more than the standard deviation of scikit-learn's own scores.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any

import numpy as np
import polars as pl
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import whygrad as wg

SEEDS = range(5)
HIDDEN = (32, 16)
BATCH_SIZE = 32
LEARNING_RATE = 0.001
TARGET = "target"

Array = np.ndarray[Any, Any]
Judge = Callable[[Array, Array, Array, Array, int], float]


@dataclass(frozen=True)
class Task:
    """A table, how long to train on it, and what it is compared with."""

    name: str
    load: Callable[..., tuple[Array, Array]]
    epochs: int
    rivals: tuple[str, ...]

    @property
    def has_classes(self) -> bool:
        return "classifier" in self.rivals


TASKS = (
    Task("wine", load_wine, 100, ("classifier",)),
    Task("breast cancer", load_breast_cancer, 50, ("classifier",)),
    Task("digits", load_digits, 40, ("classifier",)),
    Task("diabetes", load_diabetes, 50, ("regressor", "regressor, target standardised")),
)


def ours(task: Task, x: Array, y: Array, seed: int) -> float:
    """The score of whygrad on the rows held out."""
    outputs = len(np.unique(y)) if task.has_classes else 1
    cost = "cross_entropy" if task.has_classes else "half_squared_error"
    layers = [*(wg.Dense(width, "relu") for width in HIDDEN), wg.Dense(outputs)]
    net = wg.Sequential(layers, cost=cost)
    train, test = (frame(x[rows], y[rows]) for rows in split(task, y, seed))
    net.fit(
        train,
        target=TARGET,
        epochs=task.epochs,
        batch_size=BATCH_SIZE,
        optimizer=wg.Adam(LEARNING_RATE),
        validation=0.0,
        engine="native",
        seed=seed,
    )
    return net.score(test)


def theirs(task: Task, rival: str, x: Array, y: Array, seed: int) -> float:
    """The score of scikit-learn on the rows held out, trained for as many epochs to the end."""
    kind = MLPClassifier if task.has_classes else MLPRegressor
    network = kind(
        hidden_layer_sizes=HIDDEN,
        activation="relu",
        learning_rate_init=LEARNING_RATE,
        batch_size=BATCH_SIZE,
        max_iter=task.epochs,
        n_iter_no_change=task.epochs,
        random_state=seed,
    )
    model = make_pipeline(StandardScaler(), network)
    if rival.endswith("standardised"):
        model = TransformedTargetRegressor(model, transformer=StandardScaler())
    train, test = split(task, y, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return float(model.fit(x[train], y[train]).score(x[test], y[test]))


def split(task: Task, y: Array, seed: int) -> tuple[Array, Array]:
    """The rows to train on and those held out."""
    classes = y if task.has_classes else None
    rows = np.arange(len(y))
    train, test = train_test_split(rows, test_size=0.25, random_state=seed, stratify=classes)
    return train, test


def frame(x: Array, y: Array) -> pl.DataFrame:
    """The same as a table with a column for each input."""
    return pl.DataFrame({**{f"x{i}": column for i, column in enumerate(x.T)}, TARGET: y})


def verdict(own: Sequence[float], other: Sequence[float]) -> str:
    """How the means compare, in standard deviations of the other's scores."""
    gap = mean(own) - mean(other)
    if gap >= 0:
        return "not below"
    return "within one deviation" if -gap <= stdev(other) else "BELOW"


def scores(values: Sequence[float]) -> str:
    return f"{mean(values):.4f} ± {stdev(values):.4f}"


def main() -> int:
    """Print a line for each comparison; 1 if whygrad is below in any of them."""
    below = 0
    for task in TASKS:
        x, y = task.load(return_X_y=True)
        own = [ours(task, x, y, seed) for seed in SEEDS]
        print(f"{task.name}, {task.epochs} epochs: whygrad {scores(own)}", flush=True)
        for rival in task.rivals:
            other = [theirs(task, rival, x, y, seed) for seed in SEEDS]
            found = verdict(own, other)
            below |= found == "BELOW"
            print(f"    scikit-learn's {rival} {scores(other)}: {found}", flush=True)
    return int(below)


if __name__ == "__main__":
    sys.exit(main())
