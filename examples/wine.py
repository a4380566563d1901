"""A network written as equations, trained on the 178 wines of UCI by gradient descent.

The table comes with scikit-learn: Aeberhard and Forina, "Wine", UCI Machine
Learning Repository, 1991, https://doi.org/10.24432/C5PC7J.
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_wine

import whygrad as wg

EPOCHS, BATCH_SIZE, LEARNING_RATE = 60, 16, 0.1


def curve(values: list[float]) -> str:
    """A line chart of one line: the logarithms of the values as blocks of eight heights."""
    heights = np.log(values)
    levels = 7 * (heights - heights.min()) / np.ptp(heights)
    return "".join("▁▂▃▄▅▆▇█"[round(level)] for level in levels)


net = wg.read(Path(__file__).with_name("wine.wg"))
print(f"\nA network written as equations\n\n{net}")

# A fifth of the wines is held out. The others say what a column's mean and spread are.
wines = load_wine()
order = np.random.default_rng(0).permutation(len(wines.data))
held_out, rows = np.split(order, [len(order) // 5])
mean, spread = wines.data[rows].mean(axis=0), wines.data[rows].std(axis=0)
x, y = (wines.data - mean) / spread, wines.target

net.init(seed=0, x=x[rows], y=y[rows])
w1 = net.params["w1"].copy()
at_first = net.explainer(x=x[rows], y=y[rows], top=len(rows))
history = net.train(
    x=x[rows], y=y[rows], epochs=EPOCHS, batch_size=BATCH_SIZE, optimizer=wg.SGD(LEARNING_RATE)
)
print(f"Trained on {len(rows)} wines by gradient descent\n\n{history}\n")
print(f"log J  {curve(history.cost)}")

right = net.predict(x=x[held_out]).argmax(axis=1) == y[held_out]
print(f"\nOf {right.size} wines held out, {right.sum()} are told right: {right.mean():.1%}.\n")

print(f"The derivation that ran\n\n{net.derive()}\n")

# The weight of the first layer that the training moved furthest, and what moved it.
moved = net.params["w1"] - w1
i, j = np.unravel_index(np.abs(moved).argmax(), moved.shape)
what, why = wines.feature_names[i], at_first.why(f"w1[{i},{j}]")
print(f"Why w1[{i},{j}] moved from {w1[i, j]:.3f} to {net.params['w1'][i, j]:.3f}\n")
print(f"It says how much hidden node {j} makes of {what}. Before the first step:\n\n{why}\n")

down = sum(term.value > 0 for term in why.terms)
print(f"{down} wines push it down and {why.count - down} up. Those that push it most:\n")
for term in why.terms[:5]:
    n = rows[int(term.label.removeprefix("n = "))]
    print(f"  {wines.target_names[y[n]]}, {what} {wines.data[n, i]:.0f} (mean {mean[i]:.0f})")
