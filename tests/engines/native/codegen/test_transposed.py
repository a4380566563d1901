"""Panels of a matrix that is transposed: which there are, and that they change no number."""

from __future__ import annotations

import numpy as np
import pytest
from tests.engines.native.codegen.running import AVX512, Compiled, Fence, nests, runnable

from whygrad.engines.native.codegen import module, panel
from whygrad.engines.native.codegen.costs import Costs
from whygrad.engines.native.codegen.grid import columns
from whygrad.engines.native.codegen.module import Module
from whygrad.engines.native.codegen.schedule import Scheduler, Tiled
from whygrad.engines.native.codegen.transposed import LARGEST, TRANSPOSED
from whygrad.engines.native.jit import Target
from whygrad.engines.native.plan import Nest

BACK = "given d[n,k], w[j,k]\nz[n,j] = sum[k](d[n,k] * w[j,k])"
every_target = pytest.mark.parametrize("target", runnable(), ids=lambda t: f"{t.vector_bits} bits")


def made(text: str, together: bool = False, **sizes: int | None) -> Module:
    return Module(*nests(text, together, **sizes), "float32", AVX512)


def is_transposed(text: str, together: bool = False, **sizes: int | None) -> bool:
    parts = made(text, together, **sizes).schedule.parts
    return any(isinstance(p, Tiled) and p.transposed for p in parts)


def test_what_is_transposed() -> None:
    sizes: dict[str, int | None] = {"n": None, "j": 48, "k": 40, "v": 9, "t": 50}
    assert is_transposed(BACK, **sizes)
    assert is_transposed(BACK.replace("sum", "max"), **sizes)
    assert is_transposed(BACK.replace("d[n,k], w[j,k]\n", "d[n,k] in v, w[j,k]\n"), **sizes)
    for other in (
        BACK.replace("w[j,k]", "w[k,j]"),  # it lies along the lanes
        BACK.replace("w[j,k]", "w[j,k] in v", 1),  # numbers of 64 bits
        "given d[k], w[j,k]\nz[j] = sum[k](d[k] * w[j,k])",  # each number is read once
        "given d[n,k,t], w[j,k]\nz[n,j] = sum[k,t](d[n,k,t] * w[j,k])",  # over two indices
        "given d[n,t,k], w[j,k]\nz[n,t,j] = sum[k](d[n,t,k] * w[j,k])",  # for each t, again
    ):
        assert not is_transposed(other, **sizes), other
    assert not is_transposed(BACK, **dict(sizes, k=None))
    assert not is_transposed(BACK, **dict(sizes, k=LARGEST))  # it would not stay near
    more = "\ny[n,j] = sum[k](d[n,k] * v[j,k])"
    assert not is_transposed(BACK.replace("d[n,k],", "v[j,k], d[n,k],", 1) + more, True, **sizes)


def test_numbers_of_another_type_hide_no_other_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Scheduler, "_candidates", lambda *_: ["j"])
    text = "given d[n,k], c[j,k] in v, w[j,k]\nz[n,j] = sum[k](d[n,k] * c[j,k] * w[j,k])"
    *_, product = made(text, n=None, j=48, k=40, v=9).schedule.parts
    assert isinstance(product, Tiled)
    assert str(product.transposed) == "w[j,k]"


def test_a_copy_that_there_is_serves_all() -> None:
    """One was made for a sum over two indices."""
    text = """
        given d[n,k], w[j,k]
        y[n,j,l] = sum[k](d[n,k] * w[j,k] * l)
        z[n,j] = sum[k](d[n,k] * w[j,k])
        """
    parts = made(text, n=40, j=48, k=40, l=3).schedule.parts
    tiled = [p for p in parts if isinstance(p, Tiled)]
    assert [p.exchange for p in tiled] == [True, False, False]
    assert not any(p.transposed for p in tiled)
    assert "wᵗ" in str(tiled[-1].nest)


@pytest.mark.parametrize("wide", [32, 256, 512, 2048, 4096, 16384])
def test_no_layer_is_too_wide(wide: int) -> None:
    """The wider it is, the dearer it would be to read its weights for each few samples anew."""
    assert is_transposed(BACK, n=None, j=wide, k=wide)


def test_what_stays_near_may_be_read_anew() -> None:
    """Joined along k, each few samples read all weights: of 1 MiB, and of 4."""

    assert cost(BACK, "k", j=256, k=256) / 256**2 > cost(BACK, "k", j=512, k=512) / 512**2
    assert cost(BACK, "k", j=512, k=512) / 512**2 < cost(BACK, "k", j=1024, k=1024) / 1024**2


def cost(text: str, lane: str, **sizes: int | None) -> float:
    """Of the one nest of a text."""
    plan, system = nests(text, **{"n": None, **sizes})
    (nest,) = plan.parts
    assert isinstance(nest, Nest)
    given = frozenset(system.tensors)
    return Costs(plan, given, frozenset(), frozenset(), 16, 32).cost(nest, lane, frozenset())


def test_only_what_is_read_in_between_has_to_stay_near() -> None:
    """The other values of an index of the matrix, or of a loop, are read at other times."""
    text = "given d[b,n,k], w[b,j,k]\nz[b,n,j] = sum[k](d[b,n,k] * w[b,j,k])"
    text = text.replace("w[b,j,k]", "w[b,k,j]")
    few, many = (cost(text, "n", b=b, n=640, j=40, k=512) for b in (2, 200))
    assert many == pytest.approx(100 * few)


def test_the_length_of_a_loop_does_not_count() -> None:
    found = []
    for t in (2, 2000):
        plan, _ = nests(
            "given x[t,n,l], w[j,l]\ng[t,n,j] = sum[l](x[t,n,l] * w[j,l])",
            **{"t": t, "n": None, "l": 40, "j": 48},
        )
        (g,) = plan.parts
        assert isinstance(g, Nest)
        costs = Costs(plan, frozenset("xwg"), frozenset(), frozenset(), 16, 32)
        found.append(costs.cost(Nest(("n", "j"), g.steps), "j", frozenset("g")))
    assert found[0] == found[1]


@pytest.mark.parametrize(("j", "blocks"), [(64, 2), (512, 16), (816, 17), (528, 0), (33, 0)])
def test_threads_share_blocks_if_these_come_out_even(j: int, blocks: int) -> None:
    """Else they share rows, and each turns all blocks around."""
    module = made(BACK, n=None, j=j, k=64)
    (product,) = module.schedule.parts
    assert isinstance(product, Tiled) and product.transposed
    assert columns(product, module.memory, module.constants, module.lanes) == blocks


def test_nests_that_sum_over_the_same_index_share_memory() -> None:
    """Blocks of three vectors, of two, and of one that has fewer lanes."""
    text = """
        given d[n,k], u[i,k], v[j,k], w[l,k]
        a[n,i] = sum[k](d[n,k] * u[i,k])
        b[n,j] = sum[k](d[n,k] * v[j,k])
        c[n,l] = sum[k](d[n,k] * w[l,k])
        """
    plan, system = nests(text, n=5, i=144, j=64, l=8, k=37)
    compiled = Compiled(plan, system, "float32")
    parts = compiled.module.schedule.parts
    assert {p.vectors for p in parts if isinstance(p, Tiled) and p.transposed} == {1, 2, 3}
    rng = np.random.default_rng(0)
    arrays = {
        name: rng.integers(-3, 4, (rows, 37)).astype(float)
        for name, rows in (("d", 5), ("u", 144), ("v", 64), ("w", 8))
    }
    found = compiled.run(arrays, threads=2)
    for z, w in ("au", "bv", "cw"):
        np.testing.assert_array_equal(found[z], arrays["d"] @ arrays[w].T)


@every_target
@pytest.mark.parametrize("side", ["before", "behind"])
def test_all_sizes_and_nothing_is_read_beside_the_matrix(
    target: Target, side: Fence, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads share blocks of columns where these come out even, and rows where not."""
    monkeypatch.setattr(module, "SMALL", 1)
    monkeypatch.setattr(Scheduler, "_candidates", lambda *_: ["j"])
    rng = np.random.default_rng(1)
    for dtype, j, k in (
        *(("float32", 96, 64), ("float32", 97, 17), ("float32", 33, 96), ("float32", 31, 5)),
        *(("float64", 64, 33), ("float64", 49, 16), ("float64", 31, 100)),
    ):
        plan, system = nests(BACK, n=None, j=j, k=k)
        compiled = Compiled(plan, system, dtype, target)
        assert TRANSPOSED + "k" in compiled.module.memory
        w = rng.integers(-3, 4, (j, k)).astype(float)
        for n, threads in ((1, 1), (2, 2), (9, 3), (40, 2), (17, 5)):
            d = rng.integers(-3, 4, (n, k)).astype(float)
            found = compiled.run({"d": d, "w": w}, {"n": n}, threads, shared=True, fence=side)
            np.testing.assert_array_equal(found["z"], d @ w.T)


def test_a_matrix_for_each_of_many() -> None:
    """The other indices of the matrix are those of loops around its panels."""
    text = "given d[b,n,k], w[b,j,k]\nz[b,n,j] = sum[k](d[b,n,k] * w[b,j,k])"
    plan, system = nests(text, b=3, n=20, j=40, k=24)
    compiled = Compiled(plan, system, "float32")
    assert TRANSPOSED + "k" in compiled.module.memory
    rng = np.random.default_rng(2)
    d, w = (rng.integers(-3, 4, (3, rows, 24)).astype(float) for rows in (20, 40))
    for threads in (1, 2):
        found = compiled.run({"d": d, "w": w}, threads=threads)
        np.testing.assert_array_equal(found["z"], d @ w.transpose(0, 2, 1))


def test_only_what_is_the_same_for_all_rows_is_transposed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Scheduler, "_candidates", lambda *_: ["j"])
    text = "given d[n,j,k], w[j,k], e[n]\nz[n,j] = sum[k](d[n,j,k] * w[j,k] * e[n])"
    *_, product = made(text, n=40, j=48, k=40).schedule.parts
    assert isinstance(product, Tiled)
    assert str(product.transposed) == "w[j,k]"


def test_its_order_in_memory_stays() -> None:
    """Numbers that are stored one by one may lie as the first one wants who reads them."""
    text = """
        given a[n,j,l], w[k,j,l], d[b,k]
        z[n,k] = sum[j,l](a[n,j,l] * w[k,j,l])
        y[b,n] = sum[k](d[b,k] * z[n,k])
        m[n] = max[k](z[n,k])
        e[n,k] = exp(z[n,k] - m[n])
        """
    sizes = {"b": 64, "n": 48, "k": 17, "j": 2, "l": 197}
    compiled = Compiled(*nests(text, **sizes), "float32")
    schedule = compiled.module.schedule
    transposed = [
        str(p.transposed) for p in schedule.parts if isinstance(p, Tiled) and p.transposed
    ]
    assert transposed == ["z[n,k]"]
    assert schedule.orders["z"] == (0, 1)
    rng = np.random.default_rng(3)
    a, w = (rng.integers(-1, 2, (rows, 2, 197)).astype(float) for rows in (48, 17))
    d = rng.integers(-1, 2, (64, 17)).astype(float)
    z = np.einsum("njl,kjl->nk", a, w)
    np.testing.assert_array_equal(compiled.run({"a": a, "w": w, "d": d})["y"], d @ z.T)


def test_panels_of_both_kinds_in_one_nest(monkeypatch: pytest.MonkeyPatch) -> None:
    """One matrix lies along the sum, and another along the lanes."""
    for name in ("WORK", "FAR"):
        monkeypatch.setattr(panel, name, 0)
    monkeypatch.setattr(panel, "TILES", 1)
    text = """
        given d[n,k], w[j,k], v[k,j]
        u[k,j] = 2 * v[k,j]
        z[n,j] = sum[k](d[n,k] * w[j,k] * u[k,j])
        """
    compiled = Compiled(*nests(text, n=None, j=96, k=40), "float32")
    assert {TRANSPOSED + "k", panel.PANEL} <= compiled.module.memory.keys()
    rng = np.random.default_rng(4)
    d, w, v = (rng.integers(-2, 3, s).astype(float) for s in ((30, 40), (96, 40), (40, 96)))
    for threads in (1, 2):
        found = compiled.run({"d": d, "w": w, "v": v}, {"n": 30}, threads)
        np.testing.assert_array_equal(found["z"], d @ (w.T * 2 * v))
