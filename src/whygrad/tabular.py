"""A network on a table: columns become its arrays, its numbers become names and units again."""

from __future__ import annotations

from inspect import signature
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import DataError, WhygradError, nearest
from .language.expression import Number
from .network.roles import Roles, roles
from .table.wording import listed

if TYPE_CHECKING:
    import polars as pl

    from .model import Network
    from .network.data import Array, Arrays
    from .table import Preprocessing
    from .training import History

    Table = str | PathLike[str] | pl.DataFrame

SIGNS = ((0, 1), (-1, 1))  # targets that costs of two classes take as they are


def fit(
    net: Network, table: Table, target: str, *, validation: float, seed: int, **options: Any
) -> History:
    """Train a network on a table; see `Network.fit`."""
    from .table import read_table

    known = signature(net.train).parameters.keys() - {"data", "named"}
    for name in options.keys() - known:
        raise WhygradError(f"fit takes no '{name}'; {nearest(name, known)}")
    frame, found = read_table(table), roles(net.system)
    target_column(frame, target)
    fitted = net.preprocessing or _fitted(net, frame, found, target, validation, seed)
    if fitted.target != target:
        raise DataError(
            f"this network learned to predict '{fitted.target}', not '{target}': "
            "begin with a new one for another target"
        )
    _check_counts(net, found, fitted)
    arrays = _arrays(frame, found, fitted)
    if not net.drawn:
        net.init(seed=seed, data=arrays)
    net.preprocessing = fitted
    return net.train(data=arrays, validation=validation, seed=seed, **options)


def arrays(net: Network, table: Table) -> Arrays:
    """Inputs and targets; see `Network.arrays`."""
    from .table import read_table

    fitted = _preprocessing(net)
    return _arrays(read_table(table), roles(net.system), fitted)


def predict(net: Network, table: Table) -> pl.DataFrame:
    """The predictions for a table; see `Network.predict_table`."""
    import polars as pl

    from .table import read_table

    fitted = _preprocessing(net)
    values = _predicted(net, read_table(table), fitted)
    if fitted.classes is None:
        return pl.DataFrame({fitted.target: fitted.restore(values)})
    best = fitted.restore(values.argmax(axis=1))
    shares = {f"{fitted.target}={name}": values[:, k] for k, name in enumerate(fitted.classes)}
    return pl.DataFrame({fitted.target: best, **shares})


def score(net: Network, table: Table) -> float:
    """How good the predictions for a table are; see `Network.score`."""
    from .table import read_table
    from .training.score import score_of

    fitted, found = _preprocessing(net), roles(net.system)
    arrays = _arrays(read_table(table), found, fitted)
    measure = score_of(net.system, arrays)
    assert measure is not None  # since the target has the prediction's axes
    values = net.predict(data={found.inputs.name: arrays[found.inputs.name]})
    assert isinstance(values, np.ndarray)
    return measure.measure({found.prediction.name: values}, arrays)


def held_out(net: Network, table: Table) -> pl.DataFrame:
    """The rows that training did not see; see `Network.held_out`."""
    from .table import read_table
    from .training.batches import split

    fitted, run = _preprocessing(net), net.run
    if run is None or not run.validation:
        raise WhygradError("no rows are held out: there was no training with validation=0.2 or so")
    frame = read_table(table)
    data = net.bind(_arrays(frame, roles(net.system), fitted), {})
    run.check(data)
    return frame[split(net.system, data, run.validation, run.seed)[1]]


def target_column(frame: pl.DataFrame, target: str) -> pl.Series:
    """The column of that name; raises DataError where there is none."""
    if target not in frame.columns:
        hint = nearest(str(target), frame.columns)
        raise DataError(f"the table has no column '{target}' to be the target; {hint}")
    return frame[target]


def _fitted(
    net: Network, frame: pl.DataFrame, found: Roles, target: str, validation: float, seed: int
) -> Preprocessing:
    """The preprocessing, learned from the rows that are trained on."""
    from .table import Preprocessing, class_numbers
    from .training.batches import split

    classes, signs = _are_classes(found, frame, target), _are_signs(frame[target])
    if classes:
        targets = class_numbers(frame, target)
    else:  # what other numbers become is not known yet, and does not matter
        targets = frame[target].to_numpy() if signs else np.full(len(frame), 0.5)
    data = {found.target.name: _shaped(targets, found)}
    rows, _ = split(net.system, data, validation, seed)  # as `train` will
    return Preprocessing.fit(frame, target, rows, classes=classes, standardise=not signs)


def _are_classes(found: Roles, frame: pl.DataFrame, target: str) -> bool:
    """Whether a target column holds names to be told apart, be they numbers."""
    if found.classes is not None or not found.is_sigmoid:
        return found.classes is not None
    column = frame[target].drop_nulls()
    if column.dtype.is_numeric() and column.n_unique() > 2:
        raise DataError(
            f"{found.prediction.name} is a sigmoid, the probability of one of two classes, but "
            f"'{target}' has {column.n_unique():,} different values"
        )
    return True


def _are_signs(column: pl.Series) -> bool:
    return column.dtype.is_numeric() and any(np.isin(column, pair).all() for pair in SIGNS)


def _check_counts(net: Network, found: Roles, fitted: Preprocessing) -> None:
    """Raise DataError where table and network differ in inputs, classes or outputs."""
    names, classes, target = fitted.input_names, fitted.classes, fitted.target
    index = found.inputs.indices[1]
    count = _size(net, index)
    if count not in (None, len(names)):
        raise DataError(
            f"the network reads {count} inputs ({index} = {count}), but the table has "
            f"{len(names)}: {listed(names)}"
        )
    index = found.prediction.indices[-1]
    outputs = 1 if len(found.prediction.indices) == 1 else _size(net, index)
    if found.classes is None and outputs not in (None, 1):
        raise DataError(f"the network predicts {outputs} numbers, and '{target}' is one column")
    wanted = 1 if found.classes is None else outputs
    if classes is None or wanted in (None, len(classes)) or (wanted, len(classes)) == (1, 2):
        return
    raise DataError(
        f"'{target}' has {len(classes)} classes ({listed(classes)}), so the network needs "
        f"{len(classes)} outputs, not {wanted}"
    )


def _size(net: Network, index: str) -> int | None:
    """The size of an index that parameters or the text fix, else None."""
    said = net.system.sizes.get(index)
    return net.sizes.get(index, int(said.value) if isinstance(said, Number) else None)


def _arrays(frame: pl.DataFrame, found: Roles, fitted: Preprocessing) -> Arrays:
    return {
        found.inputs.name: fitted.inputs(frame),
        found.target.name: _shaped(fitted.targets(frame), found),
    }


def _shaped(targets: Array, found: Roles) -> Array:
    """One target a row, with the axes of the text: `y[n]` or `y[n,k]`."""
    return targets.reshape((len(targets), 1)[: len(found.target.indices)])


def _predicted(net: Network, frame: pl.DataFrame, fitted: Preprocessing) -> Array:
    """A number for each row, or for each row and class."""
    found = roles(net.system)
    values = net.predict(data={found.inputs.name: fitted.inputs(frame)})
    assert isinstance(values, np.ndarray)
    if found.classes is not None:
        return values
    values = values.reshape(len(frame))
    return values if fitted.classes is None else np.stack([1 - values, values], axis=1)


def _preprocessing(net: Network) -> Preprocessing:
    if net.preprocessing is None:
        raise WhygradError(
            "the network was not trained on a table, so nothing says which column is what: "
            "train it by net.fit(table, target=..., epochs=...) or `whygrad train`"
        )
    _check_counts(net, roles(net.system), net.preprocessing)  # a file may say anything
    return net.preprocessing
