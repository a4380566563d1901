"""The elementwise functions of the native engine, compiled and compared with wider arithmetic."""

from __future__ import annotations

import re

import numpy as np
import pytest
from llvmlite import binding as llvm
from scipy import special
from tests.engines.native.compiled import AVX2, HOST, SSE2, Array, apply, assembly, can_run
from tests.engines.native.exact import WIDER, exact, ulps

from whygrad.engines.native.functions import (
    CALLED,
    NAMES,
    TABLES,
    arguments,
    emit,
    lines,
    symbol,
)
from whygrad.engines.native.functions.table import WIDTH, Table
from whygrad.language.functions import FUNCTIONS

ONE = sorted(name for name in NAMES if arguments(name) == 1)
PROCESSORS = {"this": HOST, "AVX2": AVX2, "SSE2": SSE2}
DTYPES = [np.float32, np.float64]

# Arguments around which something changes: signs, thresholds of overflow and underflow, the ends
# of the intervals of the approximations.
EDGES = {
    np.float32: [
        *(
            0.0,
            2.0**-149,
            2.0**-126,
            2.0**-23,
            2.0**-24,
            0.34657359,
            0.5,
            0.6931472,
            0.70710678,
            1.0,
        ),
        *(
            1.0397208,
            1.41421356,
            2.0,
            3.9192059,
            6.0,
            9.010913,
            16.635532,
            17.32868,
            20.0,
            87.33654,
        ),
        *(
            88.37626,
            88.72284,
            103.27893,
            103.97208,
            104.5,
            2.0**20,
            2.0**23,
            2.0**24,
            3.4e38,
            np.inf,
        ),
    ],
    np.float64: [
        *(
            0.0,
            5e-324,
            2.0**-1022,
            2.0**-53,
            0.34657359,
            0.6931472,
            0.70710678,
            1.0,
            1.41421356,
            2.0,
        ),
        *(5.9, 6.0, 19.06, 36.7, 37.42995, 708.39642, 709.7827, 710.5, 744.44007, 745.13322, 746.0),
        *(2.0**20, 2.0**52, 2.0**53, 1.7e308, np.inf),
    ],
}


def near_edges(dtype: type, around: int = 300) -> Array:
    """The numbers next to the edges, of both signs, and NaN."""
    integer = {np.float32: np.int32, np.float64: np.int64}[dtype]
    bits = np.array(EDGES[dtype], dtype).view(integer)
    last = np.array(np.inf, dtype).view(integer)
    near = np.clip(bits[:, None] + np.arange(-around, around + 1), 0, last).astype(integer)
    sizes = near.ravel().view(dtype)
    return np.concatenate([sizes, -sizes, np.array([np.nan], dtype)])


def all_over(dtype: type) -> Array:
    """Numbers of every size, and more of those that networks hold."""
    if dtype is np.float32:
        return np.arange(0, 2**32, 8191, np.uint64).astype(np.uint32).view(np.float32)
    generator = np.random.default_rng(4)
    return np.concatenate(
        [
            generator.integers(0, 2**64, 20_000, np.uint64).view(np.float64),
            generator.uniform(-750, 750, 20_000),
            generator.uniform(-20, 20, 20_000),
            generator.normal(size=20_000),
            1 + 0.3 * generator.normal(size=20_000),
            # Multiples of π/2, whose sine or cosine is lost digits.
            np.pi / 2 * generator.integers(-(2**19), 2**19, 5_000),
        ]
    )


@pytest.fixture(params=PROCESSORS, ids=str)
def processor(request: pytest.FixtureRequest) -> tuple[str, str]:
    chosen = PROCESSORS[request.param]
    if not can_run(chosen):
        pytest.skip(f"this machine does not run code for {request.param}")
    return chosen


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ONE)
def test_every_value_is_within_two_ulp(name: str, dtype: type, processor: tuple[str, str]) -> None:
    if dtype is np.float64 and not WIDER:
        pytest.skip("a long double of this machine has no more digits than a double")
    x = np.concatenate([near_edges(dtype), all_over(dtype)])
    got = apply(name, x, processor=processor)
    error = ulps(got, exact(name, x))
    at = int(error.argmax())
    assert error[at] <= 2, f"{name}({x[at]!r}) gives {got[at]!r}, {error[at]:.2f} ulp off"


@pytest.mark.parametrize("name", sorted(TABLES))
def test_one_number_by_a_table_is_within_two_ulp(name: str, processor: tuple[str, str]) -> None:
    x = np.concatenate([near_edges(np.float32), all_over(np.float32), *near_changes(TABLES[name])])
    got = apply(name, x, lanes=1, processor=processor)
    error = ulps(got, exact(name, x))
    at = int(error.argmax())
    assert error[at] <= 2, f"{name}({x[at]!r}) gives {got[at]!r}, {error[at]:.2f} ulp off"


def near_changes(table: Table) -> list[Array]:
    """Numbers on both sides of where a table goes on to the next row, and of where it ends."""
    places = (np.arange(table.low * WIDTH, table.high * WIDTH) + 0.5) / WIDTH
    places = np.concatenate([places, [table.low, table.high]]).astype(np.float32)
    return [places, *(np.nextafter(places, np.float32(far)) for far in (-np.inf, np.inf))]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ONE)
def test_zeros_infinities_and_nan_are_those_of_numpy(name: str, dtype: type) -> None:
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, -1.0], dtype)
    others = {
        "erf": special.erf,
        "sigmoid": special.expit,
        "softplus": lambda x: np.logaddexp(0, x, dtype=dtype),
    }
    with np.errstate(all="ignore"):
        wanted = (others.get(name) or getattr(np, name))(x)
    for lanes in (1, 64 // x.itemsize):
        got = apply(name, x, lanes=lanes)
        np.testing.assert_allclose(got, wanted, rtol=1e-6)
        assert np.signbit(got[wanted == 0]).tolist() == np.signbit(wanted[wanted == 0]).tolist()


def powers(dtype: type) -> tuple[Array, Array]:
    """Bases and exponents: all pairs of special values, then pairs with results of every size."""
    special_values = [
        *(0.0, 1.0, 2.0, 0.5, 3.0, np.inf, 1e-310, 5e-324, 2.0**24, 2.0**24 - 1, 2.0**52 + 1),
        *(2.0**53, 2.0**53 + 2, 1 + 2.0**-52, 1 - 2.0**-53, 0.7071, 1.5, 1e30, 1e308),
    ]
    values = np.array([*special_values, *(-v for v in special_values), np.nan])
    x, y = (a.ravel() for a in np.meshgrid(values, values))
    generator = np.random.default_rng(5)
    largest = {np.float32: 104, np.float64: 746}[dtype]
    bases = np.concatenate(
        [
            np.exp(generator.uniform(-largest, largest, 30_000) * 0.83),
            generator.uniform(0.5, 2, 30_000),
            1 + 1e-3 * generator.normal(size=30_000),
        ]
    )
    exponents = generator.uniform(-largest, largest, bases.size) / np.log(bases)
    negative = -generator.uniform(0, 10, 10_000)
    whole = generator.integers(-30, 30, negative.size)
    with np.errstate(over="ignore"):
        return (
            np.concatenate([x, bases, negative]).astype(dtype),
            np.concatenate([y, exponents, whole]).astype(dtype),
        )


@pytest.mark.parametrize("dtype", DTYPES)
def test_powers_are_within_two_ulp_with_the_special_cases_of_c(
    dtype: type, processor: tuple[str, str]
) -> None:
    if dtype is np.float64 and not WIDER:
        pytest.skip("a long double of this machine has no more digits than a double")
    x, y = powers(dtype)
    got, wanted = apply("pow", x, y, processor=processor), exact("pow", x, y)
    error = ulps(got, wanted)
    at = int(error.argmax())
    assert error[at] <= 2, f"{x[at]!r} ** {y[at]!r} gives {got[at]!r}, {error[at]:.2f} ulp off"
    zero = wanted == 0
    assert (np.signbit(got[zero]) == np.signbit(wanted[zero])).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_huge_exponent_gives_zero_or_infinity(dtype: type) -> None:
    x = np.random.default_rng(7).uniform(0.3, 3, 200_000).astype(dtype)
    x = x[x != 1]
    for exponent in (1e12, 1e30, -1e30):
        got = apply("pow", x, np.full_like(x, exponent))
        np.testing.assert_array_equal(got, np.where((x > 1) == (exponent > 0), np.inf, 0))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", sorted(NAMES))
def test_the_bits_do_not_depend_on_the_number_of_lanes(name: str, dtype: type) -> None:
    generator = np.random.default_rng(6)
    args = [generator.normal(0, 30, 480).astype(dtype) for _ in range(arguments(name))]
    wanted = apply(name, *args)
    alone = () if name in TABLES and dtype is np.float32 else (1,)
    for lanes in (*alone, 2, 3, 5, 8, 16):
        np.testing.assert_array_equal(apply(name, *args, lanes=lanes), wanted, f"{lanes} lanes")


@pytest.mark.parametrize("element", ["float", "double"])
@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_function_is_its_lines_between_a_head_and_a_return(name: str, element: str) -> None:
    text = emit(name, element, 4)
    assert text.startswith(f"define internal <4 x {element}> {symbol(name, element, 4)}(")
    numbers = iter(range(1000))
    spliced, result = lines(
        name, ["%x", "%y"][: arguments(name)], lambda: f"%v{next(numbers)}", element, 4
    )
    if name in CALLED:
        assert spliced == [
            f"{result} = call <4 x {element}> {symbol(name, element, 4)}(<4 x {element}> %x)"
        ]
    else:
        body = [line.strip() for line in text.splitlines()[1:-1]]
        assert body == [*spliced, f"ret <4 x {element}> {result}"]


TARGETS = {
    "AVX-512": ("x86_64-linux-gnu", ("skylake-avx512", "")),
    "AVX2": ("x86_64-linux-gnu", AVX2),
    "SSE2": ("x86_64-linux-gnu", SSE2),
    "Arm": ("aarch64-linux-gnu", ("generic", "")),
    "Apple": ("arm64-apple-macosx", ("apple-m1", "")),
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", sorted(NAMES))
def test_only_sine_and_cosine_call_the_library(name: str, target: str) -> None:
    triple, processor = TARGETS[target]
    for element, lanes in (("float", 16), ("double", 8), ("float", 1), ("double", 1)):
        text = assembly(name, element, lanes, processor, triple)
        called = set(re.findall(r"^\t(?:callq?|bl|jmp|b)\t\*?_?([a-z]\w*)(?:@PLT)?$", text, re.M))
        assert called == ({name} if name in CALLED else set()), f"{element}, {lanes} lanes"


def test_there_is_one_for_each_primitive_and_for_powers() -> None:
    primitives = {name for name, row in FUNCTIONS.items() if row.value is None}
    assert primitives - {"abs", "max", "min"} | {"pow"} == NAMES


def test_the_text_needs_no_declarations() -> None:
    for name in sorted(NAMES):
        module = llvm.parse_assembly(emit(name, "float", 16))
        module.verify()
