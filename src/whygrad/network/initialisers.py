"""Initialisers: how parameters and states are drawn before the first step.

Each tensor has a stream of random numbers of its own, from a counter-based
generator (Philox) keyed by the seed and the tensor's name: to add a layer
changes no other layer's draw.

Sources: LeCun, Bottou, Orr and Müller, "Efficient BackProp", 1998, section 4.6;
Glorot and Bengio, "Understanding the difficulty of training deep feedforward
neural networks", 2010, equation 16; He, Zhang, Ren and Sun, "Delving deep into
rectifiers", 2015, equation 10.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from ..language.system import System
from .fans import Fans, fans
from .random import generator

Array = NDArray[np.float64]
LazyFans = Callable[[], Fans]  # it takes a walk through all equations


def _constant(_: np.random.Generator, shape: tuple[int, ...], __: LazyFans, value: float) -> Array:
    return np.full(shape, value)


def _normal(
    rng: np.random.Generator, shape: tuple[int, ...], _: LazyFans, mean: float, std: float
) -> Array:
    return mean + std * rng.standard_normal(shape)


def _uniform(
    rng: np.random.Generator, shape: tuple[int, ...], _: LazyFans, low: float, high: float
) -> Array:
    return low + (high - low) * rng.random(shape)


def _lecun(rng: np.random.Generator, shape: tuple[int, ...], fans: LazyFans) -> Array:
    return rng.standard_normal(shape) / sqrt(fans().inputs)


def _glorot(rng: np.random.Generator, shape: tuple[int, ...], fans: LazyFans) -> Array:
    own = fans()
    limit = sqrt(6 / (own.inputs + own.outputs))
    return _uniform(rng, shape, fans, -limit, limit)


def _he(rng: np.random.Generator, shape: tuple[int, ...], fans: LazyFans) -> Array:
    return rng.standard_normal(shape) * sqrt(2 / fans().inputs)


# Each draws from a generator a shape for some fans; numbers in the text follow as arguments.
INITIALISERS: dict[str, Callable[..., Array]] = {
    "zeros": lambda rng, shape, fans: np.zeros(shape),
    "ones": lambda rng, shape, fans: np.ones(shape),
    "constant": _constant,
    "normal": _normal,
    "uniform": _uniform,
    "lecun": _lecun,
    "glorot": _glorot,
    "he": _he,
}


def initial_value(system: System, name: str, shape: tuple[int, ...], seed: int) -> Array:
    """Draw one parameter or state as its declaration says."""
    _, declaration = system.declarations[name]
    draw = declaration.draw
    assert draw is not None
    sizes = dict(zip(declaration.indices, shape, strict=True))
    own = partial(fans, system, name, sizes)
    values = INITIALISERS[draw.name](generator(seed, name), shape, own, *draw.arguments)
    return np.asarray(values, dtype=np.float64)
