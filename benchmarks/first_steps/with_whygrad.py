import numpy as np

import whygrad as wg

rng = np.random.default_rng(0)
x = rng.normal(size=(32, 2))
y = np.arange(32) % 2
layers = [wg.Dense(16, "relu"), wg.Dense(16, "relu"), wg.Dense(2)]
net = wg.Sequential(layers, cost="cross_entropy").init(x=x, y=y)
net.train(
    x=x,
    y=y,
    epochs=1,
    batch_size=32,
    optimizer=wg.SGD(0.05),
    dtype="float32",
    engine="native",
)
