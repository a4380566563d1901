"""Programs of the native engine: one evaluation, their memory, several callers, and the cache."""

import gc
import threading
import tracemalloc
from collections.abc import Callable
from math import prod
from pathlib import Path

import numpy as np
import pytest
from tests.engines.native.linear import NOISY, compiled, data, reference

import whygrad as wg
from whygrad.engines.base import Array
from whygrad.engines.native import NativeEngine, build
from whygrad.engines.native.arrays import suited
from whygrad.engines.native.executable import Executable
from whygrad.engines.native.jit import host
from whygrad.engines.native.memory import SLACK, memory_shape, placed, rounded
from whygrad.engines.request import Request
from whygrad.language.parsing import parse
from whygrad.training.step import step_system

# One evaluation


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


# Memory, and other programs beside


def test_memory_does_not_grow_with_epochs() -> None:
    program, arrays, order = compiled(NOISY, i=3), data(), np.arange(10)

    def traced(times: int) -> int:
        for _ in range(times):
            program.epoch(arrays, order, 4)
            program.run(arrays)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = traced(150)  # lists of free objects are full by then
        assert traced(400) - before < 30_000
    finally:
        tracemalloc.stop()


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


def test_other_settings_batches_and_numbers_of_rows_need_no_new_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WHYGRAD_CACHE", str(tmp_path))
    made: list[object] = []
    really = build.made
    monkeypatch.setattr(build, "made", lambda *a: made.append(a) or really(*a))
    rng = np.random.default_rng(0)
    for rows, size, lr in ((40, 8, 0.1), (40, 7, 0.1), (40, 8, 0.3), (60, 1, 0.01)):
        net = wg.Sequential([wg.Dense(4, "tanh"), wg.Dense(1)], cost="half_squared_error")
        given = {"x": rng.normal(size=(rows, 3)), "y": rng.normal(size=rows)}
        net.init(**given)
        net.train(**given, epochs=1, batch_size=size, optimizer=wg.Adam(lr), engine="native")
        assert len(made) == 1, (rows, size, lr)


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
