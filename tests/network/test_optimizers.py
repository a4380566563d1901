"""Optimisers against their algorithms written by hand, five steps long."""

import numpy as np
import pytest

import whygrad as wg

rng = np.random.default_rng(8)
X = rng.normal(size=(6, 3))
Y = rng.normal(size=(6, 2))
STEPS = 5


def network() -> wg.Network:
    net = wg.Sequential([wg.Dense(2)], cost="half_squared_error")
    return net.init(seed=4, x=X, y=Y)


def slopes(w: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    error = (X @ w + b - Y) / len(X)
    return X.T @ error, error.sum(axis=0)


def trained(optimizer: object) -> tuple[np.ndarray, np.ndarray]:
    net = network()
    net.train(x=X, y=Y, epochs=STEPS, batch_size=len(X), optimizer=optimizer)
    return net.params["w1"], net.params["b1"]


def by_hand(step) -> list[np.ndarray]:
    net = network()
    values = [net.params["w1"], net.params["b1"]]
    memory = [(np.zeros_like(v), np.zeros_like(v)) for v in values]
    for t in range(1, STEPS + 1):
        gradients = slopes(*values)
        for place, gradient in enumerate(gradients):
            change, memory[place] = step(gradient, *memory[place], t)
            values[place] = values[place] - change
    return values


def test_gradient_descent() -> None:
    expected = by_hand(lambda g, m, v, t: (0.1 * g, (m, v)))
    for value, wanted in zip(trained(wg.SGD(0.1)), expected, strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-12)


def test_momentum() -> None:
    def step(g, v, unused, t):
        v = 0.9 * v + g
        return 0.1 * v, (v, unused)

    for value, wanted in zip(trained(wg.SGD(0.1, momentum=0.9)), by_hand(step), strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-12)


def test_adam() -> None:
    def step(g, m, v, t):
        m = 0.8 * m + 0.2 * g
        v = 0.95 * v + 0.05 * g**2
        return 0.01 * (m / (1 - 0.8**t)) / (np.sqrt(v / (1 - 0.95**t)) + 1e-7), (m, v)

    optimizer = wg.Adam(0.01, beta1=0.8, beta2=0.95, eps=1e-7)
    for value, wanted in zip(trained(optimizer), by_hand(step), strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-12)


def test_numbers_of_numpy_are_numbers() -> None:
    plain, other = trained(wg.SGD(0.1)), trained(wg.SGD(np.float64(0.1)))
    assert (plain[0] == other[0]).all()


def test_an_optimiser_writes_equations() -> None:
    derivation = network().derive()
    slopes = {"w1": "δw1", "b1": "δb1"}
    system = derivation.simplified_system
    lines = wg.SGD(0.1, momentum=0.9).lines(system, slopes)
    for line in (
        "setting lr = 0.1",
        "setting momentum = 0.9",
        "state w1.v[i,k] ~ zeros",
        "w1.v_next[i,k] = momentum * w1.v[i,k] + δw1[i,k]",
        "w1.v[i,k] <- w1.v_next[i,k]",
        "w1[i,k] <- w1[i,k] - lr * w1.v_next[i,k]",
    ):
        assert line in lines
    wg.parse(str(system) + "\n".join(lines))


def test_a_parameter_that_the_text_updates_is_left_to_the_text() -> None:
    text = """
    given x[n], y[n]
    batch n
    param w ~ ones, b ~ zeros
    setting lr = 0.5
    J = mean[n]((w * x[n] + b - y[n])**2 / 2)
    minimize J
    w <- w - lr * δw / 10
    """
    net = wg.Network(text).init()
    x, y = np.array([1.0, 2.0]), np.array([0.0, 1.0])
    net.train(x=x, y=y, epochs=1, optimizer=wg.SGD(0.1))
    error = x - y
    assert net.params["w"] == pytest.approx(1 - 0.05 * (error * x).mean(), rel=1e-14)
    assert net.params["b"] == pytest.approx(-0.1 * error.mean(), rel=1e-14)


@pytest.mark.parametrize(
    "make",
    [
        lambda: wg.SGD(0),
        lambda: wg.SGD(float("nan")),
        lambda: wg.SGD(0.1, momentum=1),
        lambda: wg.Adam(-1),
        lambda: wg.Adam(beta1=1.5),
        lambda: wg.Adam(eps=0),
        lambda: wg.SGD("a"),
        lambda: wg.SGD(0.1, momentum="a"),
        lambda: wg.Adam(None),
        lambda: wg.Adam(True),
    ],
)
def test_numbers_that_make_no_sense_are_refused(make) -> None:
    with pytest.raises(wg.WhygradError, match="has to be"):
        make()
