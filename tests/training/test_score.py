"""Scores: accuracy and R² against scikit-learn, in training and on the rows held out."""

import numpy as np
import pytest

import whygrad as wg
from whygrad.training.batches import split
from whygrad.training.score import score_of

metrics = pytest.importorskip("sklearn.metrics")

ROWS = 40
rng = np.random.default_rng(6)
X = rng.normal(size=(ROWS, 3))


def whole(net: wg.Network, y: np.ndarray) -> tuple[float, float, str]:
    """The score of an epoch of one step and a network that hardly moves; that held out."""
    history = net.train(
        x=X, y=y, epochs=1, batch_size=ROWS, validation=0.3, optimizer=wg.SGD(1e-12), seed=3
    )
    return history.score[0], history.validation_score[0], history.measure


def parts(net: wg.Network, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return split(net.system, net.bind({"x": X, "y": y}, {}), 0.3, 3)


def agree(net: wg.Network, y: np.ndarray, measure: str, expected) -> None:
    net.init(seed=1, x=X, y=y)
    score, held_out_score, name = whole(net, y)
    predicted = net.predict(x=X)
    assert name == measure
    for rows, found in zip(parts(net, y), (score, held_out_score), strict=True):
        assert found == pytest.approx(expected(y[rows], predicted[rows]), rel=1e-9)


def test_r2_of_one_output() -> None:
    net = wg.Sequential([wg.Dense(1)], cost="half_squared_error")
    agree(net, X @ [1.0, 2.0, 0.0] + 5, "R²", lambda y, p: metrics.r2_score(y, p[:, 0]))


def test_r2_of_several_outputs_is_their_mean() -> None:
    net = wg.Sequential([wg.Dense(3, "tanh")], cost="absolute_error")
    y = np.stack([X[:, 0], 10 * X[:, 1] + X[:, 2], X[:, 2] ** 2], axis=1)
    agree(net, y, "R²", metrics.r2_score)


def test_r2_of_a_target_without_an_axis_of_outputs() -> None:
    net = wg.Network(
        """
        given x[n,i], y[n]
        batch n
        param w[i] ~ lecun
        yhat[n] = sum[i](w[i] * x[n,i])
        J = mean[n](abs(yhat[n] - y[n]))
        minimize J
        predict yhat
        """
    )
    agree(net, X[:, 0], "R²", metrics.r2_score)


def test_r2_of_targets_that_are_all_the_same() -> None:
    net = wg.Sequential([wg.Dense(2)], cost="half_squared_error")
    y = np.stack([np.full(ROWS, 3.0), X[:, 1]], axis=1)
    agree(net, y, "R²", metrics.r2_score)


def test_accuracy_of_classes() -> None:
    net = wg.Sequential([wg.Dense(4, "tanh"), wg.Dense(3)], cost="cross_entropy")
    y = np.arange(ROWS) % 3
    agree(net, y, "accuracy", lambda y, p: metrics.accuracy_score(y, p.argmax(axis=1)))


def test_accuracy_of_a_sigmoid() -> None:
    net = wg.Sequential([wg.Dense(1)], cost="binary_cross_entropy")
    y = (X[:, 0] > 0.3).astype(float)
    agree(net, y, "accuracy", lambda y, p: metrics.accuracy_score(y, p[:, 0] > 0.5))


def test_accuracy_of_several_sigmoids_counts_each() -> None:
    net = wg.Sequential([wg.Dense(2, "sigmoid")], cost="half_squared_error")
    y = (X[:, :2] > 0).astype(float)
    agree(net, y, "accuracy", lambda y, p: np.mean((p > 0.5) == y))


def test_accuracy_of_signs() -> None:
    net = wg.Sequential([wg.Dense(1)], cost="hinge")
    y = np.where(X[:, 0] > 0.3, 1.0, -1.0)
    agree(net, y, "accuracy", lambda y, p: metrics.accuracy_score(y, np.sign(p[:, 0])))


def test_probabilities_are_numbers_like_others() -> None:
    net = wg.Sequential([wg.Dense(1)], cost="binary_cross_entropy")
    agree(net, 1 / (1 + np.exp(X[:, 1])), "R²", lambda y, p: metrics.r2_score(y, p[:, 0]))


def test_an_accuracy_of_0_is_one() -> None:
    net = wg.Sequential([wg.Dense(2)], cost="cross_entropy").init(x=X, y=np.arange(ROWS) % 2)
    net.params["b1"] = [1e3, 0]
    history = net.train(x=X, y=np.ones(ROWS, int), epochs=3, optimizer=wg.SGD(1e-9), validation=0.1)
    assert history.score == history.validation_score == [0, 0, 0]


def test_a_score_in_batches_is_that_of_all_rows() -> None:
    net = wg.Sequential([wg.Dense(2)], cost="half_squared_error").init(seed=1, x=X, y=X[:, :2])
    history = net.train(x=X, y=X[:, :2], epochs=2, batch_size=7, optimizer=wg.SGD(1e-12))
    expected = metrics.r2_score(X[:, :2], net.predict(x=X))
    assert history.score == pytest.approx([expected] * 2, rel=1e-9)


@pytest.mark.parametrize(
    "text",
    [
        "param w ~ ones\nJ = w**2\nminimize J",
        "given x[n,i]\nbatch n\nparam w[i] ~ ones\np[n] = sum[i](w[i] * x[n,i])\n"
        "J = mean[n](p[n]**2)\nminimize J\npredict p",
        "given x[n,i], y[n]\nbatch n\nparam w[i] ~ ones\np[i] = w[i]\n"
        "J = mean[n](sum[i]((x[n,i] * w[i] - y[n])**2))\nminimize J\npredict p",
    ],
)
def test_where_nothing_fits_there_is_no_score(text: str) -> None:
    net = wg.Network(text)
    given = {t.name for t in net.system.of_kind("given")}
    data = {name: array for name, array in {"x": X, "y": X[:, 0]}.items() if name in given}
    history = net.init(data=data).train(data=data, epochs=2)
    assert history.measure == "" and history.score == [] and len(history) == 2


def test_a_score_too_large_for_numbers_is_no_warning() -> None:
    net = wg.Sequential([wg.Dense(1)], cost="absolute_error").init(seed=0, x=X, y=X[:, 0])
    net.params["w1"] = 1e200 * net.params["w1"]
    arrays = net.bind({"x": X, "y": X[:, 0]}, {})
    score = score_of(net.system, arrays)
    assert score is not None and score.measure(net.forward(data=arrays), arrays) == -np.inf


def test_the_scale_of_single_precision_is_computed_in_double() -> None:
    """Where all targets are the same, a mean that is rounded would make them differ."""
    targets = np.full((50_000, 2), 1000.3, np.float32)
    targets[:, 1] += np.arange(50_000, dtype=np.float32)
    net = wg.Sequential([wg.Dense(2)], cost="half_squared_error")
    score = score_of(net.system, {"x": targets, "y": targets})
    assert score is not None
    assert score.scale(targets) == pytest.approx(score.scale(targets.astype(np.float64)), rel=1e-9)
    assert score.scale(targets)[0] == pytest.approx(0, abs=1e-12)
