"""Small networks and data to train them on."""

import numpy as np

import whygrad as wg
from whygrad.engines.native.program import NativeProgram
from whygrad.engines.reference.program import ReferenceProgram

ROWS = 60

# what each engine compiles a training step into
PROGRAMS = {"reference": ReferenceProgram, "native": NativeProgram}


def regression() -> tuple[wg.Network, dict[str, np.ndarray]]:
    """One output that is nearly linear in three inputs."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(ROWS, 3))
    y = x @ [1.0, -2.0, 0.5] + 0.3 * rng.normal(size=ROWS)
    net = wg.Sequential([wg.Dense(4, "tanh"), wg.Dense(1)], cost="half_squared_error")
    return net.init(seed=1, x=x, y=y), {"x": x, "y": y}


def classification() -> tuple[wg.Network, dict[str, np.ndarray]]:
    """Three classes, told apart by two inputs."""
    rng = np.random.default_rng(4)
    y = np.arange(ROWS) % 3
    x = np.array([[0, 2], [2, -1], [-2, -1]])[y] + rng.normal(size=(ROWS, 2))
    net = wg.Sequential([wg.Dense(5, "tanh"), wg.Dense(3)], cost="cross_entropy")
    return net.init(seed=1, x=x, y=y), {"x": x, "y": y}


def running() -> tuple[wg.Network, dict[str, np.ndarray]]:
    """Noise, and a state that the text itself updates."""
    text = """
    given x[n,i], y[n]
    batch n
    param w[i] ~ normal(0, 1)
    state centre[i] ~ zeros, steps ~ zeros
    noise keep[n,i] ~ bernoulli(0.8)
    used[n,i] = where(training, keep[n,i] * x[n,i], x[n,i])
    yhat[n] = sum[i](w[i] * (used[n,i] - centre[i]))
    J = mean[n]((yhat[n] - y[n])**2)
    minimize J
    predict yhat
    centre[i] <- 0.9 * centre[i] + 0.1 * mean[n](x[n,i])
    steps <- steps + 1
    """
    _, data = regression()
    return wg.Network(text).init(seed=2, **data), data


PROBLEMS = {"regression": regression, "classification": classification, "running": running}


def values(net: wg.Network) -> dict[str, np.ndarray]:
    """Copies of parameters and states."""
    return {name: array.copy() for name, array in {**net.params, **net.states}.items()}


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    """Whether arrays by name are the same to the bit."""
    return one.keys() == other.keys() and all((one[name] == other[name]).all() for name in one)
