"""How nests run: along which index the lanes, which rows in a tile, which copies are made."""

from __future__ import annotations

import pytest
from tests.engines.native.codegen.running import AVX512, nests, plan_of

from whygrad.engines.native.codegen.module import Module
from whygrad.engines.native.codegen.schedule import Schedule, Scheduled, Stepped, Tiled
from whygrad.engines.native.jit import ARM, AVX2, X86, Target
from whygrad.engines.native.lowering import lower
from whygrad.engines.native.plan import Loop, Nest, Plan
from whygrad.language.parsing import parse
from whygrad.language.system import System

TARGETS = {"AVX-512": AVX512, "AVX2": AVX2, "x86-64": X86, "Arm": ARM}
every_target = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)


def scheduled(plan: Plan, system: System, target: Target = AVX512) -> Schedule:
    return Module(plan, system, "float32", target).schedule


def of(text: str, target: Target = AVX512, **sizes: int | None) -> Schedule:
    return scheduled(*nests(text, **sizes), target)


def tiles(schedule: Schedule) -> dict[str, Tiled]:
    return {p.nest.steps[0].name: p for p in schedule.parts if isinstance(p, Tiled)}


def names(parts: tuple[Scheduled, ...]) -> list[str]:
    """What the parts compute, in order; those of a loop in brackets."""
    found = []
    for p in parts:
        if isinstance(p, Stepped):
            found.append(f"({' '.join(names(p.body))})")
        else:
            assert isinstance(p, Tiled)
            found.append(p.nest.steps[0].name)
    return found


# Lanes


def test_lanes_run_along_memory() -> None:
    found = tiles(
        of(
            """
            given x[n,i], w[i,j], v[i]
            z[n,j] = sum[i](x[n,i] * w[i,j])
            a[n,j] = 2 * z[n,j]
            dw[i,j] = sum[n](x[n,i] * a[n,j])
            db[j] = sum[n](a[n,j])
            """,
            n=None,
            i=20,
            j=48,
        )
    )
    assert {name: t.lane for name, t in found.items()} == dict.fromkeys(["z", "a", "dw", "db"], "j")


def test_one_number_has_lanes_along_what_it_sums() -> None:
    found = tiles(of("given x[n,i]\ns = sum[n,i](x[n,i])\nm = max[n](x[n,0])", n=64, i=32))
    assert found["s"].lane == "i"


def test_lanes_are_never_along_an_argmax() -> None:
    """The first of equals wins, and lanes have no order."""
    found = tiles(of("given x[n,i]\np = argmax[n,i](x[n,i])\nq[n] = argmax[i](x[n,i])", n=40, i=40))
    assert found["p"].lane is None
    assert found["q"].lane in ("n", None)


def test_a_nest_with_two_reductions_has_its_lanes_outside_them() -> None:
    text = """
        given x[i,n]
        m[n] = sum[i](x[i,n])
        s[n] = sum[i]((x[i,n] - m[n])**2)
        """
    plan, system = nests(text, together=True, i=100, n=3)
    assert tiles(scheduled(plan, system))["m"].lane == "n"


def test_once_without_lanes() -> None:
    assert tiles(of("given x\ny = x + 1"))["y"].lane is None


# Layout


def test_what_is_computed_lies_as_its_lanes_want_it() -> None:
    """The caller's arrays and what he gets lie in their own order; the rest as it is quickest."""
    text = """
        given x[n,i], w[i,j]
        t[j,n] = sum[i](x[n,i] * w[i,j])
        y = sum[n,j](t[j,n])
        """
    schedule = of(text, n=33, i=20, j=48)
    assert tiles(schedule)["t"].lane == "j"
    assert schedule.orders["t"] == (1, 0)
    assert schedule.orders["x"] == schedule.orders["w"] == (0, 1)


def test_what_is_updated_keeps_its_order() -> None:
    plan, system = nests("given x[i,j], w[j,i]\ny[j,i] = w[j,i] + x[i,j]", i=20, j=20)
    schedule = Module(plan, system, "float32", AVX512, ["w"]).schedule
    assert schedule.orders["w·own"] == (0, 1)


@pytest.mark.parametrize(
    ("j", "k", "exchanged"),
    [
        *((15, 3, False), (16, 16, False), (16, 1, False), (None, 3, False), (17, 3, False)),
        *((16, 3, True), (32, 10, True), (32, 20, True), (32, 12, False), (100, 30, False)),
    ],
)
def test_what_is_updated_has_its_axes_exchanged_only_if_that_fills_vectors(
    j: int | None, k: int, exchanged: bool
) -> None:
    text = "given x[j,k], w[j,k]\ny[j,k] = w[j,k] + x[j,k]"
    schedule = Module(*nests(text, j=j, k=k), "float32", AVX512, ["w"]).schedule
    assert schedule.orders["w·own"] == ((1, 0) if exchanged else (0, 1))


def test_a_softmax_over_few_classes_has_its_lanes_along_the_samples() -> None:
    """So that neither its maximum nor its sum wants another order than what comes before."""
    text = """
        given a[n,j], w[j,k]
        z[n,k] = sum[j](a[n,j] * w[j,k])
        m[n] = max[k](z[n,k])
        e[n,k] = exp(z[n,k] - m[n])
        s[n] = sum[k](e[n,k])
        """
    found = tiles(of(text, n=None, j=32, k=10))
    assert {found[name].lane for name in ("z", "m", "e", "s")} == {"n"}


def test_what_is_stored_number_by_number_lies_as_its_reader_wants_it() -> None:
    text = """
        given a[n,j], w[k,j]
        z[n,k] = sum[j](a[n,j] * w[k,j])
        m[n] = max[k](z[n,k])
        e[n,k] = exp(z[n,k] - m[n])
        """
    schedule = of(text, n=None, j=197, k=17)
    found = tiles(schedule)
    assert [*found] == ["z", "m", "e"]
    assert found["z"].lane == "j"
    assert found["e"].lane == "n"
    assert schedule.orders["z"] == schedule.orders["e"] == (1, 0)


# Tiles


def test_one_vector_wide_a_tile_has_sixteen_rows_if_they_come_out_even() -> None:
    text = "given x[n,i], w[i,j]\nz[n,j] = sum[i](x[n,i] * w[i,j])"
    for n, rows in ((32, 16), (24, 8), (None, 8)):
        assert tiles(of(text, n=n, i=20, j=16))["z"].rows == rows
    assert tiles(of(text, n=32, i=20, j=32))["z"].rows == 8


@every_target
def test_a_matrix_product_has_tiles_that_fit_the_registers(target: Target) -> None:
    for n in (None, 64):
        tile = tiles(
            of("given x[n,i], w[i,j]\nz[n,j] = sum[i](x[n,i] * w[i,j])", target, n=n, i=64, j=64)
        )["z"]
        assert (tile.lane, tile.row) == ("j", "n")
        used = tile.rows * tile.vectors + tile.vectors + 1
        assert tile.rows > 2
        assert target.vector_registers // 2 < used <= target.vector_registers


def test_among_many_tiles_the_last_one_may_have_fewer_rows() -> None:
    text = "given x[n,i], w[i,j]\nz[n,j] = sum[i](x[n,i] * w[i,j])"
    for n, rows, fewer in ((35, 7, 5), (100, 8, 6), (784, 8, 6)):
        assert tiles(of(text, n=n, i=20, j=64))["z"].rows == rows
        assert tiles(of(text, AVX2, n=n, i=20, j=64))["z"].rows == fewer


@pytest.mark.parametrize(("i", "j", "rows"), [(256, 32, 4), (257, 32, 6), (20, 33, 6), (20, 8, 6)])
def test_few_rows_of_samples_where_a_short_sum_fills_two_vectors(i: int, j: int, rows: int) -> None:
    """How many samples there will be is not known, so those of a last tile may be few."""
    text = "given x[n,i], w[i,j]\nz[n,j] = sum[i](x[n,i] * w[i,j])"
    assert tiles(of(text, AVX2, n=None, i=i, j=j))["z"].rows == rows


@pytest.mark.parametrize("n", range(1, 60))
def test_rows_are_never_more_than_there_are_and_come_out_even_if_they_can(n: int) -> None:
    tile = tiles(of("given x[n,i], w[i,j]\nz[n,j] = sum[i](x[n,i] * w[i,j])", n=n, i=9, j=64))["z"]
    if n == 1:
        assert tile.row is None
    else:
        assert tile.rows <= n
        assert n % tile.rows == 0 or not any(n % r == 0 for r in range(5, 9))


JOINED = """
    batch n
    given x[n]
    e[n] = exp(x[n])
    s = sum[n](e[n] * x[n])
    m = max[n](e[n])
    """


def test_steps_in_the_loop_of_sums_are_done_for_a_usual_batch_at_once() -> None:
    """A lone sum of a known size has accumulators side by side; others go vector by vector."""
    for target, vectors in ((AVX512, 2), (AVX2, 4), (X86, 4)):
        system = parse(JOINED)
        plan = lower(system, {}, ["s", "m"], training=True, in_place=False)
        (joined,) = scheduled(plan, system, target).parts
        assert isinstance(joined, Tiled)
        assert (joined.lane, joined.vectors) == ("n", vectors)
    for n, vectors in ((None, 1), (640, 4)):
        assert tiles(of("given x[n]\ns = sum[n](x[n])", n=n))["s"].vectors == vectors


def test_a_block_is_no_wider_than_the_lanes_need() -> None:
    text = "given x[n,i], w[i,j]\nz[n,j] = sum[i](x[n,i] * w[i,j])"
    for j in range(1, 100):
        tile = tiles(of(text, n=8, i=9, j=j))["z"]
        length = -(-j // 16)
        assert tile.lane != "j" or tile.vectors <= max(length, 3)
        assert length > 1 or tile.vectors == 1


def test_pointwise_work_has_no_rows() -> None:
    assert tiles(of("given x[n,i]\ny[n,i] = x[n,i] * 2", n=64, i=64))["y"].row is None


# Copies with exchanged axes

BY_TWO = "given x[n,k,l], w[j,k,l]\nz[n,j] = sum[k,l](x[n,k,l] * w[j,k,l])"


def test_what_is_read_across_otherwise_is_copied_first() -> None:
    """Here a sum goes over two indices."""
    schedule = of(BY_TWO, n=64, j=48, k=36, l=2)
    copy, product = (p for p in schedule.parts if isinstance(p, Tiled))
    assert copy.exchange and not product.exchange
    assert product.transposed is None
    assert str(product.nest.steps[0].value) == "sum[k,l](x[n,k,l] * wᵗ0[j,k,l])"
    assert schedule.orders["wᵗ0"] == (1, 2, 0)
    assert schedule.axes["wᵗ0"] == ("j", "k", "l")


def test_a_copy_is_not_made_for_little_work() -> None:
    """It would cost more than it saves."""
    schedule = of("given v[k], w[j,k]\nz[j] = sum[k](v[k] * w[j,k])", j=48, k=36)
    assert not any(isinstance(p, Tiled) and p.exchange for p in schedule.parts)


def test_two_readers_share_a_copy() -> None:
    text = BY_TWO + "\ny[n,j] = sum[k,l](x[n,k,l] ** 2 * w[j,k,l])"
    assert names(of(text, n=64, j=48, k=36, l=2).parts) == ["wᵗ0", "z", "y"]


def test_a_copy_is_forgotten_when_what_it_copies_changes() -> None:
    """Here w is computed, read across, computed anew, and read across again."""
    text = BY_TWO.replace(", w[j,k,l]", ", u[j,k,l]\nw[j,k,l] = u[j,k,l] * 2", 1)
    plan, system = nests(text, n=64, j=48, k=36, l=2)
    make, read = plan.parts
    twice = plan_of([make, read, make, read], system, plan.sizes)
    assert names(scheduled(twice, system).parts) == ["w", "wᵗ0", "z", "w", "wᵗ0ᵗ", "z"]


def looped(inside: bool) -> tuple[Scheduled, ...]:
    """The parts of a recurrence; w is computed before the loop, or in it."""
    text = """
        given x[t,n,l], u[j,l]
        w[j,l] = u[j,l] * 2
        g[t,n,j] = sum[l](x[t,n,l] * w[j,l])
        """
    plan, system = nests(text, t=9, n=64, l=40, j=48)
    w, g = plan.parts
    assert isinstance(g, Nest)
    body = Nest(("n", "j"), g.steps)
    parts = [Loop("t", 1, (w, body))] if inside else [w, Loop("t", 1, (body,))]
    return scheduled(plan_of(parts, system, plan.sizes), system).parts


def test_a_copy_of_what_a_loop_does_not_change_stands_before_it() -> None:
    assert names(looped(inside=False)) == ["w", "wᵗ", "(g)"]


def test_what_a_loop_computes_is_not_copied() -> None:
    """It is transposed where it is read."""
    (loop,) = looped(inside=True)
    assert names((loop,)) == ["(w g)"]
    assert isinstance(loop, Stepped)
    *_, g = loop.body
    assert isinstance(g, Tiled) and g.transposed and g.transposed.tensor == "w"


def test_two_axes_of_one_tensor_have_copies_of_their_own() -> None:
    text = """
        given x[a,b,c], w[c,k], v[b,c]
        y[b,c,k] = sum[a](x[a,b,c] * w[c,k])
        p[k,a] = sum[b,c](x[a,b,c] * w[c,k])
        q[k,b] = sum[a,c](x[a,b,c] * w[c,k])
        """
    schedule = of(text, a=40, b=48, c=3, k=2)
    copies = [p.nest.steps[0].name for p in schedule.parts if isinstance(p, Tiled) and p.exchange]
    assert len(copies) == len(set(copies))
    for name in copies:
        assert schedule.orders[name][-1] == int(name[-1])


def test_whole_numbers_are_not_copied() -> None:
    text = "given c[n,k] in v, w[j,k]\nsize v = 9\nz[n,j] = sum[k](c[n,k] * w[j,k])"
    plan, system = nests(text, n=64, j=48, k=36, v=9)
    copied = [p for p in scheduled(plan, system).parts if isinstance(p, Tiled) and p.exchange]
    assert not any("c" in str(p.nest.steps[0].value) for p in copied)
