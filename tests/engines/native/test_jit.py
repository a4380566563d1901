"""Machine code from text: for this processor, where it runs, and for others, where it is read."""

import ctypes
import math

import pytest

from whygrad.engines.native import jit

SINE = """
@factors = private constant [3 x double] [double 1.0, double 10.0, double 100.0]
declare double @sin(double)

define double @scaled(double %x, i64 %k) {
  %place = getelementptr double, ptr @factors, i64 %k
  %factor = load double, ptr %place
  %sine = call double @sin(double %x)
  %product = fmul double %factor, %sine
  ret double %product
}
"""

SUM = """
declare <16 x float> @llvm.fmuladd.v16f32(<16 x float>, <16 x float>, <16 x float>)

define void @axpy(ptr %x, ptr %y, ptr %z) {
  %a = load <16 x float>, ptr %x, align 4
  %b = load <16 x float>, ptr %y, align 4
  %c = load <16 x float>, ptr %z, align 4
  %d = call <16 x float> @llvm.fmuladd.v16f32(<16 x float> %a, <16 x float> %b, <16 x float> %c)
  store <16 x float> %d, ptr %z, align 4
  ret void
}
"""


def test_a_function_runs_with_its_constants_and_the_functions_it_calls() -> None:
    library = jit.Library(jit.machine_code(SINE, jit.host()), ["scaled"], jit.externals(SINE))
    double = ctypes.c_double
    scaled = ctypes.CFUNCTYPE(double, double, ctypes.c_int64)(library.address("scaled"))
    assert scaled(0.5, 2) == 100 * math.sin(0.5)


def test_the_same_text_gives_the_same_machine_code() -> None:
    """So that what is kept on disk can be compared, and holds no address of this process."""
    assert jit.machine_code(SINE, jit.host()) == jit.machine_code(SINE, jit.host())


def test_many_libraries_live_side_by_side() -> None:
    code = jit.machine_code(SINE, jit.host())
    libraries = [jit.Library(code, ["scaled"], ["sin"]) for _ in range(3)]
    assert len({library.address("scaled") for library in libraries}) == 3


def test_a_library_that_goes_leaves_the_others() -> None:
    code = jit.machine_code(SINE, jit.host())
    first, second = (jit.Library(code, ["scaled"], ["sin"]) for _ in range(2))
    del first
    double = ctypes.c_double
    scaled = ctypes.CFUNCTYPE(double, double, ctypes.c_int64)(second.address("scaled"))
    assert scaled(1.0, 1) == 10 * math.sin(1.0)


def test_a_function_that_is_not_there_is_no_address() -> None:
    with pytest.raises(RuntimeError, match="scalled"):
        jit.Library(jit.machine_code(SINE, jit.host()), ["scalled"], ["sin"])


def test_an_external_function_that_is_not_there_is_seen_before_it_is_called() -> None:
    text = "declare double @sinus(double)\ndeclare double @llvm.sqrt.f64(double)\n"
    assert jit.externals(text) == {"sinus"}
    with pytest.raises(RuntimeError, match="no C function sinus"):
        jit.Library(jit.machine_code(text, jit.host()), [], jit.externals(text))


@pytest.mark.parametrize(
    ("target", "instruction", "width", "registers"),
    [
        (jit.X86, "mulps\t%xmm", 128, 16),
        (jit.AVX2, "vfmadd", 256, 16),
        (jit.ARM, "fmla\tv", 128, 32),
        (jit.Target(jit.X86.triple, "x86-64", "+avx512f,+avx512vl"), "zmm", 512, 32),
    ],
)
def test_each_processor_gets_its_own_instructions(
    target: jit.Target, instruction: str, width: int, registers: int
) -> None:
    assert instruction in jit.assembly(SUM, target)
    assert (target.vector_bits, target.vector_registers) == (width, registers)


@pytest.mark.skipif(not jit.host().is_x86, reason="runs code for x86")
def test_code_for_a_plainer_processor_runs_here_as_well() -> None:
    arrays = [(ctypes.c_float * 16)(*(k + j for k in range(16))) for j in range(3)]
    for target in (jit.X86, jit.AVX2, jit.host()):
        if all(jit.host().has(f) for f in ("avx2", "fma")) or target is jit.X86:
            library = jit.Library(jit.machine_code(SUM, target), ["axpy"])
            axpy = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3)(library.address("axpy"))
            z = (ctypes.c_float * 16)(*arrays[2])
            axpy(*map(ctypes.addressof, (arrays[0], arrays[1], z)))
            assert list(z) == [k * (k + 1) + k + 2 for k in range(16)]
