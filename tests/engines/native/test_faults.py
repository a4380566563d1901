"""What is wrong with arrays, or goes wrong in a step, is worded by the reference engine."""

import numpy as np
import pytest
from tests.engines.native.linear import compiled, data, reference

from whygrad.engines.base import Array
from whygrad.engines.native import NativeEngine
from whygrad.engines.native.executable import Executable, Outcome
from whygrad.errors import DataError, TrainingError
from whygrad.language.parsing import parse

# What is wrong is worded by the reference engine


def test_the_arrays_are_as_before_the_step_that_is_not_finite() -> None:
    arrays, expected = data(), data()
    for a in (arrays, expected):
        a["x"][7] = 1e200
    order = np.arange(10)
    for dtype_of_w in (np.float64, np.float32):
        arrays["w"], expected["w"] = np.ones((2, 3), dtype_of_w)
        with pytest.raises(TrainingError) as fault:
            compiled(i=3).epoch(arrays, order, 2, step=5)
        with pytest.raises(TrainingError) as words:
            reference(i=3).epoch(expected, order, 2, step=5)
        assert str(fault.value) == str(words.value)
        assert fault.value.step == words.value.step == 8
        assert arrays["w"] == pytest.approx(expected["w"])
        assert arrays["steps"] == expected["steps"]
        for a in (arrays, expected):
            a["b"], a["steps"] = np.zeros(()), np.zeros(())


def test_after_a_step_of_the_reference_engine_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when a value is infinite in one way to compute it and finite in the other."""
    call, counts = Executable.call, []

    def stopped(self: Executable, sizes, pointers, count=1, strides=None, threads=1) -> Outcome:
        counts.append(count)
        if count > 2:  # what the steps before the third have changed does not come back
            return Outcome(2, False)
        return call(self, sizes, pointers, count, strides, threads)

    plain, other = data(dtype="float32"), data(dtype="float32")
    other["w"] = np.ones(3)  # a copy in float32 is what is worked on
    expected = compiled(dtype="float32", i=3).epoch(plain, np.arange(10), 2)
    monkeypatch.setattr(Executable, "call", stopped)
    found = compiled(dtype="float32", i=3).epoch(other, np.arange(10), 2)
    assert counts == [5, 2, 2]  # two steps, undone and taken again; one elsewhere; the last two
    assert found["J"] == pytest.approx(expected["J"], rel=1e-5)
    assert other["w"] == pytest.approx(plain["w"], rel=1e-5)
    assert other["steps"] == 5


LOOKUP = """
given k[n], y[n] in c
batch n
size i = 4, c = 3
param w[i] ~ ones
J = mean[n](w[k[n]] * [y[n] == 1])
w[i] <- w[i] - 0.5 * mean[n]([k[n] == i])
minimize J
"""


@pytest.mark.parametrize(
    ("k", "y", "match"),
    [
        ([0, 1, 9, 3], [0, 1, 1, 1], r"w\[k\[n\]\].* n = 0: k\[n\] is 9.* from 0 to 3"),
        ([0, 1, 2, 3], [0, 1, 3, 1], r"y\[0\] is 3.*whole numbers from 0 to 2"),
        ([0, 1, 2, 3], [0, 1, 0.5, 1], r"y\[0\] is 0.5.*whole numbers from 0 to 2"),
        ([0, 1, 2.5, 3], [0, 1, 1, 1], r"k\[n\] is 2.5"),
    ],
)
def test_wrong_numbers_are_found_when_their_batch_comes(
    k: list[float], y: list[float], match: str
) -> None:
    arrays = {"k": np.array(k), "y": np.array(y), "w": np.ones(4)}
    with pytest.raises(DataError, match=match):
        compiled(LOOKUP).epoch(arrays, np.arange(4), 2)
    assert arrays["w"].tolist() == [0.75, 0.75, 1, 1]


def test_class_numbers_that_go_wrong_between_epochs_are_found() -> None:
    arrays = {"k": np.arange(4), "y": np.array([0, 1, 2, 1]), "w": np.ones(4)}
    program = compiled(LOOKUP)
    program.epoch(arrays, np.arange(4), 2)
    arrays["y"][3] = -1
    with pytest.raises(DataError, match=r"y\[1\] is -1"):
        program.epoch(arrays, np.arange(4), 2)


def test_rows_that_are_not_there_are_not_read() -> None:
    for order in ([0, 10], [3, -11]):
        with pytest.raises(IndexError):
            compiled(i=3).epoch(data(), np.array(order), 1)


def test_arrays_that_cannot_be_written_are_refused() -> None:
    arrays = data()
    arrays["w"].flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        compiled(i=3).epoch(arrays, np.arange(10), 4)


@pytest.mark.parametrize(
    ("name", "array"), [("x", np.ones((10, 2))), ("y", np.ones(9)), ("w", np.ones(4))]
)
def test_arrays_of_another_shape_are_refused(name: str, array: Array) -> None:
    arrays = {**data(), name: array}
    with pytest.raises((DataError, IndexError)) as fault:
        compiled(i=3).epoch(arrays, np.arange(10), 4)
    with pytest.raises(type(fault.value)) as words:
        reference(i=3).epoch({**data(), name: array}, np.arange(10), 4)
    assert str(fault.value) == str(words.value)


def test_a_fixed_size_of_the_batch_is_kept_to() -> None:
    arrays = data()
    assert len(compiled(i=3, n=5).epoch(arrays, np.arange(10), 5)["J"]) == 2
    with pytest.raises(DataError, match=r"x\[n, i\] has shape \(4, 3\)"):
        compiled(i=3, n=5).epoch(arrays, np.arange(10), 4)


def test_without_a_cost_there_is_nothing_to_train() -> None:
    program = NativeEngine().compile(parse("given x\na = x"), {}, ["a"])
    with pytest.raises(TrainingError, match="needs a line like `minimize J`"):
        program.epoch({"x": np.ones(())}, np.arange(3), 1)


@pytest.mark.parametrize("threads", [0, -1, 1.5, "two", 10**9])
def test_a_strange_number_of_threads_is_refused(threads: object) -> None:
    with pytest.raises(DataError, match="whole number from 1 to"):
        NativeEngine(threads)
