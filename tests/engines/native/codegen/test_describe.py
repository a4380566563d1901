"""A program in words says what the code does."""

from __future__ import annotations

import re
from itertools import combinations

import numpy as np
import pytest
from tests.engines.native.codegen.running import AVX512, nests
from tests.systems.catalogue import KNOWN, Known

import whygrad as wg
from whygrad.engines.native.codegen.describe import describe
from whygrad.engines.native.codegen.module import Module
from whygrad.engines.native.codegen.step import Call, Steps
from whygrad.engines.native.jit import X86
from whygrad.engines.native.lowering import lower
from whygrad.engines.native.memory import ELEMENTS, placed
from whygrad.language.sizes import infer_sizes
from whygrad.training.step import step_system

WAITING = "-- the threads wait for each other"
PLACE = re.compile(
    r"  at +(?P<at>[\d,]+): +(?P<size>[\d,]+) bytes  (?P<name>[^\[]+)\[(?P<axes>[^\]]*)\]"
    r" as \((?P<shape>.*)\), (?P<life>always|phases (?P<first>\d+)-(?P<last>\d+))"
)
NAMES = ["two_nodes", "classification", "convolution_strided", "embedding", "lstm", "attention"]


def number(text: str) -> int:
    return int(text.replace(",", ""))


def module(known: Known) -> tuple[Module, dict[str, int]]:
    """The step of training of a network, and all sizes."""
    system = step_system(wg.Network(known.text), wg.SGD(0.1), None, 1, 1)
    sizes = infer_sizes(system, known.sizes)
    updated = [u.name for u in system.updates]
    wanted = [str(system.cost), *(f"{name} <-" for name in updated)]
    plan = lower(system, sizes, wanted, training=True, in_place=True)
    every = {i: s or sizes.get(i.split("·")[0], 5) for i, s in plan.sizes.items()}
    return Module(plan, system, "float32", AVX512, updated), every


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("threads", [1, 2])
def test_every_step_is_there_in_order(name: str, threads: int) -> None:
    made, sizes = module(KNOWN[name])
    lines = describe(made, sizes, threads).split("\n\n")[1].split("\n")
    expected = []
    for event in made.step()[0].events:
        if isinstance(event.what, Call) and hasattr(event.what.part, "nest"):
            expected += [str(s).replace("·own", "") for s in event.what.part.nest.steps]
    steps = [line.strip().removesuffix("    (in registers)") for line in lines]
    found = iter(steps)
    assert all(step in found for step in expected)
    assert steps.count(WAITING) == (threads > 1) * sum(
        e.what is None for e in made.step()[0].events
    )


def test_the_head_says_in_how_many_threads() -> None:
    made, sizes = module(KNOWN["two_nodes"])
    heads = [describe(made, sizes, *n).split(", vectors")[0] for n in ((1, 1), (1, 2), (2, 2))]
    assert heads == ["one thread", "one thread at first, up to 2 if that is faster", "2 threads"]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_in_registers_has_no_memory(name: str) -> None:
    made, sizes = module(KNOWN[name])
    text = describe(made, sizes, 1)
    marked = set(re.findall(r"^ +([^\[ ]+).* \(in registers\)$", text, re.M))
    computed = {name.replace("·own", "") for name in made.plan.assigned}
    kept = {b.name.replace("·own", "") for b in made.memory.values()}
    assert marked == computed - kept
    assert not marked & {m["name"] for m in PLACE.finditer(text)}


@pytest.mark.parametrize("name", NAMES)
def test_buffers_that_are_alive_together_are_apart(name: str) -> None:
    made, sizes = module(KNOWN[name])
    text = describe(made, sizes, 1)
    total = re.search(r"memory: ([\d,]+) bytes", text)
    assert total
    found = [m.groupdict() for m in PLACE.finditer(text)]
    own = {b.name.replace("·own", ""): b for b in made.memory.values() if not b.external}
    assert {b["name"] for b in found} == set(own)
    for b in found:
        shape = [int(s) for s in b["shape"].split(",") if s.strip()]
        assert number(b["size"]) == np.prod(shape) * ELEMENTS[own[b["name"]].element].itemsize
        assert [a for a in b["axes"].split(",") if a] == [a.index for a in own[b["name"]].axes]
        assert number(b["at"]) + number(b["size"]) <= number(total[1])
    for a, b in combinations(found, 2):
        apart = number(a["at"]) + number(a["size"]) <= number(b["at"]) or number(b["at"]) + number(
            b["size"]
        ) <= number(a["at"])
        together = "always" in (a["life"], b["life"]) or (
            int(a["first"]) <= int(b["last"]) and int(b["first"]) <= int(a["last"])
        )
        assert apart or not together


def test_memory_is_what_is_really_laid_out() -> None:
    made, sizes = module(KNOWN["classification"])
    writer, _ = made.step()
    own = [b for b in made.buffers(writer.lives) if not b.external]
    assert f"memory: {placed(own, sizes).size:,} bytes" in describe(made, sizes, 1)


def test_loops_are_indented() -> None:
    made, sizes = module(KNOWN["lstm"])
    text = describe(made, sizes, 1)
    loops = [e.what for e in made.step()[0].events if isinstance(e.what, Steps)]
    ways = [("" if loop.direction > 0 else ", downwards") for loop in loops]
    assert re.findall(r"^for each \w+ in turn(.*):$", text, re.M) == ways
    assert ways == ["", ", downwards"]
    head = re.search(r"in turn:\n(.*)\n", text)
    assert head and head[1].startswith("  ")


def test_scatters_say_what_is_added_where() -> None:
    made, sizes = module(KNOWN["embedding"])
    assert re.search(r"scatter over .*\n  .*\[.*\] \+= ", describe(made, sizes, 1))


def test_in_words() -> None:
    text = """
        given x[n,i], w[i,j], u[k,i]
        z[n,j] = sum[i](x[n,i] * w[i,j])
        a[n,j] = max(0, z[n,j])
        y[n,k] = sum[i](x[n,i] * u[k,i])
        s = sum[n,j](a[n,j])
        """
    plan, system = nests(text, n=64, i=64, j=64, k=64)
    words = describe(Module(plan, system, "float32", AVX512), dict(plan.sizes), 2)
    head, body, memory = words.split("\n\n")
    assert head == "2 threads, vectors of 16 numbers (512 bits)"
    assert re.sub(r"tiles of \d+ n by \d+ ", "tiles of # n by # ", body).split("\n") == [
        "over n, j: tiles of # n by # j; all threads",
        "  z[n,j] = sum[i](x[n,i] * w[i,j])",
        WAITING,
        "over n, j: vectors along j",
        "  a[n,j] = max(0, z[n,j])",
        "over n, k: tiles of # n by # k, u transposed in panels; all threads",
        "  y[n,k] = sum[i](x[n,i] * u[k,i])",
        "once: vectors along j",
        "  s = sum[n,j](a[n,j])",
    ]
    assert "for each thread  transposed·i[i,transposed·i] as (64, 32), always" in memory
    assert "z[n,j] as (64, 64), always" in memory
    plain = describe(Module(plan, system, "float64", X86), dict(plan.sizes), 1)
    assert plain.startswith("one thread, vectors of 2 numbers (128 bits)\n\n")
    assert "threads" not in plain


def test_copies_in_words() -> None:
    """A copy of what a loop does not change stands before it; weights so large lie in blocks."""
    made, sizes = module(KNOWN["lstm"].resized({"n": 64, "t": 20, "d": 64, "j": 128, "l": 128}))
    words = describe(made, sizes, 2)
    before, loops, *_ = re.split(r"\nfor each t in turn.*\n", words)
    copy = "copy with exchanged axes, over l, j; each thread for itself\n  ufᵗ[l,j] = uf[l,j]\n"
    assert copy not in before  # forward, lanes go along its rows
    assert copy in loops
    assert made.memory["uf·ownᵗ"].block == made.memory["uf·own"].block == 32


def test_the_words_are_always_the_same() -> None:
    for name in NAMES:
        assert len({describe(*module(KNOWN[name]), 2) for _ in range(2)}) == 1
