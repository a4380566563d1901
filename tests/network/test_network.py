"""What can be asked of a network: its values, its predictions, its derivatives."""

from pathlib import Path

import numpy as np
import pytest

import whygrad as wg

TWO_NODES = """
given x[n], y[n]
batch n
param w1 ~ normal(0, 1), b1 ~ zeros, w2 ~ normal(0, 1), b2 ~ zeros
z1[n] = w1 * x[n] + b1
a1[n] = sigmoid(z1[n])
z2[n] = w2 * a1[n] + b2
yhat[n] = sigmoid(z2[n])
J = mean[n]((yhat[n] - y[n])**2 / 2)
minimize J
predict yhat
"""
X, Y = [0.5, -1.0, 2.0], [1.0, 0.0, 1.0]


@pytest.fixture
def net() -> wg.Network:
    net = wg.Network(TWO_NODES).init()
    net.params.update({"w1": 0.7, "b1": 0.1, "w2": -1.2, "b2": 0.3})
    return net


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def test_forward_gives_every_tensor_by_its_name(net: wg.Network) -> None:
    values = net.forward(x=X, y=Y)
    assert set(values) == set(net.system.tensors)
    a1 = sigmoid(0.7 * np.array(X) + 0.1)
    np.testing.assert_allclose(values["a1"], a1, rtol=1e-14)
    np.testing.assert_allclose(values["yhat"], sigmoid(-1.2 * a1 + 0.3), rtol=1e-14)


def test_the_two_node_network_by_hand(net: wg.Network) -> None:
    x, y = np.array(X), np.array(Y)
    a1 = sigmoid(0.7 * x + 0.1)
    yhat = sigmoid(-1.2 * a1 + 0.3)
    d2 = (yhat - y) / 3 * yhat * (1 - yhat)
    d1 = d2 * -1.2 * a1 * (1 - a1)
    slopes = net.gradients(x=X, y=Y, wrt=["w1", "b1", "w2", "b2", "x", "z1", "z2"])
    by_hand = {
        "w1": (d1 * x).sum(),
        "b1": d1.sum(),
        "w2": (d2 * a1).sum(),
        "b2": d2.sum(),
        "x": d1 * 0.7,
        "z1": d1,
        "z2": d2,
    }
    assert list(slopes) == list(by_hand)
    for name, value in by_hand.items():
        np.testing.assert_allclose(slopes[name], value, rtol=1e-13)


def test_gradients_are_those_of_the_parameters_unless_asked_otherwise(net: wg.Network) -> None:
    assert set(net.gradients(x=X, y=Y)) == {"w1", "b1", "w2", "b2"}
    assert set(net.gradients(x=X, y=Y, wrt="x")) == {"x"}


def test_prediction_needs_no_target_and_any_number_of_rows(net: wg.Network) -> None:
    np.testing.assert_allclose(net.predict(x=X), net.forward(x=X, y=Y)["yhat"], rtol=1e-15)
    assert net.predict(x=X * 5).shape == (15,)


def test_several_predictions_come_by_name() -> None:
    net = wg.Network(TWO_NODES.replace("predict yhat", "predict yhat, a1")).init()
    assert set(net.predict(x=X)) == {"yhat", "a1"}


def test_a_parameter_that_the_cost_does_not_reach_has_derivative_zero() -> None:
    text = """
        param w ~ ones, idle[i] ~ ones
        size i = 2
        J = w**2
        minimize J
        """
    with pytest.warns(UserWarning, match="idle"):
        net = wg.Network(text).init()
    assert net.gradients()["idle"].tolist() == [0, 0]


def test_noise_and_training_are_asked_for() -> None:
    net = wg.Network(
        """
        given x[n]
        batch n
        noise m[n] ~ bernoulli(0.5)
        param w ~ ones
        a[n] = where(training, 2 * m[n] * x[n], x[n])
        J = mean[n](w * a[n])
        minimize J
        """
    ).init()
    x = np.ones(64)
    assert net.forward(x=x)["J"] == 1
    dropped = net.forward(x=x, training=True, seed=1)["a"]
    assert set(dropped) == {0.0, 2.0}
    assert (dropped == net.forward(x=x, training=True, seed=1)["a"]).all()
    assert (dropped != net.forward(x=x, training=True, seed=2)["a"]).any()
    assert net.gradients(x=x, training=True, seed=1)["w"] == dropped.mean()


def test_forward_shows_noise_too() -> None:
    net = wg.Network("noise m[n] ~ normal(0, 1)\nsize n = 3\na[n] = 2 * m[n]").init()
    values = net.forward(training=True, seed=4)
    assert (values["a"] == 2 * values["m"]).all()


def test_settings_change_at_run_time() -> None:
    net = wg.Network(
        """
        param w ~ ones
        setting decay = 0.5
        J = decay * w**2
        minimize J
        """
    ).init()
    assert net.forward()["J"] == 0.5
    net.settings["decay"] = 3.0
    assert net.forward()["J"] == 3
    with pytest.raises(wg.DataError, match="did you mean 'decay'"):
        net.settings["decy"] = 1.0


def test_parameters_keep_their_names_and_shapes_and_are_finite() -> None:
    net = wg.Sequential([wg.Dense(2)], cost="squared_error").init(sizes={"i": 3})
    assert {name: array.shape for name, array in net.params.items()} == {"w1": (3, 2), "b1": (2,)}
    net.params["b1"] = [1, 2]
    assert net.params["b1"].dtype == np.float64
    with pytest.raises(wg.DataError, match=r"w1 has the shape \(3, 2\), but the array's is \(2,\)"):
        net.params["w1"] = [1, 2]
    with pytest.raises(wg.DataError, match=r"b1\[1\] is nan"):
        net.params["b1"] = [1, np.nan]
    with pytest.raises(wg.DataError, match="did you mean 'w1'"):
        net.params["w"]
    with pytest.raises(wg.DataError, match="there is no '3'"):
        net.params[3]
    with pytest.raises(wg.DataError, match="by names"):
        net.params.update(3)
    assert net.params["b1"].tolist() == [1, 2]


def test_sizes_come_from_data_or_are_given() -> None:
    layers = [wg.Dense(4, "tanh"), wg.Dense(3)]
    from_data = wg.Sequential(layers, cost="cross_entropy")
    from_data.init(seed=2, x=np.ones((5, 7)), y=[0, 1, 2, 1, 0])
    given = wg.Sequential(layers, cost="cross_entropy").init(seed=2, sizes={"i": 7})
    assert (from_data.params["w1"] == given.params["w1"]).all()


def test_a_size_that_only_a_person_knows_stays_known() -> None:
    net = wg.Network("given x[n]\nbatch n\na[t,n] = x[n] * t\nJ = mean[n](sum[t](a[t,n]))")
    net.init(sizes={"t": 4, "n": 7})
    assert net.forward(x=[1.0, 2.0])["J"] == 9


def test_data_may_have_another_length_than_at_init() -> None:
    text = """
    given x[n,t]
    batch n
    param w ~ ones
    h[n,-1] = 0
    h[n,t] = w * h[n,t-1] + x[n,t]
    J = mean[n](h[n,size(t)-1])
    minimize J
    """
    net = wg.Network(text).init(x=np.ones((2, 3)))
    assert net.forward(x=np.ones((2, 3)))["J"] == 3
    assert net.gradients(x=np.ones((4, 5)))["w"] == 4 + 3 + 2 + 1


def test_the_number_of_classes_comes_from_the_largest_one() -> None:
    net = wg.Network(
        """
        given x[n,i], y[n] in k
        batch n
        param w[i,k] ~ glorot
        z[n,k] = sum[i](x[n,i] * w[i,k])
        J = mean[n](logsumexp[k](z[n,k]) - z[n,y[n]])
        minimize J
        """
    ).init(x=np.ones((3, 2)), y=[0, 4, 1])
    assert net.params["w"].shape == (2, 5)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda net: net.params, "call net.init"),
        (lambda net: net.forward(x=X, y=Y), "call net.init"),
        (lambda net: net.predict(x=X), "call net.init"),
        (lambda net: net.derive(wrt=["w3"]), "no tensor 'w3'; did you mean"),
        (lambda net: net.init(sizes={"m": 3}), "no index 'm'"),
    ],
)
def test_what_cannot_be_asked_yet(ask, message: str) -> None:
    with pytest.raises(wg.WhygradError, match=message):
        ask(wg.Network(TWO_NODES))


@pytest.mark.parametrize("seed", [None, "a", 1.5, -1, 2**64, True])
@pytest.mark.parametrize(
    "ask",
    [
        lambda net, seed: net.init(seed=seed),
        lambda net, seed: net.forward(x=X, y=Y, seed=seed),
        lambda net, seed: net.gradients(x=X, y=Y, seed=seed),
        lambda net, seed: net.train(x=X, y=Y, epochs=1, seed=seed),
    ],
)
def test_a_seed_is_a_whole_number_of_64_bits(net: wg.Network, ask, seed: object) -> None:
    with pytest.raises(wg.DataError, match="seed has to be a whole number from 0 to 18446744"):
        ask(net, seed)


def test_a_seed_of_numpy_is_a_seed() -> None:
    drawn = [wg.Network(TWO_NODES).init(seed=seed).params["w1"] for seed in (3, np.int64(3))]
    assert drawn[0] == drawn[1]
    wg.Network(TWO_NODES).init(seed=2**64 - 1)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        (3, "sizes has to go by names, .* of type int"),
        ({1: 2}, "sizes has to go by names, .* the key 1"),
        ({"i": "a"}, "the size of i has to be a whole number from 1 on, not 'a'"),
        ({"i": True}, "the size of i has to be a whole number from 1 on, not True"),
        ({"i": 10**12}, r"w1\[i,k\] would hold 2,000,000,000,000 numbers: .* at most"),
    ],
)
def test_sizes_that_make_no_sense_are_refused(sizes, message: str) -> None:
    net = wg.Sequential([wg.Dense(2)], cost="huber")
    with pytest.raises((wg.DataError, wg.SizeError), match=message):
        net.init(sizes=sizes)


@pytest.mark.parametrize(
    ("wrt", "message"),
    [
        (3, "wrt has to be a tensor's name or a list of names, not 3"),
        ([3], r"wrt has to be a tensor's name or a list of names, not \[3\]"),
        ([["w1"]], "wrt has to be a tensor's name or a list of names"),
        ([], "wrt is empty: it has to name at least one tensor"),
        ("J", "J is the cost itself: ∂J/∂J = 1"),
        (["w1", "J"], "J is the cost itself"),
    ],
)
@pytest.mark.parametrize(
    "ask",
    [
        lambda net, wrt: net.derive(wrt),
        lambda net, wrt: net.gradients(x=X, y=Y, wrt=wrt),
        lambda net, wrt: net.check(x=X, y=Y, wrt=wrt),
    ],
)
def test_what_has_no_derivative_is_refused(net: wg.Network, ask, wrt, message: str) -> None:
    with pytest.raises(wg.DataError, match=message):
        ask(net, wrt)


def test_a_size_left_open_names_its_index() -> None:
    net = wg.Sequential([wg.Dense(3)], cost="cross_entropy")
    with pytest.raises(wg.SizeError, match=r"\bi\b"):
        net.init(seed=0)


def test_class_numbers_have_no_derivative() -> None:
    net = wg.Sequential([wg.Dense(3)], cost="cross_entropy").init(sizes={"i": 2})
    with pytest.raises(wg.DataError, match="'y' holds whole numbers"):
        net.derive(wrt=["y"])


def test_texts_without_cost_or_prediction_say_so() -> None:
    net = wg.Network("given x[n]\nbatch n\na[n] = 2 * x[n]").init()
    assert net.forward(x=[1.0])["a"].tolist() == [2]
    with pytest.raises(wg.WhygradError, match="minimize J"):
        net.derive()
    with pytest.raises(wg.WhygradError, match="predict yhat"):
        net.predict(x=[1.0])


def test_a_notebook_shows_the_equations(net: wg.Network) -> None:
    shown = net._repr_latex_()
    assert shown.startswith("$") and shown.endswith("$")
    assert net.latex() in shown
    assert r"\sigma\left(z^{(1)}_{n}\right)" in net.latex()


def test_a_network_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "two.wg"
    path.write_text(TWO_NODES, encoding="utf-8")
    assert wg.read(path).system == wg.Network(TWO_NODES).system
    with pytest.raises(wg.WhygradError, match=r"cannot read .*three.wg: No such file"):
        wg.read(tmp_path / "three.wg")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(wg.WhygradError, match="no UTF-8"):
        wg.read(path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: wg.read(None), "a file's name is expected, not None"),
        (lambda: wg.read(3), "a file's name is expected, not 3"),
        (lambda: wg.read(b"x"), "a file's name is expected, not b'x'"),
        (lambda: wg.read("a\0b"), "cannot read .*: embedded null"),
        (lambda: wg.parse(3), "the text of a network is expected, and this is of type int"),
        (lambda: wg.Network(3), "a network is made from its text"),
    ],
)
def test_what_is_no_text_and_no_file_is_refused(make, message: str) -> None:
    with pytest.raises(wg.WhygradError, match=message):
        make()
