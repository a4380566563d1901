"""Tensors in blocks and panels of columns: which there are, and that they change no number."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import whygrad as wg
from whygrad.engines.native import NativeEngine
from whygrad.engines.native.codegen import blocks, module, panel
from whygrad.engines.native.codegen.module import Module
from whygrad.engines.native.codegen.parts import leaves, written_by
from whygrad.engines.native.codegen.schedule import Tiled
from whygrad.engines.native.jit import AVX2, Target, host
from whygrad.engines.native.lowering import lower
from whygrad.engines.native.memory import memory_shape
from whygrad.engines.reference import ReferenceEngine
from whygrad.language.system import System
from whygrad.training.step import step_system


def step(widths: list[int]) -> tuple[System, dict[str, int]]:
    *hidden, last = widths[1:]
    layers = [*(wg.Dense(w, "tanh") for w in hidden), wg.Dense(last)]
    net = wg.Sequential(layers, cost="cross_entropy")
    names = ["j"] if len(hidden) == 1 else [f"j{k + 1}" for k in range(len(hidden))]
    sizes = dict(zip(["i", *names, "k"], widths, strict=True))
    return step_system(net, wg.SGD(0.1, momentum=0.9), None, 1, 1), sizes


def compiled(widths: list[int], target: Target | None = None) -> Module:
    system, sizes = step(widths)
    updates = [u.name for u in system.updates]
    wanted = [str(system.cost), *(f"{name} <-" for name in updates)]
    plan = lower(system, sizes, wanted, training=True, in_place=True)
    return Module(plan, system, "float32", target or AVX2, updates)


def blocks_of(m: Module) -> dict[str, int]:
    return {name: b.block for name, b in m.memory.items() if b.block}


def test_what_all_nests_go_through_block_by_block_lies_in_blocks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its weights, which the way back turns around, and what momentum keeps of them."""
    monkeypatch.setattr(blocks, "LEAST", 0)
    found = blocks_of(compiled([100, 64, 64, 12]))
    assert found == dict.fromkeys(("w1·own", "w1.v·own", "w2·own", "w2.v·own"), 16)


def test_weights_that_the_way_back_turns_around_lie_in_blocks() -> None:
    m = compiled([784, 512, 512, 10])
    back = next(p for p in leaves(m.schedule.parts) if "δz1·sum" in written_by(p))
    assert isinstance(back, Tiled) and back.transposed and back.transposed.tensor == "w2·own"
    assert blocks_of(m) == dict.fromkeys(("w1·own", "w1.v·own", "w2·own", "w2.v·own"), 16)


@pytest.mark.parametrize("widths", [[1000, 17, 10], [4, 16, 3], [100, 16, 10]])
def test_what_would_leave_a_block_empty_or_is_small_lies_row_by_row(widths: list[int]) -> None:
    assert blocks_of(compiled(widths)) == {}


def test_the_last_block_may_have_room() -> None:
    m = compiled([100, 90, 10])
    assert blocks_of(m) == {"w1·own": 16, "w1.v·own": 16}
    assert memory_shape(m.memory["w1·own"], {}) == (100, 96)


def test_a_tensor_in_blocks_has_no_panels_and_a_wide_one_of_data_has() -> None:
    assert panel.PANEL not in compiled([100, 96, 96, 10]).memory
    assert panel.PANEL in compiled([784, 512, 512, 10]).memory


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Blocks, panels and threads also where they do not pay."""
    monkeypatch.setenv("WHYGRAD_CACHE", "0")
    for where, name in ((blocks, "LEAST"), (module, "SMALL"), (panel, "WORK"), (panel, "FAR")):
        monkeypatch.setattr(where, name, 0)
    monkeypatch.setattr(panel, "TILES", 1)
    yield


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "widths",
    [
        [20, 64, 32, 3],
        [7, 128, 64, 10],
        [33, 96, 50, 40],
        [3, 32, 2],
        [40, 17, 64, 5],
        [9, 93, 187, 4],
    ],
)
@pytest.mark.usefixtures("small")
def test_numbers_are_those_of_the_reference(widths: list[int], dtype: str, threads: int) -> None:
    system, sizes = step(widths)
    random = np.random.default_rng(1)
    samples = 45
    arrays = {"x": random.normal(size=(samples, widths[0]))}
    arrays["y"] = random.integers(0, widths[-1], samples)
    for kind in ("param", "state"):
        for t in system.of_kind(kind):
            arrays[t.name] = random.normal(size=[sizes[i] for i in t.indices]) / 4
    updates = [u.name for u in system.updates]
    wanted = [str(system.cost), *(f"{name} <-" for name in updates)]
    order = random.permutation(samples)
    results = []
    for engine, kind in ((NativeEngine(threads), dtype), (ReferenceEngine(), "float64")):
        values = {n: a.astype(kind) if a.dtype.kind == "f" else a for n, a in arrays.items()}
        values = {n: a.copy() for n, a in values.items()}
        told = engine.compile(system, sizes, wanted, kind).epoch(values, order, 32)
        results.append({**told, **{name: values[name] for name in updates}})
    tolerance = 1e-11 if dtype == "float64" else 2e-5
    for name, expected in results[1].items():
        assert results[0][name] == pytest.approx(expected, rel=tolerance, abs=tolerance), name


def test_the_host_makes_blocks_too() -> None:
    assert "w1·own" in blocks_of(compiled([784, 128, 64, 10], host()))
