"""Which tensors have memory, and how they lie in it."""

from __future__ import annotations

import pytest
from tests.engines.native.codegen.running import AVX512, nests, plan_of

from whygrad.engines.native.code import Axis, Buffer
from whygrad.engines.native.codegen.module import Module
from whygrad.engines.native.codegen.whole import whole_numbered
from whygrad.engines.native.jit import X86, Target
from whygrad.engines.native.lowering import lower
from whygrad.engines.native.memory import memory_shape
from whygrad.language.parsing import parse


def buffers(
    text: str,
    wanted: list[str] | None = None,
    together: bool = False,
    target: Target = AVX512,
    **sizes: int | None,
) -> dict[str, Buffer]:
    """Those of a plan with a nest for each equation."""
    plan, system = nests(text, together, **sizes)
    plan = plan_of(plan.parts, system, plan.sizes, wanted)
    return dict(Module(plan, system, "float32", target).memory)


# Which


def test_what_is_read_only_where_it_is_computed_has_no_memory() -> None:
    text = "given x[n]\nz[n] = 2 * x[n]\na[n] = z[n] ** 2"
    assert set(buffers(text, ["a"], together=True, n=None)) == {"a", "x"}
    assert set(buffers(text, ["a"], n=None)) == {"a", "x", "z"}
    assert set(buffers(text, ["z", "a"], together=True, n=None)) == {"a", "x", "z"}


def test_what_is_read_at_another_place_has_memory() -> None:
    text = """
        given x[n]
        z[n] = 2 * x[n]
        y[n] = z[n] + z[pad(n - 1)]
        """
    assert "z" in buffers(text, ["y"], n=None)


def test_given_tensors_are_the_callers() -> None:
    found = buffers("given x[n], w[k]\ny[n] = x[n] * w[0]", n=None, k=3)
    assert {b.name for b in found.values() if b.external} == {"x", "w"}
    assert all(b.multiple == 1 for b in found.values() if b.external)


# How


@pytest.mark.parametrize("target", [AVX512, X86])
@pytest.mark.parametrize("k", [3, 4, 16, 17, 100])
def test_rows_are_whole_vectors(target: Target, k: int) -> None:
    lanes = target.vector_bits // 32
    made = buffers("given x[n,k]\ny[n,k] = 2 * x[n,k]", target=target, n=5, k=k)["y"]
    shape = memory_shape(made, {})
    assert shape[0] == 5
    assert shape[1] % lanes == 0
    assert k <= shape[1] < k + lanes


def test_rows_at_run_time_are_whole_blocks() -> None:
    made = buffers("given x[n]\ny[n] = 2 * x[n]", n=None)["y"]
    for n in range(1, 100):
        assert memory_shape(made, {"n": n})[0] % 32 == 0


def test_rows_that_crowd_in_one_place_of_the_cache_are_moved_apart() -> None:
    """Rows of 1,024 bytes would all lie in few sets of the cache."""
    for k in (256, 512, 1024):
        made = buffers("given x[n,k]\ny[n,k] = 2 * x[n,k]", n=64, k=k)["y"]
        assert memory_shape(made, {}) == (64, k + 16)
    alone = buffers("given x[k]\ny[k] = 2 * x[k]", k=1024)["y"]
    assert memory_shape(alone, {}) == (1024,)


def test_starts_have_places_before_and_behind() -> None:
    text = """
        given x[t,k]
        s[t,k] = s[t-1,k] + x[t,k]
        s[-1,k] = 1
        s[-2,k] = 2
        s[size(t),k] = 3
        """
    system = parse(text)
    plan = lower(system, {"t": 5, "k": 3}, ["s"], True, False)
    made = Module(plan, system, "float32", AVX512).memory["s"]
    assert made.axes[made.order.index(0)] == Axis("t", 5, 2, 1)
    assert made.axes[made.order.index(1)] == Axis("k", 3)


def test_one_number_has_one_place() -> None:
    made = buffers("given x[n]\ns = sum[n](x[n])", n=None)["s"]
    assert memory_shape(made, {}) == ()


# Whole numbers

WHOLE = """
    given c[n] in k, d[n], e[n], f[n], v[n] in k
    param w[k] ~ zeros
    a[n] = w[c[n]] + w[d[n]] + e[n] * v[n]
    g[n] = f[n] * 2
    h[n] = w[g[n]]
    s = sum[n | n == e[n]](w[d[n]])
    """


def test_class_numbers_and_what_stands_in_subscripts_are_whole() -> None:
    plan, system = nests(WHOLE, n=None, k=5)
    assert whole_numbered(plan, system) == {"c", "d", "v"}
    found = buffers(WHOLE, n=None, k=5)
    assert {b.name for b in found.values() if b.element == "i64"} == {"c", "d", "v"}
    assert {b.element for b in found.values() if b.name not in "cdv"} == {"float"}


def test_so_are_the_rows_of_a_batch_and_what_they_are_rows_of() -> None:
    text = """
        given x[n], c[n] in k
        batch n
        param w[k] ~ zeros
        J = sum[n](w[c[n]] * x[n])
        w[k] <- w[k] - sum[n | c[n] == k](x[n])
        minimize J
        """
    system = parse(text)
    plan = lower(system, {"k": 3}, ["J", "w <-"], True, True)
    assert whole_numbered(plan, system) == {"rows·n", "c·all", "c"}


def test_places_of_a_scatter_are_whole() -> None:
    text = """
        given c[n], x[n]
        size k = 5
        s[k] = sum[n | c[n] == k](x[n])
        """
    system = parse(text)
    plan = lower(system, {"k": 5, "n": 9}, ["s"], True, False)
    kinds = {b.name: b.element for b in Module(plan, system, "float64", AVX512).memory.values()}
    assert kinds["x"] == kinds["s"] == "double"
