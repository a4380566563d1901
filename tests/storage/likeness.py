"""A small network to save, and what it means that two networks are the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

import whygrad as wg

TEXT = """# a network of everything that is kept
given x[n,i], y[n,k]   # Daten: größer, 数
batch n
size j = 3
param w1[i,j] ~ glorot,  w2[j,k] ~ glorot
setting lr = 0.25

state mean.h[j] ~ zeros  # of the hidden layer
h[n,j] = tanh(sum[i](x[n,i] * w1[i,j]) - mean.h[j])
yhat[n,k] = sum[j](h[n,j] * w2[j,k])
J = mean[n](sum[k]((yhat[n,k] - y[n,k])**2))
minimize J
predict yhat
mean.h[j] <- mean.h[j] + lr * mean[n](h[n,j])
"""

X = np.random.default_rng(0).normal(size=(7, 2))
Y = np.random.default_rng(1).normal(size=(7, 2))


def network(seed: int = 0) -> wg.Network:
    """A network with values, a state and a setting that are not those of its text."""
    net = wg.Network(TEXT).init(seed=seed, x=X, y=Y)
    net.states["mean.h"] = [0.5, -0.0, 5e-324]
    net.settings["lr"] = 0.1 + 0.2
    return net


def table() -> pl.DataFrame:
    """Rows of numbers, words and a class each, whose names want care."""
    rng = np.random.default_rng(2)
    return pl.DataFrame(
        {
            "größe": rng.normal(170, 9, 40),
            "colour": rng.choice(["red", "green, dark", "1"], 40),
            "kind": [("Äpfel", 'a "b"')[row % 2] for row in range(40)],
        }
    )


def trained() -> wg.Network:
    """A network that has been trained on the table, and so has all that a network can have."""
    net = wg.Sequential([wg.Dense(4, "tanh"), wg.Dense(2)], cost="cross_entropy")
    net.fit(
        table(),
        target="kind",
        epochs=3,
        batch_size=8,
        validation=0.25,
        patience=2,
        optimizer=wg.Adam(wg.Cosine(0.01), weight_decay=0.1),
    )
    return net


def reloaded(net: wg.Network, folder: Path) -> wg.Network:
    """What comes back of a network that was saved."""
    net.save(folder / "model")
    return wg.load(folder / "model")


def assert_same(one: wg.Network, other: wg.Network) -> None:
    """The same text, sizes and, to the bit, values."""
    assert str(one) == str(other)
    assert one.system == other.system
    assert one.sizes == other.sizes
    for mine, theirs in (
        (one.params, other.params),
        (one.states, other.states),
        (one.settings, other.settings),
    ):
        assert list(mine) == list(theirs)
        for name, array in mine.items():
            assert array.dtype == theirs[name].dtype
            assert array.shape == theirs[name].shape
            assert array.tobytes() == theirs[name].tobytes(), name
