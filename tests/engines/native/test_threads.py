"""Threads that meet at a barrier, and the loop over steps in which they do."""

import ctypes
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from whygrad.engines.base import Array
from whygrad.engines.native import driver, jit, threads
from whygrad.engines.native.subnormals import flush_ir

# Each thread adds to a number of its own that of its neighbour, as it was before the step. Slot 0
# holds rows of numbers: of even and of odd steps, and marks; slot 1 the place of the step's number.
STEP = """
define void @begin(ptr %buffers, ptr %sizes, i64 %thread, i64 %threads, ptr %control, i64 %left) {
  %numbers = load ptr, ptr %buffers
  %mark = getelementptr [8 x i64], ptr %numbers, i64 2, i64 %thread
  store i64 3, ptr %mark
  ret void
}

define void @end(ptr %buffers, ptr %sizes, i64 %thread, i64 %threads, ptr %control, i64 %left) {
  %numbers = load ptr, ptr %buffers
  %mark = getelementptr [8 x i64], ptr %numbers, i64 2, i64 %thread
  %begun = load i64, ptr %mark
  %ended = mul i64 %begun, 7
  store i64 %ended, ptr %mark
  ret void
}

define void @step(ptr %buffers, ptr %sizes, i64 %thread, i64 %threads, ptr %control, i64 %left) {
  %numbers = load ptr, ptr %buffers
  %step.slot = getelementptr ptr, ptr %buffers, i64 1
  %step.p = load ptr, ptr %step.slot
  %step = load i64, ptr %step.p
  %parity = and i64 %step, 1
  %other = xor i64 %parity, 1
  %row = mul i64 %parity, 8
  %row.next = mul i64 %other, 8
  %next.thread = add i64 %thread, 1
  %neighbour = urem i64 %next.thread, %threads
  %own.i = add i64 %row, %thread
  %neighbour.i = add i64 %row, %neighbour
  %target.i = add i64 %row.next, %thread
  %own.p = getelementptr i64, ptr %numbers, i64 %own.i
  %neighbour.p = getelementptr i64, ptr %numbers, i64 %neighbour.i
  %target.p = getelementptr i64, ptr %numbers, i64 %target.i
  %own = load i64, ptr %own.p
  %next = load i64, ptr %neighbour.p
  %sum = add i64 %own, %next
  store i64 %sum, ptr %target.p
  %limit = load i64, ptr %sizes
  %at = icmp eq i64 %step, %limit
  %first = icmp eq i64 %thread, 0
  %both = and i1 %at, %first
  br i1 %both, label %flag, label %done
flag:
  store atomic i64 1, ptr %control monotonic, align 8
  br label %done
done:
  ret void
}
"""

Epoch = Callable[..., int]


@pytest.fixture(scope="module")
def epoch() -> Iterator[Epoch]:
    text = threads.barrier_ir(jit.host()) + flush_ir(jit.host()) + STEP + driver.DRIVER
    library = jit.Library(jit.machine_code(text, jit.host()), ["epoch"], jit.externals(text))
    word, pointer = ctypes.c_int64, ctypes.c_void_p
    kind = ctypes.CFUNCTYPE(word, pointer, pointer, word, word, pointer, word, pointer, word)
    yield kind(library.address("epoch"))
    del library  # the code is there for as long as this is


def run(epoch: Epoch, count: int, number: int, limit: int = -1) -> tuple[int, Array]:
    numbers = np.zeros((3, 8), np.int64)
    numbers[0] = np.arange(8) + 1
    steps = np.arange(count, dtype=np.int64)
    tables = np.array([[numbers.ctypes.data, steps.ctypes.data]] * number)
    sizes, moves = np.array([limit]), np.array([[1, 8]])
    control = threads.new_control()

    def call(k: int) -> int:
        return epoch(
            tables[k].ctypes.data,
            sizes.ctypes.data,
            k,
            number,
            control,
            count,
            moves.ctypes.data,
            1,
        )

    return threads.together(call, control, number), numbers


def expected(count: int, number: int) -> Array:
    row = np.arange(number) + 1
    for _ in range(count):
        row = row + np.roll(row, -1)
    return row


@pytest.mark.parametrize("number", [1, 2, 3])
def test_no_thread_runs_ahead(epoch: Epoch, number: int) -> None:
    count = 20000 if number < 3 else 300
    done, numbers = run(epoch, count, number)
    assert done == count
    assert numbers[2].tolist() == [21] * number + [0] * (8 - number)
    assert numbers[count % 2, :number].tolist() == expected(count, number).tolist()


def test_beside_a_busy_process_it_goes_on(epoch: Epoch) -> None:
    """Each wait for a thread that has no core ends with the time slice of another."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        try:
            start = time.monotonic()
            done, numbers = run(epoch, 5000, 2)
            seconds = time.monotonic() - start
        finally:
            busy.kill()
    assert done == 5000
    assert numbers[0, :2].tolist() == expected(5000, 2).tolist()
    assert seconds < 30


@pytest.mark.parametrize("number", [1, 2])
def test_a_flag_stops_all_threads_after_the_same_step(epoch: Epoch, number: int) -> None:
    for limit in (0, 1, 7, 99):
        done, numbers = run(epoch, 100, number, limit)
        assert done == limit
        assert numbers[2, number - 1] == 3  # what was changed is not brought back
        assert numbers[(limit + 1) % 2, :number].tolist() == expected(limit + 1, number).tolist()


def test_a_caller_that_gives_up_leaves_nobody_waiting(epoch: Epoch) -> None:
    """As when Ctrl-C arrives after the other thread was started, and before the calling one."""
    control = threads.new_control()
    ended = []

    def call(k: int) -> int:
        if k == 0:
            raise KeyboardInterrupt
        ended.append(epoch(0, 0, k, 2, control, 5, 0, 0))
        return 0

    with pytest.raises(KeyboardInterrupt):
        threads.together(call, control, 2)
    assert ended == [0]


def test_the_control_words_begin_a_cache_line() -> None:
    assert all(ctypes.addressof(threads.new_control()) % 64 == 0 for _ in range(20))
    assert list(threads.new_control()) == [0] * threads.WORDS


@pytest.mark.parametrize(("target", "pause"), [(jit.X86, "pause"), (jit.ARM, "isb")])
def test_waiting_is_cheap_for_each_processor(target: jit.Target, pause: str) -> None:
    text = threads.barrier_ir(target) + flush_ir(target) + STEP + driver.DRIVER
    assert pause in jit.assembly(text, target)


def test_at_least_one_core_is_there() -> None:
    assert threads.cores() >= 1
