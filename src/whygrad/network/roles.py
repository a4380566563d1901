"""Which tensors of a text a table fills: the inputs and the target."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import DataError
from ..language.expression import Call
from ..language.order import prerequisites
from ..language.system import System, Tensor


@dataclass(frozen=True, slots=True)
class Roles:
    """The inputs `x[n,i]`, the target `y[n]` or `y[n,k]`, and what is predicted of it.

    The inputs are what the prediction needs; the target is the given tensor that it does
    not need. Where the target holds values of an index (`y[n] in k`), so many classes are told
    apart, and the prediction has a number for each. A prediction that is a sigmoid is the
    probability of the second of two classes.
    """

    inputs: Tensor
    target: Tensor
    prediction: Tensor
    is_sigmoid: bool

    @property
    def classes(self) -> str | None:
        """The index of which the target holds values, or None where it holds numbers."""
        return self.target.within


def roles(system: System) -> Roles:
    """The roles in a system; raises DataError that says where a text does not fit a table."""
    predictions = system.predictions
    if len(predictions) != 1:
        raise _unfit(f"one line 'predict yhat' has to name one tensor, not {len(predictions)}")
    if system.batch is None:
        raise _unfit("a line 'batch n' has to say which index runs over the rows")
    prediction = system.tensors[predictions[0]]
    read = prerequisites(system, predictions).readers
    given = system.of_kind("given")
    inputs = _one([t for t in given if t.name in read], f"that {prediction.name} needs", "x[n,i]")
    target = _one([t for t in given if t.name not in read], f"beside {inputs.name}", "y[n]")
    value = system.definitions[prediction.name][0].value
    is_sigmoid = isinstance(value, Call) and value.function == "sigmoid"
    found = Roles(inputs, target, prediction, is_sigmoid)
    _check_axes(found, system.batch)
    return found


def _one(tensors: list[Tensor], which: str, form: str) -> Tensor:
    if len(tensors) != 1:
        names = " and ".join(map(str, tensors)) or "none"
        raise _unfit(f"there has to be one given tensor {which}, as {form}: there is {names}")
    return tensors[0]


def _check_axes(found: Roles, batch: str) -> None:
    """The rows of the table are the first axis of everything."""
    inputs, target, prediction = found.inputs, found.target, found.prediction
    if inputs.indices[:1] != (batch,) or len(inputs.indices) != 2:
        raise _unfit(f"the inputs have a row for each sample, as x[n,i], not {inputs}")
    if found.classes is not None:
        if target.indices != (batch,) or prediction.indices != (batch, found.classes):
            raise _unfit(
                f"a target of classes is y[n] in k with a prediction yhat[n,k], not "
                f"{target} in {found.classes} with {prediction}"
            )
    elif (
        target.indices != prediction.indices
        or target.indices[:1] != (batch,)
        or len(target.indices) > 2
    ):
        raise _unfit(
            "the target has the axes of the prediction, y[n] as yhat[n] or y[n,k] as yhat[n,k], "
            f"not {target} with {prediction}"
        )


def _unfit(reason: str) -> DataError:
    return DataError(
        f"this network cannot be filled from a table: {reason}; "
        "net.train takes arrays for any network"
    )
