"""Epochs of the native engine: the same as those of the reference, in any form of the arrays."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engines.native.linear import NOISY, compiled, data, reference

from whygrad.engines.base import Array
from whygrad.engines.native import NativeEngine
from whygrad.language.parsing import parse


@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(1, 40),
    batch_size=st.integers(1, 50),
    length=st.integers(0, 60),
    dtype=st.sampled_from(["float64", "float32"]),
    threads=st.integers(1, 2),
    seed=st.integers(0, 99),
)
def test_an_epoch_is_the_reference_engines(
    rows: int, batch_size: int, length: int, dtype: str, threads: int, seed: int
) -> None:
    """Any rows in any order, some of them often and some never; and the last batch is smaller."""
    order = np.random.default_rng(seed).integers(0, rows, length)
    one, other = data(rows, seed, dtype), data(rows, seed, dtype)
    for arrays in (one, other):
        arrays["x"] = arrays["x"] / 4  # small enough that no order of them diverges
    tolerance = 1e-11 if dtype == "float64" else 1e-4
    for _ in range(2):
        costs = compiled(dtype=dtype, threads=threads, i=3).epoch(one, order, batch_size)["J"]
        expected = reference(dtype=dtype, i=3).epoch(other, order, batch_size)["J"]
        assert costs.dtype == np.float64
        assert costs == pytest.approx(expected, rel=tolerance, abs=tolerance)
        for name, array in other.items():
            assert one[name].dtype == dtype
            assert one[name] == pytest.approx(array, rel=tolerance, abs=tolerance)


@pytest.mark.usefixtures("alone")
def test_epochs_of_one_program_follow_each_other() -> None:
    program = compiled(i=3)
    arrays = data()
    told = [program.epoch(arrays, np.arange(10), size)["J"] for size in (4, 3, 10, 4)]
    assert arrays["steps"] == 3 + 4 + 1 + 3
    assert [len(costs) for costs in told] == [3, 4, 1, 3]
    assert len({cost for costs in told for cost in costs}) == 3 + 4 + 1 + 3  # none is written over


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_who_gives_room_finds_it_used_again(dtype: str) -> None:
    """By fewer steps and by more; the numbers are those that there are without it."""
    program, room = compiled(i=3, dtype=dtype), {}
    plain, other = data(dtype=dtype), data(dtype=dtype)
    expected = [program.epoch(plain, np.arange(10), size)["J"] for size in (3, 4, 2)]
    found = []
    for size in (3, 4, 2):
        costs = program.epoch(other, np.arange(10), size, room=room)["J"]
        found.append(costs.tolist())
        assert costs.dtype == np.float64
        assert any(np.shares_memory(costs, kept) for kept in room.values())
    assert found == [costs.tolist() for costs in expected]
    kept = dict(room)
    program.epoch(other, np.arange(10), 5, room=room)
    assert all(room[key] is array for key, array in kept.items())


CONVERTED: dict[str, Callable[[Array], object]] = {
    "a list": lambda a: a.tolist(),
    "another type": lambda a: a.astype(np.float32).astype(np.float64),
    "another order of bytes": lambda a: a.astype(a.dtype.newbyteorder()),
    "every other element": lambda a: np.repeat(a, 2, axis=0)[::2],
    "Fortran's order": lambda a: np.asfortranarray(a),
    "not aligned": lambda a: np.frombuffer(b"0" + a.tobytes(), a.dtype, offset=1).reshape(a.shape),
}


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("convert", CONVERTED.values(), ids=CONVERTED)
def test_data_in_any_form_are_taken(convert: Callable[[Array], object]) -> None:
    plain = {n: a.astype(np.float32) for n, a in data().items()}
    other = {**plain, "x": convert(plain["x"]), "w": plain["w"].copy()}
    for arrays in (plain, other):
        arrays["b"], arrays["steps"] = np.zeros((), np.float32), np.zeros((), np.float32)
    program = compiled(dtype="float32", i=3)
    costs = [program.epoch(arrays, np.arange(10), 4)["J"].tolist() for arrays in (plain, other)]
    assert costs[0] == costs[1]
    assert plain["w"].tolist() == other["w"].tolist()


@pytest.mark.usefixtures("alone")
def test_what_is_updated_is_updated_in_place_in_any_form() -> None:
    program = compiled(dtype="float32", i=3)
    plain = data(dtype="float32")
    other = {**data(dtype="float32"), "w": np.ones((3, 2))[:, 0], "b": np.zeros(())}
    w, b = other["w"], other["b"]
    for arrays in (plain, other):
        program.epoch(arrays, np.arange(10), 4)
        program.epoch(arrays, np.arange(10), 4)
    assert (other["w"] is w, other["b"] is b) == (True, True)
    assert w.tolist() == plain["w"].tolist()
    assert float(b) == float(plain["b"])


@pytest.mark.usefixtures("alone")
def test_changes_between_epochs_are_seen() -> None:
    """Of the contents of an array, of the array, and of a number; though addresses are kept."""
    program, fresh = compiled(i=3), data()
    arrays = {**data(), "rate": 0.25}
    program.epoch(arrays, np.arange(10), 4)
    arrays["w"][...] = 1
    arrays["b"], arrays["steps"] = np.zeros(()), np.zeros(())
    arrays["x"][...] = arrays["x"][::-1]
    arrays["rate"] = 0.5
    program.epoch(arrays, np.arange(10), 4)
    expected = {**fresh, "x": fresh["x"][::-1], "rate": 0.5}
    compiled(i=3).epoch(expected, np.arange(10), 4)
    assert arrays["w"].tolist() == expected["w"].tolist()


@pytest.mark.usefixtures("alone")
def test_lists_that_change_are_read_again() -> None:
    program = compiled(i=3)
    arrays = {**data(2), "x": [[1.0, 0, 0], [0, 0, 0]], "y": np.zeros(2)}
    first = program.epoch(arrays, np.array([0]), 1)["J"]
    arrays["x"][0][0] = 3.0
    arrays["w"][...], arrays["b"][...] = 1, 0
    second = program.epoch(arrays, np.array([0]), 1)["J"]
    assert (first.tolist(), second.tolist()) == ([0.5], [4.5])


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_same_bits_run_after_run(threads: int) -> None:
    found = set()
    for _ in range(3):
        arrays = data(1000, dtype="float32")
        program = compiled(dtype="float32", threads=threads, i=3)
        costs = program.epoch(arrays, np.arange(1000)[::-1], 32)["J"]
        found.add((costs.tobytes(), arrays["w"].tobytes()))
    assert len(found) == 1


@pytest.mark.usefixtures("alone")
def test_each_step_has_its_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    import whygrad.engines.native.epoch as epoch

    expected = data(10)
    monkeypatch.undo()
    costs = reference(NOISY, i=3).epoch(expected, np.arange(10), 3, seed=5, step=7)["J"]
    for limit in (1, 400, 1 << 20):
        monkeypatch.setattr(epoch, "NOISE", limit)
        arrays = data(10)
        found = compiled(NOISY, i=3).epoch(arrays, np.arange(10), 3, seed=5, step=7)["J"]
        assert found == pytest.approx(costs, rel=1e-12)
        assert arrays["w"] == pytest.approx(expected["w"], rel=1e-12)


@pytest.mark.usefixtures("alone")
def test_a_system_without_samples_is_trained_too() -> None:
    text = "param w ~ ones\nJ = w**2\nw <- w - 0.25 * 2 * w\nminimize J"
    arrays = {"w": np.ones(())}
    assert compiled(text).epoch(arrays, np.arange(5), 2)["J"].tolist() == [1, 0.25, 0.0625]


@pytest.mark.usefixtures("alone")
def test_samples_may_lie_on_any_axis() -> None:
    text = """
    given x[i,n]
    batch n
    param w[i] ~ ones
    J = mean[n](sum[i](w[i] * x[i,n]))
    w[i] <- w[i] - mean[n](x[i,n])
    minimize J
    """
    arrays = {"x": np.arange(10.0).reshape(2, 5), "w": np.ones(2)}
    costs = compiled(text, i=2).epoch(arrays, np.array([4, 1, 0]), 2)["J"]
    # x = 4, 1 and 9, 6: J = (13 + 7)/2; w = 1 - (2.5, 7.5); then J = 0·w[0] + 5·w[1]
    assert costs.tolist() == [10.0, -32.5]
    assert arrays["w"].tolist() == [-1.5, -11.5]


@pytest.mark.usefixtures("alone")
def test_what_is_told_may_have_as_many_values_as_the_batch_makes_it() -> None:
    text = """
    given x[n]
    batch n
    size m = 2 * size(n)
    param w ~ ones
    t[m] = w * m + sum[n](x[n])
    J = sum[m](t[m])
    w <- w - 0.5
    minimize J
    """
    program = NativeEngine(1).compile(parse(text), {}, ["J", "t"])
    arrays = {"x": np.arange(8.0), "w": np.ones(())}
    for size in (2, 4, 1, 4):
        w = float(arrays["w"])
        found = program.epoch(arrays, np.arange(size), size)["t"]
        assert found.tolist() == [[w * m + size * (size - 1) / 2 for m in range(2 * size)]]


@pytest.mark.usefixtures("alone")
def test_a_number_that_reads_one_sample_waits_for_the_batch() -> None:
    text = """
    given x[n]
    batch n
    param w ~ ones
    J = w * x[0] + 0 * sum[n](x[n])
    w <- w - x[0]
    minimize J
    """
    arrays = {"x": np.arange(1.0, 7), "w": np.ones(())}
    assert compiled(text).epoch(arrays, np.array([3, 0, 5, 1]), 2)["J"].tolist() == [4, -3 * 6]
    assert arrays["w"] == 1 - 4 - 6
