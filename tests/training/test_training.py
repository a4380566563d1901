"""The mini-batch loop: it learns, repeats itself to the bit, holds rows out, and stops in time."""

from itertools import permutations

import numpy as np
import pytest

import whygrad as wg
from whygrad.training import History
from whygrad.training.batches import Samples, Shuffle, split
from whygrad.training.trainer import Trainer

from .problems import PROBLEMS


def blobs(count: int = 90) -> tuple[np.ndarray, np.ndarray]:
    """Three clouds of points in the plane."""
    rng = np.random.default_rng(0)
    y = np.arange(count) % 3
    centres = np.array([[0, 2], [2, -1], [-2, -1]])
    return centres[y] + 0.5 * rng.normal(size=(count, 2)), y


X, Y = blobs()


def classifier(seed: int = 0) -> wg.Network:
    net = wg.Sequential([wg.Dense(8, "tanh"), wg.Dense(3)], cost="cross_entropy")
    return net.init(seed=seed, x=X, y=Y)


def trained(**options: object) -> tuple[wg.Network, History]:
    net = classifier()
    defaults = {"epochs": 8, "batch_size": 16, "optimizer": wg.Adam(0.02)}
    return net, net.train(**{"x": X, "y": Y, **defaults, **options})


def test_training_learns() -> None:
    net, history = trained(epochs=30, validation=0.2)
    assert history.cost[-1] < 0.2 * history.cost[0]
    assert history.score[-1] > 0.95
    assert history.validation_score[-1] > 0.9
    assert (net.predict(x=X).argmax(axis=1) == Y).mean() > 0.95


def test_the_same_seed_gives_the_same_bits_and_another_seed_others() -> None:
    (a, first), (b, second), (c, third) = trained(seed=1), trained(seed=1), trained(seed=2)
    assert first == second and first != third
    assert all((a.params[name] == b.params[name]).all() for name in a.params)
    assert any((a.params[name] != c.params[name]).any() for name in a.params)


@pytest.mark.parametrize("threads", [None, 1, 2])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_engine_trains_to_the_same_values(dtype: str, threads: int | None) -> None:
    options = {"epochs": 5, "validation": 0.2, "dtype": dtype}
    expected, plain = trained(**options)
    net, history = trained(**options, engine="native", threads=threads)
    tolerance = 1e-10 if dtype == "float64" else 1e-3
    np.testing.assert_allclose(history.cost, plain.cost, rtol=tolerance)
    np.testing.assert_allclose(history.validation_cost, plain.validation_cost, rtol=tolerance)
    assert history.score == pytest.approx(plain.score)
    for name, array in expected.params.items():
        np.testing.assert_allclose(net.params[name], array, rtol=tolerance, atol=tolerance)


def test_a_step_is_the_gradient_of_its_batch() -> None:
    net = classifier()
    before = {name: array.copy() for name, array in net.params.items()}
    slopes = net.gradients(x=X, y=Y)
    net.train(x=X, y=Y, epochs=1, batch_size=len(X), optimizer=wg.SGD(0.5))
    for name, value in before.items():
        np.testing.assert_allclose(net.params[name], value - 0.5 * slopes[name], rtol=1e-12)


def test_accuracy_is_the_share_of_rows_that_are_right_in_each_epoch() -> None:
    net = classifier()
    for _ in range(2):
        right = (net.predict(x=X).argmax(axis=1) == Y).mean()
        history = net.train(x=X, y=Y, epochs=1, batch_size=len(X), optimizer=wg.SGD(0.5))
        assert history.score == [pytest.approx(right)]
    longer = net.train(x=X, y=Y, epochs=5, batch_size=16, optimizer=wg.SGD(0.1))
    assert max(longer.score) <= 1


def test_the_cost_of_an_epoch_is_the_mean_over_its_rows() -> None:
    net = classifier()
    history = net.train(x=X, y=Y, epochs=1, batch_size=40, optimizer=wg.SGD(1e-15))
    assert history.cost == [pytest.approx(net.forward(x=X, y=Y)["J"], rel=1e-12)]


def test_training_leaves_arrays_alone_that_were_handed_out_before() -> None:
    net = classifier()
    held = net.params["w1"]
    copy, data = held.copy(), X.copy()
    net.train(x=X, y=Y, epochs=1)
    assert (held == copy).all() and (net.params["w1"] != copy).any()
    assert (data == X).all()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_data_in_any_layout_are_brought_into_one_piece_once(dtype: str) -> None:
    """What is not would be copied in every slice of an epoch: slow where there are many rows."""
    expected, _ = trained(dtype=dtype)
    table = np.column_stack([Y, Y])
    data = {"x": np.asfortranarray(X), "y": table[:, 0]}
    net, _ = trained(dtype=dtype, **data)
    assert all((net.params[name] == array).all() for name, array in expected.params.items())
    assert net.run is not None
    arrays = Trainer(net, net.run, net.bind(data, {})).values
    assert all(array.flags.c_contiguous for array in arrays.values())


def test_each_epoch_has_an_order_of_its_own_by_the_seed() -> None:
    rows = np.array([3, 5, 7, 8, 9, 11, 20, 21, 30])
    shuffle, other = Shuffle(rows, seed=0), Shuffle(rows, seed=1)
    orders = [shuffle.places(9 * epoch, 9 * epoch + 9) for epoch in range(100)]
    assert all(sorted(order) == list(rows) for order in orders)
    assert len({tuple(order) for order in orders}) == 100
    assert (Shuffle(rows, seed=0).places(693, 702) == orders[77]).all()
    assert any((other.places(9 * k, 9 * k + 9) != orders[k]).any() for k in range(3))
    assert (shuffle.places(5, 40) == np.concatenate(orders)[5:40]).all()


@pytest.mark.parametrize("epochs", [(0, 1), (0, 4), (3, 14), (5, 30)])
def test_orders_are_uniform_and_those_of_two_epochs_independent(epochs: tuple[int, int]) -> None:
    """Over many seeds: all 6 orders of three rows, and all 36 pairs, are equally frequent."""
    orders = list(permutations(range(3)))
    counts = np.zeros((6, 6))
    for seed in range(3600):
        shuffle = Shuffle(np.arange(3), seed)
        drawn = (tuple(shuffle.places(3 * epoch, 3 * epoch + 3)) for epoch in epochs)
        counts[*map(orders.index, drawn)] += 1
    for observed in (counts.sum(axis=0), counts.sum(axis=1), counts.ravel()):
        expected = observed.mean()
        chi_square = ((observed - expected) ** 2 / expected).sum()
        assert chi_square < observed.size - 1 + 5 * np.sqrt(2 * observed.size)


def test_every_row_is_seen_once_an_epoch_and_the_last_batch_is_smaller() -> None:
    net = wg.Network(
        """
        given x[n]
        batch n
        param w ~ zeros
        state seen ~ zeros, steps ~ zeros, squares ~ zeros
        J = mean[n](w * x[n])
        minimize J
        seen <- seen + sum[n](x[n])
        squares <- squares + sum[n](x[n]**2)
        steps <- steps + 1
        """
    ).init()
    x = 2.0 ** np.arange(10)
    net.train(x=x, epochs=3, batch_size=4, optimizer=wg.SGD(0.1))
    assert net.states["steps"] == 3 * 3
    assert net.states["seen"] == 3 * x.sum()
    assert net.states["squares"] == 3 * (x**2).sum()


def test_rows_held_out_are_not_trained_on_and_hold_every_class() -> None:
    net, history = trained(epochs=2, validation=0.2)
    assert len(history.validation_cost) == 2
    _, held_out = split(net.system, {"x": X, "y": Y}, 0.2, seed=0)
    assert np.bincount(Y[held_out]).tolist() == [6, 6, 6]
    spoilt = X.copy()
    spoilt[held_out] = 100
    other, worse = trained(epochs=2, validation=0.2, x=spoilt)
    assert all((net.params[name] == other.params[name]).all() for name in net.params)
    assert worse.cost == history.cost and worse.validation_cost != history.validation_cost


@pytest.mark.parametrize("problem", PROBLEMS)
def test_the_validation_cost_is_that_of_prediction_after_the_epoch(problem: str) -> None:
    net, data = PROBLEMS[problem]()
    history = net.train(data=data, epochs=2, batch_size=7, validation=0.3, seed=8)
    samples = Samples(net.system, net.bind(data, {}))
    _, held_out = split(net.system, samples.arrays, 0.3, seed=8)
    expected = net.forward(data=samples.take(held_out), training=False)["J"]
    assert history.validation_cost[-1] == pytest.approx(expected, rel=1e-12)


def test_float32_is_nearly_the_same() -> None:
    net, _ = trained(epochs=2)
    single, _ = trained(epochs=2, dtype="float32")
    for name in net.params:
        difference = np.abs(net.params[name] - single.params[name]).max()
        assert 0 < difference < 1e-4


def test_dropout_and_running_means_are_equations() -> None:
    net = wg.Network(
        """
        given x[n,i], y[n] in k
        batch n
        size j = 12
        param w[i,j] ~ glorot, b[j] ~ zeros, u[j,k] ~ glorot, c[k] ~ zeros
        noise keep[n,j] ~ bernoulli(0.8)
        state centre[i] ~ zeros
        middle[i] = mean[n](x[n,i])
        s[n,i] = x[n,i] - where(training, middle[i], centre[i])
        a[n,j] = tanh(sum[i](s[n,i] * w[i,j]) + b[j])
        d[n,j] = where(training, keep[n,j] * a[n,j] / 0.8, a[n,j])
        yhat[n,k] = softmax[k](sum[j](d[n,j] * u[j,k]) + c[k])
        J = mean[n](-log(yhat[n,y[n]]))
        minimize J
        predict yhat
        centre[i] <- 0.9 * centre[i] + 0.1 * middle[i]
        """
    ).init(seed=0, x=X + 5, y=Y)
    history = net.train(x=X + 5, y=Y, epochs=40, batch_size=16, optimizer=wg.Adam(0.02))
    assert history.cost[-1] < history.cost[0] / 2
    np.testing.assert_allclose(net.states["centre"], (X + 5).mean(axis=0), atol=0.4)
    assert (net.predict(x=X + 5).argmax(axis=1) == Y).mean() > 0.9


def test_without_a_batch_index_a_step_takes_everything() -> None:
    net = wg.Network(
        """
        given target[i]
        param w[i] ~ zeros
        J = sum[i]((w[i] - target[i])**2 / 2)
        minimize J
        """
    ).init(target=[1.0, 2.0])
    net.train(target=[1.0, 2.0], epochs=200, optimizer=wg.SGD(0.1))
    np.testing.assert_allclose(net.params["w"], [1, 2], rtol=1e-6)
    with pytest.raises(wg.DataError, match="batch n"):
        net.train(target=[1.0, 2.0], epochs=1, validation=0.5)


# A training that goes bad


def exploding() -> tuple[wg.Network, dict[str, object]]:
    net = wg.Network(
        """
        given x[n]
        batch n
        param w ~ ones
        p[n] = w * x[n]
        q[n] = exp(p[n])
        J = mean[n](q[n])
        minimize J
        """
    ).init()
    return net, {"x": np.full(4, -3.0), "optimizer": wg.SGD(1e6), "batch_size": 4}


def test_a_cost_that_is_no_longer_finite_stops_and_says_where() -> None:
    net, options = exploding()
    net.params["w"] = -1
    with pytest.raises(wg.TrainingError) as caught:
        net.train(epochs=20, **{**options, "x": np.array([3.0, 3.0, 3.0, -3.0])})
    message = str(caught.value)
    assert "step 1: J is inf" in message and message.count("the first to go bad was q") == 1
    assert net.params["w"] == -1


def test_an_update_that_is_not_finite_stops_too() -> None:
    net = wg.Network(
        """
        param w ~ zeros
        J = sqrt(w)
        minimize J
        """
    ).init()
    with pytest.raises(wg.TrainingError, match="step 0: w <- is not finite") as caught:
        net.train(epochs=2, optimizer=wg.SGD(0.1))
    assert "has the last parameters whose cost was finite" in str(caught.value)
    assert net.params["w"] == 0


@pytest.mark.parametrize("slice_", [0, 0.1])
@pytest.mark.parametrize(
    ("lr", "dtype"), [(2.0, "float64"), (2.0, "float32"), (5.0, "float32"), (300.0, "float64")]
)
def test_it_goes_back_to_the_last_values_whose_cost_was_finite(
    lr: float, dtype: str, slice_: float, monkeypatch
) -> None:
    """Each step multiplies w by 1 - 2·lr, so the cost overflows after some epochs."""
    monkeypatch.setattr("whygrad.training.trainer.SLICE", slice_)
    text = """
    given x[n]
    batch n
    param w ~ ones
    J = mean[n]((w * x[n])**2)
    minimize J
    """
    net, x = wg.Network(text).init(), np.ones(12)
    with pytest.raises(wg.TrainingError) as caught:
        net.train(x=x, epochs=1000, batch_size=4, optimizer=wg.SGD(lr), dtype=dtype)
    one = np.dtype(dtype).type
    costs, w = [], one(1)
    with np.errstate(over="ignore"):
        while not costs or np.isfinite(costs[-1]):
            kept, w = w, w - one(lr) * one(2) * w
            costs.append(w * w * one(4))  # the sum of which the mean is made
    assert net.params["w"] == pytest.approx(kept, rel=1e-4)
    assert caught.value.step == len(costs)
    assert net.run is not None and net.run.kept == len(costs) - 1 == net.run.taken - 1
    assert net.history is not None and len(net.history) == len(costs) // 3


def test_the_first_to_go_bad_in_a_loop_is_named() -> None:
    net = wg.Network(
        """
        given x
        size t = 30
        param w ~ constant(3)
        h[-1] = x
        h[t] = w * h[t-1]**2
        J = h[29]
        minimize J
        """
    ).init()
    with pytest.raises(wg.TrainingError) as caught:
        net.train(x=2.0, epochs=1, optimizer=wg.SGD(0.1))
    assert "J is inf" in str(caught.value) and "the first to go bad was h" in str(caught.value)


# Options, history, progress


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "epochs has to be a whole number from 1 on, not 0"),
        ({"epochs": 2.5}, "epochs has to be a whole number from 1 on, not 2.5"),
        ({"batch_size": 0}, "batch_size has to be a whole number from 1 on, not 0"),
        ({"epochs": True}, "epochs has to be a whole number from 1 on, not True"),
        ({"batch_size": True}, "batch_size has to be a whole number from 1 on, not True"),
        ({"optimizer": "adam"}, "'adam' is no optimizer"),
        ({"optimizer": wg.Adam}, r"is no optimizer: write for example whygrad.Adam\(0.01\)"),
        ({"optimizer": 0}, "0 is no optimizer"),
        ({"validation": 1.0}, "validation is a share"),
        ({"validation": "a"}, "validation is a share .* not 'a'"),
        ({"validation": None}, "validation is a share .* not None"),
        ({"y": Y[:5], "validation": 0.2}, "index n has two sizes: 90 in x, 5 in y"),
        ({"validation": 0.001}, "holds out 0"),
        ({"dtype": "float16"}, "unknown dtype 'float16'; did you mean 'float"),
        ({"dtype": np.ones(2)}, "unknown dtype .*; known: float32, float64"),
        ({"engine": "fast"}, "unknown engine 'fast'"),
        ({"engine": "native", "threads": 0}, "threads has to be a whole number from 1 to 1024"),
        ({"threads": 10**9}, "threads has to be a whole number from 1 to 1024, not 1000000000"),
        ({"engine": "reference", "threads": 2}, "the engine reference takes no threads"),
        ({"engine": None}, "unknown engine None; known: .*reference"),
        ({"patience": 3}, "patience needs rows to validate on: pass for example validation=0.2"),
        ({"patience": 0, "validation": 0.2}, "patience has to be a whole number from 1 on"),
        ({"patience": True, "validation": 0.2}, "patience has to be a whole number from 1 on"),
        ({"data": 3}, "data has to go by names"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message: str) -> None:
    with pytest.raises(wg.WhygradError, match=message):
        trained(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size has to be a whole number from 1 on, not 0"),
        ({"optimizer": 3}, "3 is no optimizer: write for example"),
        ({"threads": "two"}, "threads has to be a whole number from 1 to 1024, not 'two'"),
        ({"dtype": "float16"}, "unknown dtype 'float16'"),
    ],
)
def test_the_program_is_of_options_that_make_sense(options, message: str) -> None:
    net = wg.Sequential([wg.Dense(3)], cost="cross_entropy")
    net.init(seed=0, x=X, y=Y)
    with pytest.raises(wg.WhygradError, match=message):
        net.program(x=X, y=Y, **options)


def test_numbers_too_large_for_float32_are_named() -> None:
    x = X.copy()
    x[7, 1], x[8, 0] = 1e38, -1e39
    net = wg.Sequential([wg.Dense(3)], cost="cross_entropy")
    net.init(seed=0, x=X, y=Y)
    with pytest.raises(wg.DataError, match=r"x\[8,0\] = -1e\+39 is too large for float32: scale"):
        net.train(x=x, y=Y, epochs=1, dtype="float32")


def test_an_untrained_network_has_to_be_initialised() -> None:
    net = wg.Sequential([wg.Dense(3)], cost="cross_entropy")
    with pytest.raises(wg.WhygradError, match=r"call net\.init"):
        net.train(x=X, y=Y, epochs=1)


def test_history_prints_as_a_table_of_a_dozen_epochs() -> None:
    _, history = trained(epochs=30, validation=0.2)
    lines = str(history).splitlines()
    assert lines[0].split("  ")[0].strip() == "epoch"
    assert "validation accuracy" in lines[0]
    assert len(lines) == 13
    assert lines[1].split()[0] == "1" and lines[-1].split()[0] == "30"
    assert len({len(line) for line in lines}) == 1


def test_without_progress_nothing_is_printed(capsys) -> None:
    trained(epochs=2)
    assert capsys.readouterr() == ("", "")
