from itertools import pairwise

import jax
import numpy as np
from jax import numpy as jnp

rng = np.random.default_rng(0)
x = rng.normal(size=(32, 2)).astype(np.float32)
y = np.arange(32) % 2
widths = (2, 16, 16, 2)
net = [
    (rng.normal(size=(a, b)).astype(np.float32) / a**0.5, np.zeros(b, np.float32))
    for a, b in pairwise(widths)
]


def cost(net, x, y):
    *hidden, (w, b) = net
    for weights, bias in hidden:
        x = jax.nn.relu(x @ weights + bias)
    z = x @ w + b
    return -jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], 1).mean()


@jax.jit
def step(net, x, y):
    slopes = jax.grad(cost)(net, x, y)
    return jax.tree.map(lambda w, slope: w - 0.05 * slope, net, slopes)


jax.block_until_ready(step(net, x, y))
