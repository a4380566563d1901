"""One step of a training, at random values of everything that the optimiser remembers."""

from __future__ import annotations

import numpy as np
from tests.insight.ask import Data

import whygrad as wg
from whygrad.engines.reference import ReferenceEngine
from whygrad.network.network import BaseNetwork
from whygrad.network.optimizers import Optimizer
from whygrad.training.replay import TrainingStep
from whygrad.training.step import step_system

NUMBER = 5


def training_step(
    net: wg.Network, data: Data, optimizer: Optimizer, dtype: str = "float64"
) -> TrainingStep:
    """A step on a batch of all the samples, rows 100, 101, ... of some larger table."""
    system = step_system(net, optimizer, None, epochs=7, steps=3)
    whole = BaseNetwork(system).init(seed=1, sizes=net.sizes, data=data)
    rng = np.random.default_rng(7)
    states = {name: _remembered(rng, array) for name, array in whole.states.items()}
    values = {**whole.values(), **states, **net.params, **net.settings}
    before = {
        **{name: array.astype(dtype) for name, array in values.items()},
        **{n: a.astype(dtype) if a.dtype.kind == "f" else a for n, a in data.items()},
    }
    sizes = net.sizes_for(net.system, data)
    updates = [f"{u.name} <-" for u in system.updates]
    found = ReferenceEngine().compile(system, sizes, updates, dtype).run(before, 3, NUMBER)
    after = {name.removesuffix(" <-"): array for name, array in found.items()}
    samples = sizes.get(system.batch or "", 1)
    return TrainingStep(NUMBER, system, sizes, before, after, np.arange(100, 100 + samples), 3)


def _remembered(rng: np.random.Generator, array: np.ndarray) -> np.ndarray:
    """Counters have counted NUMBER steps; averages are anything, squares not negative."""
    if array.ndim == 0:
        return np.full((), float(NUMBER))
    return rng.uniform(0.1, 1, array.shape)
