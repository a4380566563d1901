"""JAX: an epoch is one compiled function, a scan over its batches."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import jax
import numpy as np
from jax import Array as Device
from jax import lax, nn
from jax import numpy as jnp

from ..workloads import Array, Workload
from . import fastest

ACTIVATIONS = {"relu": nn.relu, "tanh": jnp.tanh, "sigmoid": nn.sigmoid}
UNROLL = (1, 4)

Layers = list[tuple[Device, Device]]
State = tuple[Layers, Any]
Epoch = Callable[[State, Device, Device, Device], tuple[State, Device]]


class Scan:
    """The rows are taken out of the data before or within the scan, which is unrolled or not."""

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        x, y = workload.samples()
        self.x, self.y = jnp.asarray(x), jnp.asarray(y)
        step = partial(_step, workload)
        self.ways = [_epoch(step, workload, *way) for way in product((_within, _before), UNROLL)]
        self.epoch = self.ways[0]

    def tune(self) -> None:
        """See `Contender.tune`."""
        ways = [partial(self._epochs, way, 1) for way in self.ways]
        self.epoch = self.ways[fastest(ways)]

    def train(self, epochs: int) -> None:
        """See `Contender.train`."""
        self._epochs(self.epoch, epochs)

    def weights(self) -> list[tuple[Array, Array]]:
        """See `Contender.weights`."""
        return [(np.array(w), np.array(b)) for w, b in self.layers]

    def _epochs(self, epoch: Epoch, epochs: int) -> None:
        layers = [(jnp.array(w), jnp.array(b)) for w, b in self.workload.weights()]
        state: State = (layers, ())
        if self.workload.optimizer == "adam":
            zeros = [(jnp.zeros_like(w), jnp.zeros_like(b)) for w, b in layers]
            state = (layers, (jnp.zeros(()), zeros, jax.tree.map(jnp.copy, zeros)))
        costs = []
        for order in self.workload.orders(epochs):
            state, cost = epoch(state, self.x, self.y, order.astype(np.int32))
            costs.append(cost)
        self.layers, _ = jax.block_until_ready(state)


def _cost(workload: Workload, layers: Layers, x: Device, y: Device) -> Device:
    activation = ACTIVATIONS[workload.activation]
    *hidden, (w, b) = layers
    for weights, bias in hidden:
        x = activation(x @ weights + bias)
    z = x @ w + b
    if workload.cost == "half_squared_error":
        return ((activation(z) - y) ** 2).sum(1).mean() / 2
    chosen = jnp.take_along_axis(z, y[:, None], 1)[:, 0]
    return (nn.logsumexp(z, 1) - chosen).mean()


def _step(workload: Workload, state: State, x: Device, y: Device) -> tuple[State, Device]:
    layers, memory = state
    cost, slopes = jax.value_and_grad(partial(_cost, workload))(layers, x, y)
    if workload.optimizer == "sgd":
        return (jax.tree.map(lambda w, d: w - workload.lr * d, layers, slopes), memory), cost
    count, mean, square = memory
    count = count + 1
    mean = jax.tree.map(lambda m, d: 0.9 * m + 0.1 * d, mean, slopes)
    square = jax.tree.map(lambda v, d: 0.999 * v + 0.001 * d**2, square, slopes)
    share1, share2 = 1 - 0.9**count, 1 - 0.999**count
    layers = jax.tree.map(
        lambda w, m, v: w - workload.lr * (m / share1) / (jnp.sqrt(v / share2) + 1e-8),
        layers,
        mean,
        square,
    )
    return (layers, (count, mean, square)), cost


Step = Callable[[State, Device, Device], tuple[State, Device]]
Gather = Callable[[Step, int, State, Device, Device, Device], tuple[State, Device]]


def _within(
    step: Step, unroll: int, state: State, x: Device, y: Device, rows: Device
) -> tuple[State, Device]:
    """Each step takes its rows out of the data."""

    def body(state: State, some: Device) -> tuple[State, Device]:
        return step(state, *(a.at[some].get(mode="promise_in_bounds") for a in (x, y)))

    return lax.scan(body, state, rows, unroll=unroll)


def _before(
    step: Step, unroll: int, state: State, x: Device, y: Device, rows: Device
) -> tuple[State, Device]:
    """All rows are put in order before the first step."""
    ordered = tuple(a.at[rows].get(mode="promise_in_bounds") for a in (x, y))
    return lax.scan(lambda state, some: step(state, *some), state, ordered, unroll=unroll)


def _epoch(step: Step, workload: Workload, gather: Gather, unroll: int) -> Epoch:
    @partial(jax.jit, donate_argnums=0)
    def epoch(state: State, x: Device, y: Device, order: Device) -> tuple[State, Device]:
        rows = order.reshape(workload.steps, workload.batch)
        state, costs = gather(step, unroll, state, x, y, rows)
        return state, costs.mean()

    return epoch
