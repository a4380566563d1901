import numpy as np
from sklearn.neural_network import MLPClassifier

rng = np.random.default_rng(0)
x = rng.normal(size=(32, 2)).astype(np.float32)
y = np.arange(32) % 2
net = MLPClassifier((16, 16), solver="sgd", momentum=0.0, batch_size=32, learning_rate_init=0.05)
net.partial_fit(x, y, classes=[0, 1])
