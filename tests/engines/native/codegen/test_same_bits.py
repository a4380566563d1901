"""The result is the same bit for bit, run after run, in any number of threads."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engines.native.codegen.running import runnable
from tests.engines.native.steps import DENSE, taken
from tests.systems.catalogue import KNOWN, Known

import whygrad as wg
from whygrad.engines.native import NativeEngine
from whygrad.engines.native.codegen import module
from whygrad.engines.native.codegen.step import Call, Steps
from whygrad.engines.native.jit import Target, host
from whygrad.language.sizes import infer_sizes
from whygrad.language.system import System
from whygrad.training.step import step_system

RECURRENT = """
    given x[n,t,i], y[n,k]
    batch n
    param w[i,h] ~ he, u[h2,h] ~ he, v[h,k] ~ he
    size h2 = size(h)
    s[t,n,h] = tanh(sum[i](x[n,t,i] * w[i,h]) + sum[h2](s[t-1,n,h2] * u[h2,h]))
    s[-1,n,h] = 0
    yhat[n,k] = sum[h](s[size(t)-1,n,h] * v[h,k])
    J = mean[n](sum[k]((yhat[n,k] - y[n,k])**2))
    minimize J
    """
SIZES = {"i": 30, "h": 40, "h2": 40, "k": 20, "t": 4}


def step(text: str) -> tuple[System, dict[str, int]]:
    system = step_system(wg.Network(text), wg.SGD(0.05, momentum=0.5), None, 1, 1)
    axes = {i for t in system.tensors.values() for i in t.indices}
    return system, infer_sizes(system, {i: SIZES[i] for i in axes if i in SIZES})


def arrays(system: System, sizes: Mapping[str, int], dtype: str) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    sizes = {**sizes, "n": 200}
    found = {}
    for t in system.tensors.values():
        shape = [sizes[i] for i in t.indices]
        if t.kind in ("given", "param"):
            found[t.name] = rng.normal(size=shape).astype(dtype) / 4
        elif t.kind == "state":
            found[t.name] = np.zeros(shape, dtype)
    if not system.declarations["y"][1].within:
        return found
    return found | {"y": rng.integers(0, sizes["k"], 200)}


def trained(
    text: str, threads: int, steps: int, dtype: str = "float32", target: Target | None = None
) -> dict[str, np.ndarray]:
    """All parameters and costs after so many steps of 64 rows."""
    system, sizes = step(text)
    values = arrays(system, sizes, dtype)
    names = [u.name for u in system.updates]
    wanted = [str(system.cost), *(f"{n} <-" for n in names)]
    program = NativeEngine(threads, target).compile(system, sizes, wanted, dtype)
    order = np.random.default_rng(1).integers(0, 200, 64 * steps)
    told = program.epoch(values, order, 64)
    assert all(len(v) == steps for v in told.values())
    return {**told, **{n: values[n] for n in names}}


@pytest.mark.parametrize(("text", "steps"), [(DENSE, 1500), (RECURRENT, 300)])
def test_two_threads_give_the_same_bits_run_after_run(text: str, steps: int) -> None:
    first = trained(text, 2, steps)
    again = trained(text, 2, steps)
    for name, values in first.items():
        np.testing.assert_array_equal(again[name], values, name)


@pytest.mark.parametrize("target", runnable(), ids=lambda t: f"{t.vector_bits} bits")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("text", [DENSE, RECURRENT], ids=["dense", "recurrent"])
def test_any_number_of_threads_gives_the_same_bits(text: str, dtype: str, target: Target) -> None:
    one = trained(text, 1, 30, dtype, target)
    for threads in (2, 3):
        other = trained(text, threads, 30, dtype, target)
        for name, values in one.items():
            np.testing.assert_array_equal(other[name], values, name)


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads share also what is too small for that."""
    monkeypatch.setenv("WHYGRAD_CACHE", "0")
    monkeypatch.setattr(module, "SMALL", 1)


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("known", KNOWN.values(), ids=lambda known: known.name)
def test_whatever_they_share(known: Known) -> None:
    one = taken(NativeEngine(1), known, wg.Adam(0.01), "float32")
    for threads in (2, 3, 5):
        for name, values in taken(NativeEngine(threads), known, wg.Adam(0.01), "float32").items():
            np.testing.assert_array_equal(values, one[name], name)


@pytest.mark.usefixtures("shared")
@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.lists(st.integers(2, 70), min_size=2, max_size=4),
    st.sampled_from(["relu", "tanh", "sigmoid"]),
    st.integers(1, 40),
    st.integers(2, 5),
)
def test_whatever_the_sizes(widths: list[int], activation: str, batch: int, threads: int) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(90, widths[0])), rng.integers(0, widths[-1], 90)
    y[0] = widths[-1] - 1
    found = []
    for n in (1, threads):
        layers = [*(wg.Dense(w, activation) for w in widths[1:-1]), wg.Dense(widths[-1])]
        net = wg.Sequential(layers, cost="cross_entropy")
        net.init(x=x, y=y)
        net.train(x=x, y=y, epochs=2, batch_size=batch, optimizer=wg.SGD(0.05), threads=n)
        found.append(dict(net.params))
    for name, values in found[0].items():
        np.testing.assert_array_equal(found[1][name], values, name)


@pytest.mark.parametrize("text", [DENSE, RECURRENT], ids=["dense", "recurrent"])
def test_threads_share_the_work_of_these(text: str) -> None:
    """Else the tests above would compare one thread with itself."""
    from whygrad.engines.native.codegen.module import Module
    from whygrad.engines.native.lowering import lower

    system, sizes = step(text)
    updated = [u.name for u in system.updates]
    wanted = [str(system.cost), *(f"{n} <-" for n in updated)]
    plan = lower(system, sizes, wanted, training=True, in_place=True)
    writer, _ = Module(plan, system, "float32", host(), updated).step()
    shared = [e.what for e in writer.events if e.what is not None and not e.what.single]
    assert len([c for c in shared if isinstance(c, Call)]) >= 3
    assert text is DENSE or any(isinstance(c, Steps) for c in shared)
