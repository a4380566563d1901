"""Small systems to train, data for them, and programs of both engines."""

import numpy as np

from whygrad.engines.base import Array, Program
from whygrad.engines.native import NativeEngine
from whygrad.engines.reference import ReferenceEngine
from whygrad.language.parsing import parse

LINEAR = """
given x[n,i], y[n]
batch n
param w[i] ~ ones, b ~ zeros
setting rate = 0.25
state steps ~ zeros
e[n] = sum[i](w[i] * x[n,i]) + b - y[n]
J = mean[n](e[n]**2) / 2
w[i] <- w[i] - rate * mean[n](e[n] * x[n,i])
b <- b - rate * mean[n](e[n])
steps <- steps + 1
minimize J
"""


NOISY = """
given x[n,i]
batch n
param w[i] ~ ones
noise m[n,i] ~ bernoulli(0.5), g ~ normal(0, 1)
J = mean[n](sum[i](m[n,i] * x[n,i] * w[i])) + g
w[i] <- w[i] - 0.1 * mean[n](m[n,i] * x[n,i])
minimize J
"""


def compiled(text: str = LINEAR, dtype: str = "float64", threads: int = 1, **sizes: int) -> Program:
    return NativeEngine(threads).compile(parse(text), sizes, ["J"], dtype)


def reference(text: str = LINEAR, dtype: str = "float64", **sizes: int) -> Program:
    return ReferenceEngine().compile(parse(text), sizes, ["J"], dtype)


def data(rows: int = 10, seed: int = 0, dtype: str = "float64") -> dict[str, Array]:
    random = np.random.default_rng(seed)
    return {
        "x": random.normal(size=(rows, 3)).astype(dtype),
        "y": random.normal(size=rows).astype(dtype),
        "w": np.ones(3, dtype),
        "b": np.zeros((), dtype),
        "steps": np.zeros((), dtype),
    }
