"""Each cost against its formula in NumPy, and its derivative as a lecturer writes it.

What a cost writes is also differentiated by JAX, as an oracle.
"""

import numpy as np
import pytest
from scipy.special import expit, log_softmax, xlogy
from tests.oracle.agreement import disagreements

import whygrad as wg
from whygrad.network import costs

N, WIDTH, K = 7, 4, 3
rng = np.random.default_rng(5)
X = rng.normal(size=(N, WIDTH))
NUMBERS = rng.normal(size=(N, K))
CLASSES = np.array([0, 1, 2, 2, 1, 0, 2])
BITS = (NUMBERS > 0).astype(float)


def network(cost: str, activation: str | None, y: object, width: int = K) -> wg.Network:
    net = wg.Sequential([wg.Dense(width, activation)], cost=cost)
    return net.init(seed=3, x=X, y=y)


def pre_activation(net: wg.Network) -> np.ndarray:
    return X @ net.params["w1"] + net.params["b1"]


@pytest.mark.parametrize(
    ("cost", "formula"),
    [
        ("half_squared_error", lambda e: e**2 / 2),
        ("squared_error", lambda e: e**2),
        ("absolute_error", np.abs),
        ("huber", lambda e: np.where(np.abs(e) <= 1, e**2 / 2, np.abs(e) - 0.5)),
    ],
)
def test_costs_of_numbers_sum_over_outputs_and_average_over_samples(cost, formula) -> None:
    net = network(cost, "tanh", NUMBERS)
    yhat = np.tanh(pre_activation(net))
    J = net.forward(x=X, y=NUMBERS)["J"]
    np.testing.assert_allclose(J, formula(yhat - NUMBERS).sum(axis=1).mean(), rtol=1e-13)
    np.testing.assert_allclose(net.predict(x=X), yhat, rtol=1e-13)


@pytest.mark.parametrize("activation", [None, "softmax"])
def test_cross_entropy_is_the_same_from_logits_and_from_probabilities(activation) -> None:
    net = network("cross_entropy", activation, CLASSES)
    z = pre_activation(net)
    expected = -log_softmax(z, axis=1)[np.arange(N), CLASSES].mean()
    np.testing.assert_allclose(net.forward(x=X, y=CLASSES)["J"], expected, rtol=1e-13)
    np.testing.assert_allclose(net.predict(x=X).sum(axis=1), 1, rtol=1e-13)


@pytest.mark.parametrize("activation", [None, "sigmoid"])
def test_binary_cross_entropy_is_the_same_from_logits_and_from_probabilities(activation) -> None:
    net = network("binary_cross_entropy", activation, BITS)
    p = expit(pre_activation(net))
    expected = -(xlogy(BITS, p) + xlogy(1 - BITS, 1 - p)).sum(axis=1).mean()
    np.testing.assert_allclose(net.forward(x=X, y=BITS)["J"], expected, rtol=1e-12)
    np.testing.assert_allclose(net.predict(x=X), p, rtol=1e-13)


def test_hinge_of_several_classes_counts_the_strongest_rival() -> None:
    net = network("hinge", None, CLASSES)
    scores = pre_activation(net)
    own = scores[np.arange(N), CLASSES]
    rivals = np.where(np.arange(K) == CLASSES[:, None], -np.inf, scores).max(axis=1)
    expected = np.maximum(0, 1 + rivals - own).mean()
    np.testing.assert_allclose(net.forward(x=X, y=CLASSES)["J"], expected, rtol=1e-13)


def test_hinge_of_two_classes_is_the_margin() -> None:
    signs = np.where(CLASSES > 1, 1, -1)
    net = network("hinge", None, signs, width=1)
    expected = np.maximum(0, 1 - signs * pre_activation(net)[:, 0]).mean()
    np.testing.assert_allclose(net.forward(x=X, y=signs)["J"], expected, rtol=1e-13)


@pytest.mark.parametrize(
    ("cost", "activation", "y"),
    [
        ("half_squared_error", None, NUMBERS),
        ("binary_cross_entropy", None, BITS),
        ("binary_cross_entropy", "sigmoid", BITS),
        ("cross_entropy", None, CLASSES),
        ("cross_entropy", "softmax", CLASSES),
    ],
)
def test_where_cost_and_activation_fit_the_derivative_is_the_error(cost, activation, y) -> None:
    net = network(cost, activation, y)
    target = np.eye(K)[CLASSES] if y is CLASSES else y
    error = (net.predict(x=X) - target) / N
    slopes = net.gradients(x=X, y=y, wrt=["z1"])
    np.testing.assert_allclose(slopes["z1"], error, atol=1e-15)
    np.testing.assert_allclose(net.gradients(x=X, y=y)["w1"], X.T @ error, atol=1e-14)


COSTS = [
    ("half_squared_error", "tanh", NUMBERS, K),
    ("squared_error", None, NUMBERS, K),
    ("absolute_error", None, NUMBERS, K),
    ("huber", None, 3 * NUMBERS, K),
    ("hinge", None, CLASSES, K),
    ("hinge", None, np.where(CLASSES > 1, 1, -1), 1),
    ("binary_cross_entropy", None, BITS, K),
    ("binary_cross_entropy", "softmax", BITS, K),
    ("binary_cross_entropy", "sigmoid", BITS, K),
    ("cross_entropy", None, CLASSES, K),
    ("cross_entropy", "softmax", CLASSES, K),
]


def test_the_list_names_every_cost() -> None:
    assert {cost for cost, *_ in COSTS} == set(costs.COSTS)


@pytest.mark.parametrize(("cost", "activation", "y", "width"), COSTS)
def test_both_forms_of_the_derivatives_agree_with_jax(cost, activation, y, width) -> None:
    net = network(cost, activation, y, width)
    arrays = {"x": X, "y": y.reshape(N, 1) if width == 1 else y, **net.params}
    sizes = {"n": N, "i": WIDTH, "k": width}
    wrong = disagreements(net.system, sizes, arrays, ["w1", "b1", "x", "z1"])
    assert "\n".join(map(str, wrong)) == ""


@pytest.mark.parametrize(("cost", "activation", "y", "width"), COSTS)
def test_derivatives_agree_with_central_differences(cost, activation, y, width) -> None:
    net = network(cost, activation, y, width)
    slopes = net.gradients(x=X, y=y)
    for name in ("w1", "b1"):
        start = net.params[name].copy()
        for place in np.ndindex(start.shape):
            costs = []
            for step in (1e-6, -1e-6):
                moved = start.copy()
                moved[place] += step
                net.params[name] = moved
                costs.append(net.forward(x=X, y=y)["J"])
            net.params[name] = start
            assert slopes[name][place] == pytest.approx((costs[0] - costs[1]) / 2e-6, abs=1e-8)


@pytest.mark.parametrize("gap", [40.0, 800.0])
@pytest.mark.parametrize("activation", [None, "softmax"])
def test_cross_entropy_does_not_overflow(activation, gap: float) -> None:
    net = wg.Sequential([wg.Dense(2, activation, bias=False)], cost="cross_entropy")
    net.init(sizes={"i": 1})
    net.params["w1"] = [[gap, 0.0]]
    J = net.forward(x=[[1.0]], y=[1])["J"]
    slope = net.gradients(x=[[1.0]], y=[1])["w1"]
    np.testing.assert_allclose(J, gap, rtol=1e-12)
    np.testing.assert_allclose(slope, [[1.0, -1.0]], rtol=1e-12)


@pytest.mark.parametrize("z", [-800.0, -40.0, 40.0, 800.0])
@pytest.mark.parametrize("activation", [None, "sigmoid"])
def test_binary_cross_entropy_does_not_overflow(activation, z: float) -> None:
    net = wg.Sequential([wg.Dense(1, activation, bias=False)], cost="binary_cross_entropy")
    net.init(sizes={"i": 1})
    net.params["w1"] = [[z]]
    J = net.forward(x=[[1.0]], y=[0])["J"]
    np.testing.assert_allclose(J, np.logaddexp(0, z), rtol=1e-12)
    np.testing.assert_allclose(net.gradients(x=[[1.0]], y=[0])["w1"], [[expit(z)]], rtol=1e-12)
