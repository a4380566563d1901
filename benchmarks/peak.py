"""What the machine can do at most, in GFLOP/s: the products of its BLAS, and its arithmetic."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

import numpy as np

SIZE = 1024
CHAINS = 12  # as many as hide the latency of an addition, and as fit into 16 registers
LOOPS = 20_000_000


class Peak:
    """Measures in so many threads; those of the BLAS library are set by its process."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        rng = np.random.default_rng(0)
        self.a, self.b = rng.standard_normal((2, SIZE, SIZE), np.float32)
        self.out = np.empty_like(self.a)
        self.lanes, self.loop = _loop()

    def sgemm(self) -> float:
        """The product of two square matrices, the best of three."""
        return 2 * SIZE**3 / self._least(lambda: np.matmul(self.a, self.b, out=self.out))

    def arithmetic(self) -> float:
        """Multiplications with additions in registers, the best of three."""
        with ThreadPoolExecutor(self.threads) as pool:
            seconds = self._least(lambda: [*pool.map(self.loop, [LOOPS] * self.threads)])
        return 2 * self.lanes * CHAINS * LOOPS * self.threads / seconds

    def _least(self, work: Callable[[], object]) -> float:
        times = []
        for _ in range(4):
            start = perf_counter()
            work()
            times.append(perf_counter() - start)
        return 1e9 * min(times)


def _loop() -> tuple[int, Callable[[int], float]]:
    """How many lanes a vector has, and a function that goes on with all chains so many times."""
    from whygrad.engines.native.jit import Library, host, machine_code

    lanes = host().vector_bits // 32
    library = Library(machine_code(_text(f"<{lanes} x float>"), host()), ["chains"])
    function = ctypes.CFUNCTYPE(ctypes.c_float, ctypes.c_int64, ctypes.c_float)(
        library.address("chains")
    )

    def loop(times: int) -> float:
        assert library  # its code lives as long
        return float(function(times, 0.5))

    return lanes, loop


def _text(vector: str) -> str:
    """`c = c f + f` for each chain, and the sum of their first lanes, so that each is needed."""
    chains = range(CHAINS)
    starts = [f"%c{i} = phi {vector} [ %f, %entry ], [ %n{i}, %loop ]" for i in chains]
    steps = [
        f"%n{i} = call {vector} @llvm.fmuladd({vector} %c{i}, {vector} %f, {vector} %f)"
        for i in chains
    ]
    sums = [f"%s{i + 1} = fadd {vector} %s{i}, %n{i}" for i in chains]
    lines = [
        "define float @chains(i64 %times, float %factor) {",
        "entry:",
        f"%one = insertelement {vector} poison, float %factor, i64 0",
        f"%f = shufflevector {vector} %one, {vector} poison, "
        f"{vector.replace('float', 'i32')} zeroinitializer",
        "br label %loop",
        "loop:",
        "%k = phi i64 [ 0, %entry ], [ %next, %loop ]",
        *starts,
        *steps,
        "%next = add i64 %k, 1",
        "%more = icmp slt i64 %next, %times",
        "br i1 %more, label %loop, label %end",
        "end:",
        f"%s0 = fadd {vector} %f, %f",
        *sums,
        f"%sum = extractelement {vector} %s{CHAINS}, i64 0",
        "ret float %sum",
        "}",
    ]
    return "\n".join(lines)
