"""scikit-learn: `partial_fit`, an epoch a call.

For two classes its classifier would have a single output. So that it has the two of all others,
it is then given one-hot rows, and told that its output is a softmax.
"""

from __future__ import annotations

import numpy as np
from sklearn.neural_network import MLPClassifier

from ..errors import Unable
from ..workloads import Array, Workload

ACTIVATIONS = {"relu": "relu", "tanh": "tanh", "sigmoid": "logistic"}


class PartialFit:
    """The rows are put in order before, which is faster than its own shuffling."""

    def __init__(self, workload: Workload) -> None:
        if workload.cost != "cross_entropy":
            raise Unable("its networks have no activation before a squared error")
        if workload.optimizer == "adam":
            raise Unable("its Adam has ε at another place, so that other weights come out")
        self.workload = workload
        self.x, self.y = workload.samples()
        self.classes = np.arange(workload.widths[-1])
        if len(self.classes) == 2:
            self.y = (self.y[:, None] == self.classes).astype(np.int64)
        self.restart()

    def tune(self) -> None:
        """See `Contender.tune`: there is one way."""

    def restart(self) -> None:
        """Take the first weights."""
        workload = self.workload
        self.model = MLPClassifier(
            workload.widths[1:-1],
            activation=ACTIVATIONS[workload.activation],
            solver="sgd",
            alpha=0.0,
            batch_size=workload.batch,
            learning_rate_init=workload.lr,
            shuffle=False,
            momentum=0.0,
            random_state=0,
        )
        self.model.partial_fit(
            self.x[: workload.batch], self.y[: workload.batch], classes=self.classes
        )
        self.model.out_activation_ = "softmax"
        for layer, (w, b) in enumerate(workload.weights()):
            self.model.coefs_[layer][...] = w
            self.model.intercepts_[layer][...] = b
        del self.model._optimizer  # what it remembers begins anew

    def train(self, epochs: int) -> None:
        """See `Contender.train`."""
        self.restart()
        for order in self.workload.orders(epochs):
            self.model.partial_fit(self.x[order], self.y[order])

    def weights(self) -> list[tuple[Array, Array]]:
        """See `Contender.weights`."""
        return list(zip(self.model.coefs_, self.model.intercepts_, strict=True))
