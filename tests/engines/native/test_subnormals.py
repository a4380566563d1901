"""Numbers too small for full precision are 0 in an epoch, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from whygrad.engines.native import NativeEngine, jit
from whygrad.engines.native.subnormals import flush_ir
from whygrad.language.parsing import parse

TEXT = """
    given x[n]
    batch n
    param w ~ ones
    state v ~ ones
    J = mean[n](w * x[n])
    minimize J
    v <- v * 0.25
    w <- w - δw * 0.0
    """


def decayed(engine: NativeEngine, dtype: str) -> float:
    """A quarter of a quarter of twice the smallest number with all its digits."""
    program = engine.compile(parse(TEXT), {}, ["J", "v <-", "w <-"], dtype)
    small = np.finfo(dtype).tiny
    arrays = {n: np.array(v, dtype) for n, v in {"w": 1.0, "v": 2 * small}.items()}
    arrays["x"] = np.ones(4, dtype)
    program.epoch(arrays, np.arange(2), 1)
    assert np.array(small, dtype) * np.array(0.25, dtype) > 0  # as ever, for the caller
    return float(arrays["v"])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("threads", [1, 2])
def test_what_decays_ends_at_0_and_the_caller_keeps_small_numbers(dtype: str, threads: int) -> None:
    assert decayed(NativeEngine(threads), dtype) == 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_decays_ends_at_0_on_other_processors(target: jit.Target, dtype: str) -> None:
    assert decayed(NativeEngine(2, target), dtype) == 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_evaluation_keeps_small_numbers(dtype: str) -> None:
    program = NativeEngine(1).compile(parse("given x\na = x * 0.25"), {}, ["a"], dtype)
    small = np.array(np.finfo(dtype).tiny, dtype)
    assert program.run({"x": small})["a"] == small * np.array(0.25, dtype) > 0


@pytest.mark.parametrize(
    ("target", "instruction"), [(jit.X86, "ldmxcsr"), (jit.AVX2, "ldmxcsr"), (jit.ARM, "msr\tFPCR")]
)
def test_the_mode_is_set_and_set_back(target: jit.Target, instruction: str) -> None:
    text = flush_ir(target) + "\ndefine void @f() {\n  %m = call i64 @flush()\n"
    text += "  call void @unflush(i64 %m)\n  ret void\n}\n"
    assert jit.assembly(text, target).count(instruction) >= 2


@pytest.mark.skipif(
    not (jit.host().has("fma") or jit.host().is_arm), reason="no multiplication with an addition"
)
def test_the_sigmoid_of_one_number_keeps_its_digits_down_to_the_smallest() -> None:
    text = """
        given x[n]
        batch n
        param w ~ ones
        J = sigmoid(w) * mean[n](x[n])
        minimize J
        w <- w - δw * 0
        """
    program = NativeEngine(1).compile(parse(text), {}, ["J", "w <-"], "float32")
    for w in np.linspace(-87.2, -60, 400, dtype=np.float32):
        told = program.epoch({"x": np.ones(1, np.float32), "w": np.array(w)}, np.arange(1), 1)
        np.testing.assert_allclose(told["J"], special.expit(np.float64(w)), rtol=2.5e-7)
