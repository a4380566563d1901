"""The native engine as an engine: what it does with arrays, and what it leaves to the reference.

That it computes what it should is in the tests of all engines; here are its epochs.
"""

import threading
import tracemalloc
from collections.abc import Callable
from math import prod
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import whygrad as wg
from whygrad.engines.base import Array, Program
from whygrad.engines.native import NativeEngine, build
from whygrad.engines.native.arrays import suited
from whygrad.engines.native.executable import Executable, Outcome
from whygrad.engines.native.jit import host
from whygrad.engines.native.memory import SLACK, memory_shape, placed, rounded
from whygrad.engines.reference import ReferenceEngine, ReferenceProgram
from whygrad.engines.request import Request
from whygrad.errors import DataError, TrainingError
from whygrad.language.parsing import parse
from whygrad.training.step import step_system

LINEAR = """
given x[n,i], y[n]
batch n
param w[i] ~ ones, b ~ zeros
setting rate = 0.25
state steps ~ zeros
e[n] = sum[i](w[i] * x[n,i]) + b - y[n]
J = mean[n](e[n]**2) / 2
w[i] <- w[i] - rate * mean[n](e[n] * x[n,i])
b <- b - rate * mean[n](e[n])
steps <- steps + 1
minimize J
"""


def compiled(text: str = LINEAR, dtype: str = "float64", threads: int = 1, **sizes: int) -> Program:
    return NativeEngine(threads).compile(parse(text), sizes, ["J"], dtype)


def reference(text: str = LINEAR, dtype: str = "float64", **sizes: int) -> Program:
    return ReferenceEngine().compile(parse(text), sizes, ["J"], dtype)


def data(rows: int = 10, seed: int = 0, dtype: str = "float64") -> dict[str, Array]:
    random = np.random.default_rng(seed)
    return {
        "x": random.normal(size=(rows, 3)).astype(dtype),
        "y": random.normal(size=rows).astype(dtype),
        "w": np.ones(3, dtype),
        "b": np.zeros((), dtype),
        "steps": np.zeros((), dtype),
    }


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reference engine must not be called for help."""

    def refuse(*_: object) -> None:
        raise AssertionError("the reference engine was asked")

    monkeypatch.setattr(ReferenceProgram, "run", refuse)
    monkeypatch.setattr(ReferenceProgram, "epoch", refuse)


# Epochs


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
    tolerance = 1e-11 if dtype == "float64" else 1e-4
    for _ in range(2):
        costs = compiled(dtype=dtype, threads=threads, i=3).epoch(one, order, batch_size)
        expected = reference(dtype=dtype, i=3).epoch(other, order, batch_size)
        assert costs.dtype == np.float64
        assert costs == pytest.approx(expected, rel=tolerance, abs=tolerance)
        for name, array in other.items():
            assert one[name].dtype == dtype
            assert one[name] == pytest.approx(array, rel=tolerance, abs=tolerance)


@pytest.mark.usefixtures("alone")
def test_epochs_of_one_program_follow_each_other() -> None:
    program = compiled(i=3)
    arrays = data()
    for size in (4, 3, 10, 4):
        program.epoch(arrays, np.arange(10), size)
    assert arrays["steps"] == 3 + 4 + 1 + 3


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
    costs = [program.epoch(arrays, np.arange(10), 4).tolist() for arrays in (plain, other)]
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
    first = program.epoch(arrays, np.array([0]), 1)
    arrays["x"][0][0] = 3.0
    arrays["w"][...], arrays["b"][...] = 1, 0
    second = program.epoch(arrays, np.array([0]), 1)
    assert (first.tolist(), second.tolist()) == ([0.5], [4.5])


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_same_bits_run_after_run(threads: int) -> None:
    found = set()
    for _ in range(3):
        arrays = data(1000, dtype="float32")
        program = compiled(dtype="float32", threads=threads, i=3)
        costs = program.epoch(arrays, np.arange(1000)[::-1], 32)
        found.add((costs.tobytes(), arrays["w"].tobytes()))
    assert len(found) == 1


NOISY = """
given x[n,i]
batch n
param w[i] ~ ones
noise m[n,i] ~ bernoulli(0.5), g ~ normal(0, 1)
J = mean[n](sum[i](m[n,i] * x[n,i] * w[i])) + g
w[i] <- w[i] - 0.1 * mean[n](m[n,i] * x[n,i])
minimize J
"""


@pytest.mark.usefixtures("alone")
def test_each_step_has_its_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    import whygrad.engines.native.epoch as epoch

    expected = data(10)
    monkeypatch.undo()
    costs = reference(NOISY, i=3).epoch(expected, np.arange(10), 3, seed=5, step=7)
    for limit in (1, 400, 1 << 20):
        monkeypatch.setattr(epoch, "NOISE", limit)
        arrays = data(10)
        found = compiled(NOISY, i=3).epoch(arrays, np.arange(10), 3, seed=5, step=7)
        assert found == pytest.approx(costs, rel=1e-12)
        assert arrays["w"] == pytest.approx(expected["w"], rel=1e-12)


@pytest.mark.usefixtures("alone")
def test_an_array_that_is_wanted_back_is_a_copy() -> None:
    program = NativeEngine(1).compile(parse("given x[n]\na[n] = 2 * x[n]"), {"n": 2}, ["a", "x"])
    arrays = {"x": np.ones(2)}
    found = program.run(arrays)
    arrays["x"][:] = 7
    assert (found["x"].tolist(), found["a"].tolist()) == ([1, 1], [2, 2])


def test_an_array_that_is_not_aligned_is_copied() -> None:
    odd = np.frombuffer(b"0" + np.arange(3.0).tobytes(), np.float64, offset=1)
    copy = suited(odd, np.dtype(np.float64))
    assert (copy.flags.aligned, copy.tolist()) == (True, [0, 1, 2])
    assert suited(copy, np.dtype(np.float64)) is copy


@pytest.mark.usefixtures("alone")
def test_noise_without_axes_is_drawn_for_a_run_too() -> None:
    program = NativeEngine(1).compile(parse("noise g ~ normal(0, 1)\na = 2 * g"), {}, ["a", "g"])
    found = program.run({}, seed=3)
    assert (found["a"].shape, found["g"].shape) == ((), ())
    assert found["a"] == 2 * found["g"] != 0


@pytest.mark.usefixtures("alone")
def test_a_system_without_samples_is_trained_too() -> None:
    text = "param w ~ ones\nJ = w**2\nw <- w - 0.25 * 2 * w\nminimize J"
    arrays = {"w": np.ones(())}
    assert compiled(text).epoch(arrays, np.arange(5), 2).tolist() == [1, 0.25, 0.0625]


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
    costs = compiled(text, i=2).epoch(arrays, np.array([4, 1, 0]), 2)
    # x = 4, 1 and 9, 6: J = (13 + 7)/2; w = 1 - (2.5, 7.5); then J = 0·w[0] + 5·w[1]
    assert costs.tolist() == [10.0, -32.5]
    assert arrays["w"].tolist() == [-1.5, -11.5]


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
        outcome = call(self, sizes, pointers, min(count, 2), strides, threads)
        return outcome._replace(steps=min(outcome.steps, count))

    plain, other = data(dtype="float32"), data(dtype="float32")
    other["w"] = np.ones(3)  # a copy in float32 is what is worked on
    costs = compiled(dtype="float32", i=3).epoch(plain, np.arange(10), 2)
    monkeypatch.setattr(Executable, "call", stopped)
    found = compiled(dtype="float32", i=3).epoch(other, np.arange(10), 2)
    assert counts == [5, 2, 2]  # two steps, undone and taken again; one elsewhere; the last two
    assert found == pytest.approx(costs, rel=1e-5)
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
    assert len(compiled(i=3, n=5).epoch(arrays, np.arange(10), 5)) == 2
    with pytest.raises(DataError, match=r"x\[n, i\] has shape \(4, 3\)"):
        compiled(i=3, n=5).epoch(arrays, np.arange(10), 4)


def test_without_a_cost_there_is_nothing_to_train() -> None:
    program = NativeEngine().compile(parse("given x\na = x"), {}, ["a"])
    with pytest.raises(TrainingError, match="needs a line like `minimize J`"):
        program.epoch({"x": np.ones(())}, np.arange(3), 1)


@pytest.mark.parametrize("threads", [0, -1, 1.5, "two"])
def test_a_strange_number_of_threads_is_refused(threads: object) -> None:
    with pytest.raises(DataError, match="whole number from 1 on"):
        NativeEngine(threads)


# Memory, and other programs beside


def test_memory_does_not_grow_with_epochs() -> None:
    program, arrays, order = compiled(NOISY, i=3), data(), np.arange(10)
    for _ in range(5):
        program.epoch(arrays, order, 4)
        program.run(arrays)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(300):
            program.epoch(arrays, order, 4)
            program.run(arrays)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 20_000


@pytest.mark.parametrize("depth", [2, 20])
def test_the_buffers_of_a_step_fit_one_and_a_half_times_the_largest_live_set(depth: int) -> None:
    net = wg.Sequential([*[wg.Dense(24, "tanh")] * depth, wg.Dense(3)], cost="cross_entropy")
    system = step_system(net, wg.Adam(0.01), None, 1, 1)
    wanted = ["J", *(f"{u.name} <-" for u in system.updates)]
    request = Request(system, {"i": 10, "k": 3}, wanted, "float32", True)
    own = [b for b in build.made(request, True, host()).code.buffers if not b.external]
    sizes = {"n": 50, "n·all": 500}
    last = max(b.alive[1] for b in own if b.alive is not None)
    live = [0] * (last + 1)
    for b in own:
        first, end = b.alive or (0, last)
        for part in range(first, end + 1):
            live[part] += rounded(prod(memory_shape(b, sizes)) * 4)
    assert placed(own, sizes).size - SLACK <= 1.5 * max(live)


def test_two_callers_of_one_program_wait_for_each_other() -> None:
    program = compiled(i=3)
    arrays = [data(5000, seed) for seed in range(3)]
    expected = [program.run(a)["J"] for a in arrays]
    found: list[list[Array]] = [[], [], []]

    def call(k: int) -> None:
        found[k] = [program.run(arrays[k])["J"] for _ in range(100)]

    callers = [threading.Thread(target=call, args=(k,)) for k in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert found == [[e] * 100 for e in expected]


# The cache


def test_a_program_that_was_compiled_once_is_not_compiled_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WHYGRAD_CACHE", str(tmp_path))
    first, second = data(), data()
    compiled(i=3).epoch(first, np.arange(10), 4)

    def refuse(*_: object) -> None:
        raise AssertionError("compiled again")

    monkeypatch.setattr(build, "made", refuse)
    compiled(i=3).epoch(second, np.arange(10), 4)
    assert first["w"].tolist() == second["w"].tolist()
    with pytest.raises(AssertionError, match="compiled again"):
        compiled(i=3, dtype="float32").epoch(data(), np.arange(10), 3, step=1)


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b[:50] + b"?" + b[51:]])
def test_a_damaged_program_is_compiled_anew(
    damage: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WHYGRAD_CACHE", str(tmp_path))
    compiled(i=3).epoch(data(), np.arange(10), 4)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    arrays, expected = data(), data()
    compiled(i=3).epoch(arrays, np.arange(10), 4)
    reference(i=3).epoch(expected, np.arange(10), 4)
    assert arrays["w"] == pytest.approx(expected["w"])
    assert path.read_bytes() == whole


def test_a_program_from_the_cache_is_the_one_that_was_put_in() -> None:
    program = NativeEngine().compile(parse(NOISY), {"i": 3}, ["J", "w <-"])
    made = build.build(program._request, False, host())
    assert build.build(program._request, False, host()) == made
    assert isinstance(Executable(made.code, made.machine_code, made.symbols), Executable)
