"""A network written as equations, trained on the 178 wines of UCI by gradient descent.

The table comes with scikit-learn: Aeberhard and Forina, "Wine", UCI Machine
Learning Repository, 1991, https://doi.org/10.24432/C5PC7J.
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_wine

import whygrad as wg

EPOCHS, BATCH_SIZE, LEARNING_RATE = 60, 16, 0.1

print("A network of equations, and 178 wines\n")
net = wg.read(Path(__file__).with_name("wine.wg"))
print(net)

# A fifth of the wines is held out. The others say what the mean and the spread of a column are.
wines = load_wine()
order = np.random.default_rng(0).permutation(len(wines.data))
held_out, rows = np.split(order, [len(order) // 5])
mean, spread = wines.data[rows].mean(axis=0), wines.data[rows].std(axis=0)
x, y = (wines.data - mean) / spread, wines.target

print("Its derivation\n")
print(net.derive())

net.init(seed=0, x=x[rows], y=y[rows])
before = {name: values.copy() for name, values in net.params.items()}
start = net.explainer(x=x[rows], y=y[rows])
history = net.train(
    x=x[rows], y=y[rows], epochs=EPOCHS, batch_size=BATCH_SIZE, optimizer=wg.SGD(LEARNING_RATE)
)

print(f"\nThe cost, over {EPOCHS} epochs of gradient descent on {len(rows)} wines\n")
print(history)

right = net.predict(x=x[held_out]).argmax(axis=1) == y[held_out]
print(f"\nOf {right.size} wines held out, {right.sum()} are told right: {right.mean():.1%}.")

# The weight that the training moved furthest, and what pushed it at the start.
moved = net.params["w1"] - before["w1"]
i, j = np.unravel_index(np.abs(moved).argmax(), moved.shape)
print(
    f"\nNo weight of the first layer moved further than w1[{i},{j}], by which hidden node {j} "
    f"reads\n{wines.feature_names[i]!r}: from {before['w1'][i, j]:.3f} "
    f"to {net.params['w1'][i, j]:.3f}. Before the first step, its derivative was\n"
)
why = start.why(f"w1[{i},{j}]")
print(why)
