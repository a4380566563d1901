"""`whygrad train`: from a table to a saved model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ..errors import TrainingError, WhygradError
from . import INTERRUPTED
from .options import number, whole
from .source import Data, check_output, faults_in, is_model, is_short, is_there, open_network

if TYPE_CHECKING:
    import polars as pl

    from ..model import Network
    from ..network.optimizers import Optimizer

NET_HELP = "Layers in short (dense:16:tanh,dense:3), a .wg file, or a saved model to go on with."
SAVE_HELP = "Where the model goes. A file that is there is replaced."
COST_HELP = "The cost of layers in short; by default it follows from outputs and target."
VALIDATION_HELP = "The share of rows that is held out, to measure how good the model is."
PATIENCE_HELP = "Stop after N epochs without a better held-out cost, and take the best."


def train(
    net: Annotated[str, typer.Argument(metavar="NET", help=NET_HELP)],
    data: Annotated[str, Data],
    target: Annotated[str, typer.Option(metavar="COLUMN", help="The column to be predicted.")],
    save: Annotated[str, typer.Option(metavar="MODEL", help=SAVE_HELP)],
    cost: Annotated[str | None, typer.Option(metavar="NAME", help=COST_HELP)] = None,
    epochs: Annotated[int, whole("How often all rows are seen.")] = 100,
    batch_size: Annotated[int, whole("Rows to a step.")] = 32,
    optimizer: Annotated[
        Literal["adam", "sgd"], typer.Option(help="How the weights are corrected.")
    ] = "adam",
    lr: Annotated[float, number("The learning rate.")] = 0.01,
    schedule: Annotated[
        Literal["constant", "step", "exponential", "cosine"],
        typer.Option(help="How the learning rate changes."),
    ] = "constant",
    momentum: Annotated[float, number("What sgd keeps of its last correction.")] = 0.0,
    weight_decay: Annotated[float, number("How fast weights decay, times lr.")] = 0.0,
    validation: Annotated[float, number(VALIDATION_HELP)] = 0.2,
    patience: Annotated[int | None, whole(PATIENCE_HELP)] = None,
    seed: Annotated[int, whole("Of weights, split and shuffling.", low=0)] = 0,
    dtype: Annotated[
        Literal["float64", "float32"], typer.Option(help="In which to compute.")
    ] = "float64",
) -> None:
    """Train a network on a table, and save it.

    One column is the target, the others are inputs: numbers are standardised, text becomes
    one-hot. Ctrl-C stops the training and saves what was reached.
    """
    from ..table import read_table
    from ..training.interrupt import ignored

    check_output("--save", save, data, *([] if is_model(net) else [net]))
    method = _optimizer(optimizer, lr, schedule, momentum, weight_decay)
    frame = read_table(data)
    network = _network(net, frame, target, cost)
    try:
        with faults_in(net):
            history = network.fit(
                frame,
                target=target,
                epochs=epochs,
                batch_size=batch_size,
                optimizer=method,
                validation=validation,
                patience=patience,
                seed=seed,
                dtype=dtype,
                progress=True,
            )
    except TrainingError as error:
        raise WhygradError(f"{error}\nNothing was saved.") from None
    with ignored():  # a second Ctrl-C is not to lose what the first one kept
        network.save(save)
    if history.note:
        typer.echo(history.note)
    if validation:
        typer.echo(_score(network, history.measure, frame))
    typer.echo(f"saved in {save}")
    if history.interrupted:
        raise typer.Exit(INTERRUPTED)


def _optimizer(
    name: str, lr: float, schedule: str, momentum: float, weight_decay: float
) -> Optimizer:
    from ..network.optimizers import SGD, Adam
    from ..network.schedules import Cosine, Exponential, Step

    kinds = {"step": Step, "exponential": Exponential, "cosine": Cosine}
    rate = kinds[schedule](lr) if schedule in kinds else lr
    if name == "sgd":
        return SGD(rate, momentum, weight_decay=weight_decay)
    if momentum:
        raise WhygradError("--momentum goes with --optimizer sgd: adam has averages of its own")
    return Adam(rate, weight_decay=weight_decay)


def _network(net: str, frame: pl.DataFrame, target: str, cost: str | None) -> Network:
    """The network as it stands in a file, or made of layers in short."""
    if is_short(net):
        return _from_layers(net, frame, target, cost)
    if cost is not None:
        raise WhygradError("--cost goes with layers in short: a text says itself what its cost is")
    if net != "-" and not is_there(net):
        raise WhygradError(
            f"there is no file '{net}': NET is a .wg file, a saved model, or layers in short, "
            "as dense:16:tanh,dense:3"
        )
    with faults_in(net):
        return open_network(net)


def _from_layers(net: str, frame: pl.DataFrame, target: str, cost: str | None) -> Network:
    from ..model import Sequential
    from ..network.short import short_layers, usual_cost
    from ..tabular import target_column

    layers = short_layers(net)
    if cost is None:
        column = target_column(frame, target)
        whole = column.dtype.is_integer()
        cost = usual_cost(layers[-1].width, text=not column.dtype.is_numeric(), whole=whole)
    return Sequential(layers, cost)


def _score(network: Network, measure: str, frame: pl.DataFrame) -> str:
    """How good the model is on the rows held out."""
    rows = network.held_out(frame)
    score, count = network.score(rows), len(rows)
    if measure == "accuracy":
        return f"held out: {round(score * count)} of {count} rows right, {score:.1%}"
    return f"held out: {measure} = {score:.3f} on {count} rows"
