"""The mini-batch loop."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import DataError, WhygradError
from ..network.arguments import check_kind, checked_seed, whole_number
from ..network.data import Arrays
from ..network.network import BaseNetwork
from ..network.optimizers import Adam, Optimizer
from .batches import Samples, shuffled, split
from .history import History
from .progress import reporting
from .score import Score
from .trainer import Trainer


def train(
    net: BaseNetwork,
    *,
    epochs: int,
    batch_size: int | None = None,
    optimizer: Optimizer | None = None,
    validation: float = 0.0,
    seed: int = 0,
    progress: bool = False,
    dtype: str = "float64",
    data: Mapping[str, object] | None = None,
    **named: object,
) -> History:
    """Train the parameters of a network, and return how it went.

    Args:
        net: a network whose parameters have values.
        epochs: how often all rows are seen.
        batch_size: rows to a step, by default 32; without a `batch` line in the text a step
            takes everything.
        optimizer: by default `Adam(0.001)`; parameters that the text itself updates are left
            to the text. What it remembers begins anew with each call.
        validation: the share of rows held out (of each class, where y holds class numbers).
        seed: of the rows held out, of the order of the rows and of noise. The same seed gives
            the same bits.
        progress: show how it goes.
        dtype: in which to compute, "float64" or "float32".
        data, named: the data, by the names of the given tensors.

    Raises TrainingError where the cost or an update is no longer finite. The network then has
    the last parameters whose cost was finite.
    """
    optimizer = Adam() if optimizer is None else optimizer
    check_kind(optimizer, Optimizer, "whygrad.Adam(0.01)")
    epochs = whole_number("epochs", epochs, 1)
    batch_size = None if batch_size is None else whole_number("batch_size", batch_size, 1)
    seed = checked_seed(seed)
    if not isinstance(dtype, str) or dtype not in ("float64", "float32"):
        raise WhygradError(f"dtype is 'float64' or 'float32', not {dtype!r}")
    arrays = net.bind(data, named)
    net.sizes_for(net.system, arrays)  # the rows of all tensors are as many
    samples = Samples(net.system, arrays)
    if not samples.axes and (validation or batch_size):
        raise DataError("validation and batch_size need a line 'batch n' in the text")
    score = Score.of(net.system)
    classes = score.rows_by_class(arrays) if score else None
    rows, held_out = split(samples, validation, seed, classes)
    trainer = Trainer(net, optimizer, arrays, score, batch_size, dtype, seed)
    history = History()
    with reporting(progress, epochs) as report:
        for epoch in range(epochs):
            cost, accuracy = trainer.epoch(shuffled(rows, seed, epoch))
            history.cost.append(cost)
            if score:
                history.accuracy.append(accuracy)
            if len(held_out):
                _validate(net, history, samples.take(held_out), score)
            report(history)
    return history


def _validate(net: BaseNetwork, history: History, arrays: Arrays, score: Score | None) -> None:
    cost = net.system.cost
    assert cost is not None
    wanted = [cost, score.prediction] if score else [cost]
    values = net.evaluate(net.stable_system(), wanted, arrays)
    history.validation_cost.append(float(values[cost]))
    if score:
        history.validation_accuracy.append(score.measure(values, arrays))
