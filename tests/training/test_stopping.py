"""Early stopping: it waits as long as asked, and the network then has its best values."""

import numpy as np
import pytest

import whygrad as wg
from whygrad.training import History
from whygrad.training.batches import split

from .problems import PROBLEMS, regression, same, values


def overfitted(**options: object) -> tuple[wg.Network, History, dict]:
    """Too many weights on too few rows: the cost on the rows held out rises again."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 8)), rng.normal(size=30)
    net = wg.Sequential([wg.Dense(16, "tanh"), wg.Dense(1)], cost="half_squared_error")
    net.init(seed=0, x=x, y=y)
    defaults = {"epochs": 80, "validation": 0.3, "optimizer": wg.Adam(0.03), "seed": 2}
    return net, net.train(x=x, y=y, **{**defaults, **options}), {"x": x, "y": y}


def test_it_stops_after_so_many_epochs_without_a_better_one() -> None:
    _, history, _ = overfitted(patience=5)
    best = int(np.argmin(history.validation_cost)) + 1
    assert len(history) == best + 5 < 80
    assert history.best == best
    _, whole, _ = overfitted()
    assert whole.validation_cost[: len(history)] == history.validation_cost
    waits = np.diff(
        np.flatnonzero(history.validation_cost <= np.minimum.accumulate(history.validation_cost))
    )
    assert max(waits, default=0) <= 5


def test_the_network_has_the_values_of_the_best_epoch() -> None:
    net, history, data = overfitted(patience=5)
    shorter, _, _ = overfitted(epochs=history.best)
    assert same(values(net), values(shorter))
    _, held_out = split(net.system, net.bind(data, {}), 0.3, 2)
    cost = net.forward(x=data["x"][held_out], y=data["y"][held_out])["J"]
    assert cost == pytest.approx(min(history.validation_cost), rel=1e-12)


def test_it_goes_back_also_where_it_was_not_stopped() -> None:
    net, history, _ = overfitted(patience=1000, epochs=40)
    shorter, _, _ = overfitted(epochs=history.best)
    assert len(history) == 40 and history.best is not None and history.best < 40
    assert same(values(net), values(shorter))
    assert net.run is not None
    assert (net.run.taken, net.run.kept) == (40, history.best)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_states_go_back_too(problem: str) -> None:
    net, data = PROBLEMS[problem]()
    options = {"batch_size": 7, "validation": 0.2, "optimizer": wg.SGD(2.0), "seed": 1}
    history = net.train(data=data, epochs=12, patience=2, **options)
    assert history.best is not None and history.best < len(history)
    shorter, _ = PROBLEMS[problem]()
    shorter.train(data=data, epochs=history.best, **options)
    assert same(values(net), values(shorter))


def test_a_training_that_only_gets_better_keeps_its_last_values() -> None:
    net, data = regression()
    options = {"epochs": 5, "validation": 0.2, "optimizer": wg.SGD(0.01)}
    history = net.train(data=data, patience=1, **options)
    plain, _ = regression()
    plain.train(data=data, **options)
    assert history.best == len(history) == 5
    assert same(values(net), values(plain))


def test_as_good_as_before_is_not_better() -> None:
    net, data = regression()
    history = net.train(data=data, epochs=9, validation=0.2, patience=3, optimizer=wg.SGD(1e-300))
    assert history.best == 1 and len(history) == 4


def test_without_patience_nothing_goes_back() -> None:
    _, history, _ = overfitted(epochs=40)
    assert history.best is None and history.note == ""


def test_the_history_says_which_epoch_was_kept() -> None:
    _, history, _ = overfitted(patience=3)
    note = f"the values kept are those of epoch {history.best}, the best on rows held out"
    assert history.note == note and str(history).endswith(note)


def test_the_history_says_that_no_epoch_could_be_compared() -> None:
    net = wg.Network(
        """
        given x[n], y[n]
        batch n
        param w ~ zeros
        J = mean[n]((w * x[n] - y[n])**2 / x[n])
        minimize J
        """
    )
    net.init(seed=0)
    data = {"x": np.ones(10), "y": np.ones(10)}
    _, held_out = split(net.system, data, 0.2, 0)
    data["x"][held_out] = 0
    history = net.train(data=data, epochs=9, validation=0.2, patience=3, optimizer=wg.SGD(0.1))
    assert len(history) == 3 and history.best == 0
    assert (
        history.note == "no cost on rows held out was a finite number: the values reached are kept"
    )
    assert str(history).endswith(history.note)
    assert History.from_json(history.to_json()) == history
