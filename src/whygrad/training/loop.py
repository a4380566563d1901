"""`train`: a run from its arguments to the values that the network keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..engines import find
from ..errors import DataError, TrainingError
from ..network.arguments import checked_seed, whole_number
from ..network.data import Arrays
from ..network.network import BaseNetwork
from ..network.optimizers import Adam, Optimizer
from .batches import BATCH_SIZE
from .history import History
from .interrupt import noted
from .means import Means
from .progress import reporting
from .run import Run, fingerprint
from .stopping import Stopping
from .trainer import Trainer
from .validation import Validation

ADVICE = (
    "Try a smaller learning rate, or look for a log, a root, a division or an exp that leaves its "
    "range. The network has the last parameters whose cost was finite."
)


def train(
    net: BaseNetwork,
    *,
    epochs: int,
    batch_size: int | None = None,
    optimizer: Optimizer | None = None,
    validation: float = 0.0,
    patience: int | None = None,
    seed: int = 0,
    progress: bool = False,
    dtype: str = "float64",
    engine: str = "native",
    threads: int | None = None,
    data: Mapping[str, object] | None = None,
    **named: object,
) -> History:
    """Train the parameters of a network, and return how it went.

    Args:
        net: a network whose parameters have values. It gets the new ones, the record of the
            training as `net.run`, and its history as `net.history`.
        epochs: how often all rows are seen.
        batch_size: rows to a step, by default 32; without a `batch` line in the text a step
            takes everything.
        optimizer: by default `Adam(0.001)`; parameters that the text itself updates are left
            to the text. What it remembers begins anew with each call.
        validation: the share of rows held out (of each class, where y holds class numbers).
        patience: stop after so many epochs in a row without a lower cost on the rows held out.
            The network then has the values of the best epoch, also where it was not stopped.
        seed: of the rows held out, of the order of the rows and of noise. The same seed gives
            the same bits.
        progress: show how it goes.
        dtype: in which to compute, "float64" or "float32".
        engine: which engine computes: "native" (machine code) or "reference" (NumPy).
        threads: in how many threads the native engine computes; by default in as many as a step
            is worth, which a long training finds out as it goes. Any number gives the same bits.
        data, named: the data, by the names of the given tensors.

    Ctrl-C ends the training after the step at hand: the values reached are kept (with `patience`
    those of the best epoch), and the history says `interrupted`.

    Raises TrainingError where the cost or an update is no longer finite. The network then has
    the last parameters whose cost was finite.
    """
    find(engine, threads)
    batch_size = None if batch_size is None else whole_number("batch_size", batch_size, 1)
    arrays = net.bind(data, named)
    net.sizes_for(net.system, arrays)  # the rows of all tensors are as many
    run = Run(
        optimizer=Adam() if optimizer is None else optimizer,
        epochs=whole_number("epochs", epochs, 1),
        batch_size=batch_size or BATCH_SIZE,
        validation=validation,
        patience=patience,
        seed=checked_seed(seed),
        dtype=dtype,
        engine=engine,
        threads=threads,
        fingerprint=fingerprint(arrays),
        arrays={name: array.copy() for name, array in net.values().items()},
    )
    if net.system.batch is None and (validation or batch_size):
        raise DataError("validation and batch_size need a line 'batch n' in the text")
    trainer = Trainer(net, run, arrays)
    history = History(measure=trainer.score.name if trainer.score else "")
    try:
        _epochs(net, trainer, history, arrays, progress)
    except TrainingError as error:
        trainer.last_good()
        raise TrainingError(f"{error}\n{ADVICE}", error.step) from None
    finally:
        for kept in (net.params, net.states):
            kept.update({name: trainer.values[name] for name in kept})
        net.history, net.run = history, replace(run, taken=trainer.taken, kept=trainer.steps)
    return history


def _epochs(
    net: BaseNetwork, trainer: Trainer, history: History, arrays: Arrays, progress: bool
) -> None:
    run = trainer.run
    stopping = Stopping(run.patience) if run.patience else None
    means = Means(trainer)
    over = False
    try:
        validation = Validation(net, trainer, arrays) if len(trainer.held_out) else None
        with reporting(progress, history, run.epochs) as report, noted() as ask:
            while len(history) < run.epochs and not over:
                epochs = len(history) + 1 if validation else run.epochs
                for trained in means.take(trainer.advance(epochs * trainer.steps_an_epoch)):
                    history.add(*trained, *(validation.measure() if validation else (None, None)))
                    report(0.0)
                    if stopping:
                        over = stopping.over(history.validation_cost[-1], trainer)
                share = trainer.steps / trainer.steps_an_epoch - len(history)
                if share:
                    report(share)
                ask()
    except KeyboardInterrupt:
        history.interrupted = True
    if stopping:
        stopping.restore(trainer)
        history.best = stopping.best
