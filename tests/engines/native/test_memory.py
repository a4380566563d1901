"""Buffers share memory where they are not in use together, and nowhere else."""

import ctypes
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from whygrad.engines.native.code import Axis, Buffer, Code
from whygrad.engines.native.memory import (
    LINE,
    Lifetime,
    Memory,
    extent,
    memory_shape,
    offsets,
    rounded,
    view,
    zeros,
)


@st.composite
def lifetimes(draw: st.DrawFn) -> list[Lifetime]:
    parts = draw(st.integers(1, 30))
    found = []
    for _ in range(draw(st.integers(0, 40))):
        first = draw(st.integers(0, parts - 1))
        last = min(parts - 1, first + draw(st.integers(0, parts)))
        found.append(Lifetime(first, last, draw(st.integers(1, 5000))))
    return found


def largest_live_set(buffers: list[Lifetime]) -> int:
    return max(
        (sum(rounded(b.size) for b in buffers if b.first <= t <= b.last) for t in range(31)),
        default=0,
    )


@settings(max_examples=300, deadline=None, derandomize=True)
@given(lifetimes())
def test_buffers_in_use_together_do_not_overlap_and_little_is_wasted(
    buffers: list[Lifetime],
) -> None:
    places = offsets(buffers)
    assert all(p % LINE == 0 for p in places)
    for k, (a, p) in enumerate(zip(buffers, places, strict=True)):
        for b, q in zip(buffers[:k], places[:k], strict=True):
            if a.first <= b.last and b.first <= a.last:
                assert p + a.size <= q or q + b.size <= p
    assert extent(buffers, places) <= 1.5 * largest_live_set(buffers)


def test_a_chain_of_layers_needs_room_for_two() -> None:
    """Each reads the one before it, which is then done with."""
    chain = [Lifetime(k, k + 1, 640) for k in range(100)]
    assert extent(chain, offsets(chain)) == 2 * 640


def test_the_large_ones_are_placed_first_where_that_is_better() -> None:
    """In order of time, the last would find only a gap of 64 bytes below the second."""
    buffers = [Lifetime(0, 1, 64), Lifetime(0, 3, 64), Lifetime(2, 3, 128)]
    assert extent(buffers, offsets(buffers)) == 192


def test_forward_and_backward_of_many_layers_fit_the_largest_live_set() -> None:
    """a[k] lives until its derivative is taken; δ[k] from there to that of the layer below."""
    depth = 50
    forward = [Lifetime(k, 2 * depth - k, 64 * (k + 1)) for k in range(depth)]
    backward = [Lifetime(2 * depth - k, 2 * depth - k + 1, 64 * (k + 1)) for k in range(depth)]
    both = forward + backward
    live = max(sum(b.size for b in both if b.first <= t <= b.last) for t in range(2 * depth + 2))
    assert extent(both, offsets(both)) <= 1.1 * live


BUFFER = Buffer(
    "z·t", "z", "float", (Axis("j", 3, before=1), Axis("n", None, after=2)), (1, 0), multiple=8
)


def test_padding_is_part_of_the_shape_in_memory() -> None:
    assert memory_shape(BUFFER, {"n": 9}) == (4, 16)
    assert memory_shape(BUFFER, {"n": 6}) == (4, 8)
    assert memory_shape(Buffer("J", "J", "double", (), (), multiple=8), {}) == ()


def test_a_view_shows_the_tensor_and_its_starts_in_its_own_order_of_axes() -> None:
    block = zeros(1024)
    memory = block[128 : 128 + 4 * 4 * 8].view(np.float32).reshape(4, 8)
    memory[...] = np.arange(32).reshape(4, 8)
    seen = view(BUFFER, {"n": 6}, block, 128)
    assert seen.shape == (8, 4)
    assert seen[5, 2] == memory[2, 5]
    assert seen.tolist() == memory.T.tolist()
    assert view(BUFFER, {"n": 3}, block, 128).tolist() == memory[:, :5].T.tolist()


def test_an_axis_order_of_three() -> None:
    axes = (Axis("k", 4), Axis("i", 2), Axis("j", 3))
    block = zeros(24 * 8)
    block.view(np.float64)[...] = np.arange(24)
    seen = view(Buffer("w·k", "w", "double", axes, (2, 0, 1)), {}, block, 0)
    assert seen.shape == (2, 3, 4)
    assert seen[1, 2, 3] == block.view(np.float64).reshape(4, 2, 3)[3, 1, 2]


CODE = Code(
    "",
    (
        Buffer("x", "x", "double", (Axis("n", None),), (0,), external=True),
        Buffer("z", "z", "double", (Axis("n", None),), (0,), multiple=8),
        Buffer("w", "w", "double", (Axis("j", 3),), (0,), multiple=8),
    ),
    ("n",),
)


def filled(memory: Memory, n: int) -> list[int]:
    """The addresses of the internal buffers, after every byte of their block was written to."""
    (addresses,) = memory.addresses((n,))
    start = min(addresses)
    ctypes.memset(start, 1, memory.places((n,)).size)
    return addresses


def test_every_buffer_begins_at_a_cache_line() -> None:
    odd = tuple(Buffer(name, name, "float", (Axis("j", 3),), (0,)) for name in "abc")
    lives = (None, None, (0, 1))
    code = Code("", tuple(replace(b, alive=life) for b, life in zip(odd, lives, strict=True)), ())
    assert [a % LINE for a in Memory(code).addresses(())[0]] == [0, 0, 0]


def test_a_call_of_the_same_size_finds_the_memory_as_it_was() -> None:
    memory = Memory(CODE)
    first = filled(memory, 5)
    assert memory.addresses((5,)) == [first]
    assert memory.view("w").view(np.uint8).all()


def test_a_call_of_another_size_finds_zeros() -> None:
    memory = Memory(CODE)
    for n in (5, 100, 7, 5):  # it grows, and then is kept
        (addresses,) = memory.addresses((n,))
        size = memory.places((n,)).size
        assert not any(ctypes.string_at(min(addresses), size))
        filled(memory, n)


def test_the_block_is_kept_once_it_is_large_enough() -> None:
    memory = Memory(CODE)
    start = min(memory.addresses((1000,))[0])
    assert min(memory.addresses((10,))[0]) == min(memory.addresses((1000,))[0]) == start


def test_a_tensor_is_found_where_the_code_put_it() -> None:
    memory = Memory(CODE)
    ((z, w),) = memory.addresses((9,))
    ctypes.memmove(z, np.arange(9.0).ctypes.data, 72)
    ctypes.memmove(w, np.arange(3.0).ctypes.data, 24)
    assert memory.view("z").tolist() == list(range(9))
    assert memory.view("w").tolist() == [0, 1, 2]


def test_memory_begins_at_a_cache_line_and_is_zero() -> None:
    for size in (1, 63, 64, 1000):
        block = zeros(size)
        assert (block.size, block.ctypes.data % LINE, block.any()) == (size, 0, False)


def test_a_view_of_a_number_is_an_array() -> None:
    block = zeros(8)
    block.view(np.float64)[0] = 5
    seen = view(Buffer("J", "J", "double", (), ()), {}, block, 0)
    assert isinstance(seen, np.ndarray)
    assert (seen.shape, float(seen)) == ((), 5)


def test_each_thread_has_a_private_buffer_of_its_own() -> None:
    x, z, w = CODE.buffers
    code = replace(CODE, buffers=(x, z, replace(w, private=True), replace(w, alive=(0, 1))))
    memory = Memory(code)
    first, second, third = memory.addresses((5,), 3)
    assert [second[0], second[2]] == [first[0], first[2]] == [third[0], third[2]]
    assert second[1] - first[1] == third[1] - second[1] == LINE
    assert first[2] >= third[1] + LINE
    assert memory.places((5,), 3).size == memory.places((5,), 1).size + 2 * LINE
