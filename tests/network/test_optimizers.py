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


# Penalties: they touch w1[i,k] and leave the biases b1[k] alone


def sgd(gradient, m, v, t):
    return 0.1 * gradient, (m, v)


def momentum(gradient, v, unused, t):
    v = 0.9 * v + gradient
    return 0.1 * v, (v, unused)


def adam(gradient, m, v, t):
    m = 0.9 * m + (1 - 0.9) * gradient
    v = 0.999 * v + (1 - 0.999) * gradient**2
    return 0.1 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8), (m, v)


KINDS = [
    (sgd, lambda **penalties: wg.SGD(0.1, **penalties)),
    (momentum, lambda **penalties: wg.SGD(0.1, momentum=0.9, **penalties)),
    (adam, lambda **penalties: wg.Adam(0.1, **penalties)),
]


@pytest.mark.parametrize(("step", "make"), KINDS)
def test_penalties_against_the_algorithm_by_hand(step, make) -> None:
    l1, l2, decay = 0.03, 0.07, 0.2
    w, b = network().params["w1"], network().params["b1"]
    memory = {"w": (np.zeros_like(w),) * 2, "b": (np.zeros_like(b),) * 2}
    for t in range(1, STEPS + 1):
        gradient, bias_gradient = slopes(w, b)
        change, memory["w"] = step(gradient + l2 * w + l1 * np.sign(w), *memory["w"], t)
        bias_change, memory["b"] = step(bias_gradient, *memory["b"], t)
        w, b = w - change - 0.1 * decay * w, b - bias_change
    found = trained(make(l1=l1, l2=l2, weight_decay=decay))
    for value, wanted in zip(found, (w, b), strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-10)


def test_as_in_pytorch() -> None:
    """PyTorch's penalties touch biases too: compared on a network that has none."""
    torch = pytest.importorskip("torch")
    text = """
    given x[n,i], y[n,k]
    batch n
    param w[i,k] ~ glorot
    J = mean[n](sum[k]((sum[i](x[n,i] * w[i,k]) - y[n,k])**2))
    minimize J
    """
    cases = [
        (wg.SGD(0.1, l2=0.3), lambda p: torch.optim.SGD(p, lr=0.1, weight_decay=0.3)),
        (
            wg.SGD(0.1, momentum=0.8),
            lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.8),
        ),
        (
            wg.Adam(0.1, l2=0.3, beta1=0.7),
            lambda p: torch.optim.Adam(p, lr=0.1, weight_decay=0.3, betas=(0.7, 0.999)),
        ),
        (
            wg.Adam(0.1, weight_decay=0.3),
            lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0.3),
        ),
    ]
    x, y = torch.tensor(X), torch.tensor(Y)
    for ours, theirs in cases:
        net = wg.Network(text).init(seed=1, x=X, y=Y)
        weight = torch.tensor(net.params["w"].copy(), requires_grad=True)
        optimizer = theirs([weight])
        for _ in range(STEPS):
            optimizer.zero_grad()
            ((x @ weight - y) ** 2).sum(dim=1).mean().backward()
            optimizer.step()
        net.train(x=X, y=Y, epochs=STEPS, batch_size=len(X), optimizer=ours)
        np.testing.assert_allclose(net.params["w"], weight.detach().numpy(), rtol=1e-7)


def test_l1_does_not_push_a_weight_that_is_0() -> None:
    net = network()
    net.params["w1"] = 0 * net.params["w1"]
    net.train(x=0 * X, y=Y, epochs=1, batch_size=len(X), optimizer=wg.SGD(0.1, l1=0.5))
    assert (net.params["w1"] == 0).all()


# Other numbers make no other program


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (wg.SGD(0.1), wg.SGD(0.2)),
        (
            wg.SGD(0.1, momentum=0.5, l1=1, l2=2, weight_decay=3),
            wg.SGD(0.2, momentum=0.6, l1=2, l2=3, weight_decay=4),
        ),
        (wg.Adam(0.1), wg.Adam(0.2, beta1=0.8, beta2=0.9, eps=1e-3)),
        (wg.SGD(wg.Step(0.1, 2, 0.1)), wg.SGD(wg.Step(0.2, 3, 0.2))),
        (wg.SGD(wg.Exponential(0.1, 0.5)), wg.SGD(wg.Exponential(0.2, 0.6))),
        (wg.SGD(wg.Cosine(0.1)), wg.SGD(wg.Cosine(0.2, 0.1, 7))),
    ],
)
def test_other_numbers_compile_nothing_new(one, other, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("WHYGRAD_CACHE", str(tmp_path))

    def weights(**options: object) -> np.ndarray:
        net = network()
        net.train(x=X, y=Y, **options)
        return net.params["w1"]

    first = weights(epochs=2, batch_size=3, optimizer=one)
    programs = sorted(tmp_path.iterdir())
    second = weights(epochs=3, batch_size=2, optimizer=other)
    assert programs and sorted(tmp_path.iterdir()) == programs
    assert (first != second).any()


def test_an_option_at_0_writes_nothing() -> None:
    plain = wg.SGD(0.1).lines(network().derive().simplified_system, {"w1": "δw1"})
    assert plain == ["setting lr = 0.1", "w1[i,k] <- w1[i,k] - lr * δw1[i,k]"]


def test_names_that_the_text_has_already_are_left_to_it() -> None:
    text = """
    given x[n]
    batch n
    param w ~ ones
    setting lr = 3, beta1 = 2, step = 1
    state w.v ~ ones
    J = mean[n](lr * beta1 * step * w.v * w * x[n])
    minimize J
    """
    net = wg.Network(text).init()
    net.train(x=np.ones(4), epochs=1, optimizer=wg.Adam(0.1))
    assert float(net.params["w"]) == pytest.approx(0.9) and float(net.states["w.v"]) == 1


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
        lambda: wg.SGD(0.1, weight_decay=-1),
        lambda: wg.SGD(0.1, l1="a"),
        lambda: wg.Adam(0.1, l2=float("nan")),
        lambda: wg.SGD(0.1, momentum="a"),
        lambda: wg.Adam(None),
        lambda: wg.Adam(True),
    ],
)
def test_numbers_that_make_no_sense_are_refused(make) -> None:
    with pytest.raises(wg.WhygradError, match="has to be"):
        make()
