"""The comparison with scikit-learn is fair: the same rows, the same network, the same steps."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn")

from benchmarks import tables
from benchmarks.tables import Task
from sklearn.datasets import load_diabetes, load_wine
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

import whygrad as wg

WINE = Task("wine", load_wine, 3, ("classifier",))
DIABETES = Task("diabetes", load_diabetes, 3, ("regressor", "regressor, target standardised"))


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_from_the_same_start_both_take_the_same_steps(
    kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All rows to a step, no penalty, and ε so small that it does not matter where it stands."""
    x, y = (load_wine if kind is MLPClassifier else load_diabetes)(return_X_y=True)
    x = StandardScaler().fit_transform(x)
    is_classifier = kind is MLPClassifier
    target = y if is_classifier else ((y - y.mean()) / y.std())[:, np.newaxis]
    start: dict[str, np.ndarray] = {}
    original = kind._initialize

    def noted(self: object, *args: object) -> None:
        original(self, *args)
        for k, (w, b) in enumerate(zip(self.coefs_, self.intercepts_, strict=True), 1):
            start[f"w{k}"], start[f"b{k}"] = w.copy(), b.copy()

    monkeypatch.setattr(kind, "_initialize", noted)
    theirs = kind(hidden_layer_sizes=(8, 4), batch_size=len(y), max_iter=30, alpha=0, epsilon=1e-14)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs.set_params(random_state=0).fit(x, target if is_classifier else target[:, 0])
    net = wg.Sequential(
        [wg.Dense(8, "relu"), wg.Dense(4, "relu"), wg.Dense(3 if is_classifier else 1)],
        cost="cross_entropy" if is_classifier else "half_squared_error",
    ).init(x=x, y=target)
    net.params.update(start)
    net.train(x=x, y=target, epochs=30, batch_size=len(y), optimizer=wg.Adam(0.001, eps=1e-14))
    for k, (w, b) in enumerate(zip(theirs.coefs_, theirs.intercepts_, strict=True), 1):
        assert net.params[f"w{k}"] == pytest.approx(w, abs=1e-9)
        assert net.params[f"b{k}"] == pytest.approx(b, abs=1e-9)
    assert net.history is not None
    assert net.history.cost == pytest.approx(theirs.loss_curve_, rel=1e-9)


@pytest.mark.parametrize("task", [WINE, DIABETES])
def test_the_rows_held_out_are_a_quarter_of_each_class_and_never_trained_on(task: Task) -> None:
    _, y = task.load(return_X_y=True)
    train, test = tables.split(task, y, seed=1)
    assert sorted([*train, *test]) == list(range(len(y)))
    assert len(test) == pytest.approx(len(y) / 4, abs=1)
    if task.has_classes:
        assert np.bincount(y[test]) == pytest.approx(np.bincount(y) / 4, abs=1)


@pytest.mark.parametrize("task", [WINE, DIABETES])
def test_both_scores_are_had_from_data_and_a_seed_alone(task: Task) -> None:
    x, y = task.load(return_X_y=True)
    own = tables.ours(task, x, y, seed=2)
    assert own == tables.ours(task, x, y, seed=2)
    assert own <= 1
    others = [tables.theirs(task, rival, x, y, seed=2) for rival in task.rivals]
    assert all(other <= 1 for other in others)
    assert len({own, *others}) == 1 + len(others)


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ([0.9, 0.9, 0.9], "not below"),
        ([0.81, 0.81, 0.81], "within one deviation"),
        ([0.7, 0.7, 0.7], "BELOW"),
    ],
)
def test_a_mean_is_judged_by_the_deviation_of_the_other(own: list[float], expected: str) -> None:
    assert tables.verdict(own, [0.8, 0.9, 1.0]) == expected
