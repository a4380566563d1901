"""Several threads that run the same compiled function, and the barrier at which they meet."""

from __future__ import annotations

import ctypes
import os
from _thread import LockType, allocate_lock, start_new_thread
from collections.abc import Callable

from .jit import Target

SPINS = 40
"""Pauses before a waiting thread lets others run.

Without a limit, one busy process beside two threads makes them many times slower: the thread that
is waited for may not be running. It comes to about 80 µs, since yielding costs more than most
waits.
"""

LOOKS = 1000
"""How often it looks from one pause to the next.

A virtual machine takes pauses in close succession (on Intel, fewer than 128 cycles apart for some
thousand cycles) for a waste of time and stops the thread for some 20 µs.
"""

SUBSCRIPT, INFINITE, STOP, GATE, ARRIVED, GENERATION, WORDS = 0, 1, 2, 8, 16, 24, 32
"""Places in `%control`, an array of i64; what many threads touch has a cache line of its own.

SUBSCRIPT and INFINITE are set by a step where a subscript leaves its range and where a value is not
finite; STOP tells all threads alike, from the next barrier on, that one of them is set. GATE is 0
until the calling thread has come in (1) or has given up (2).
"""

_PAUSE = {
    "x86": ("declare void @llvm.x86.sse2.pause()", "call void @llvm.x86.sse2.pause()"),
    # `yield` does nothing on most of these processors; `isb` waits for some tens of cycles
    "arm": ("declare void @llvm.aarch64.isb(i32)", "call void @llvm.aarch64.isb(i32 15)"),
    "other": ("", ""),
}


def barrier_ir(target: Target) -> str:
    """`@barrier`, at which all threads wait for the last, and `@gate`, at which they start.

    The barrier counts arrivals, and the last to arrive opens it by raising the generation (Mellor-
    Crummey and Scott, "Algorithms for scalable synchronization", 1991, the centralised barrier).
    It also notes whether to stop: read in between, the flags could look different to two threads.
    """
    kind = "x86" if target.is_x86 else "arm" if target.is_arm else "other"
    declare_pause, pause = _PAUSE[kind]
    yield_ = "SwitchToThread" if "windows" in target.triple else "sched_yield"
    return f"""
{declare_pause}
declare i32 @{yield_}()

define internal i64 @await(ptr %place, i64 %old) {{
entry:
  br label %look
look:
  %spins = phi i64 [ 0, %entry ], [ %spins, %again ], [ %more, %pause ], [ {SPINS}, %rest ]
  %looks = phi i64 [ 0, %entry ], [ %looks.more, %again ], [ 0, %pause ], [ 0, %rest ]
  %now = load atomic i64, ptr %place acquire, align 8
  %same = icmp eq i64 %now, %old
  br i1 %same, label %again, label %done
again:
  %looks.more = add i64 %looks, 1
  %often = icmp ugt i64 %looks.more, {LOOKS}
  br i1 %often, label %wait, label %look
wait:
  %patient = icmp ult i64 %spins, {SPINS}
  br i1 %patient, label %pause, label %rest
pause:
  {pause}
  %more = add i64 %spins, 1
  br label %look
rest:
  %yielded = call i32 @{yield_}()
  br label %look
done:
  ret i64 %now
}}

define internal void @barrier(ptr %control, i64 %threads) {{
entry:
  %place = getelementptr i64, ptr %control, i64 {GENERATION}
  %generation = load atomic i64, ptr %place monotonic, align 8
  %arrivals = getelementptr i64, ptr %control, i64 {ARRIVED}
  %alone = icmp eq i64 %threads, 1
  br i1 %alone, label %last, label %arrive
arrive:
  %before = atomicrmw add ptr %arrivals, i64 1 acq_rel
  %here = add i64 %before, 1
  %all = icmp eq i64 %here, %threads
  br i1 %all, label %last, label %wait
last:
  %subscript.p = getelementptr i64, ptr %control, i64 {SUBSCRIPT}
  %subscript = load atomic i64, ptr %subscript.p monotonic, align 8
  %infinite.p = getelementptr i64, ptr %control, i64 {INFINITE}
  %infinite = load atomic i64, ptr %infinite.p monotonic, align 8
  %stop = or i64 %subscript, %infinite
  %stop.p = getelementptr i64, ptr %control, i64 {STOP}
  store atomic i64 %stop, ptr %stop.p monotonic, align 8
  store atomic i64 0, ptr %arrivals monotonic, align 8
  %next = add i64 %generation, 1
  store atomic i64 %next, ptr %place release, align 8
  ret void
wait:
  %now = call i64 @await(ptr %place, i64 %generation)
  ret void
}}

define internal i1 @gate(ptr %control, i64 %thread) {{
entry:
  %place = getelementptr i64, ptr %control, i64 {GATE}
  %caller = icmp eq i64 %thread, 0
  br i1 %caller, label %open, label %wait
open:
  store atomic i64 1, ptr %place release, align 8
  ret i1 true
wait:
  %state = call i64 @await(ptr %place, i64 0)
  %go = icmp eq i64 %state, 1
  ret i1 %go
}}
"""


def cores() -> int:
    """The processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def together(
    function: Callable[[int], int], control: ctypes.Array[ctypes.c_int64], threads: int
) -> int:
    """Call `function(number)` in so many threads at once, the calling one being number 0.

    Returns what number 0 returns, when all have returned. A new thread costs about 10 µs, and
    needs none of the care that threads kept between calls do (as when the process is forked).
    """
    if threads == 1:
        return function(0)
    running = []

    def work(number: int, lock: LockType) -> None:
        try:
            function(number)
        finally:
            lock.release()

    try:
        for number in range(1, threads):
            lock = allocate_lock()
            lock.acquire()
            start_new_thread(work, (number, lock))
            running.append(lock)
        return function(0)
    finally:
        control[GATE] = 2  # has no effect, unless Ctrl-C came before number 0 went in
        for lock in running:
            lock.acquire()


def new_control() -> ctypes.Array[ctypes.c_int64]:
    """Words for `%control`, all 0, at the start of a cache line."""
    room = (ctypes.c_int64 * (WORDS + 8))()
    return (ctypes.c_int64 * WORDS).from_buffer(room, -ctypes.addressof(room) % 64)
