"""The step as a whole: the threads wait for each other where they must, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engines.native.codegen.running import AVX512, Compiled, nests, plan_of

from whygrad.engines.native.code import Buffer
from whygrad.engines.native.codegen.module import Module
from whygrad.engines.native.codegen.schedule import ACROSS
from whygrad.engines.native.codegen.step import Call, Event, Steps, StepWriter
from whygrad.engines.native.plan import Loop, Nest, Plan, Scatter
from whygrad.language.expression import ZERO
from whygrad.language.system import System

SHARED, PRIVATE = "abcdef", "gh"
TENSORS = SHARED + PRIVATE
NOTHING = Scatter("a", (), (), (), ZERO)


def calls_of(
    written: str, single: st.SearchStrategy[bool], private: bool
) -> st.SearchStrategy[Call]:
    return st.builds(
        Call,
        st.just(NOTHING),
        st.just("@part"),
        st.just(()),
        st.just(()),
        st.just(()),
        st.frozensets(st.sampled_from(TENSORS), max_size=2),
        st.frozensets(st.sampled_from(written), min_size=1, max_size=2),
        single,
        st.just(private),
    )


calls = calls_of(SHARED, st.booleans(), False) | calls_of(PRIVATE, st.just(False), True)
parts = st.recursive(
    calls,
    lambda inner: st.builds(
        Steps,
        st.just("t"),
        st.sampled_from([1, -1]),
        st.lists(inner, min_size=1, max_size=4).map(tuple),
    ),
    max_leaves=8,
)


def written(sequence: Sequence[Call | Steps]) -> StepWriter:
    memory = {n: Buffer(n, n, "float", (), (), private=n in PRIVATE) for n in TENSORS}
    writer = StepWriter(memory, Plan((), {}, {"t" * k: 3 for k in range(1, 10)}, {}))
    writer.write("@step", tuple(distinct(part, "t") for part in sequence))
    return writer


def distinct(part: Call | Steps, index: str) -> Call | Steps:
    """The part with another index for each loop in a loop."""
    if isinstance(part, Call):
        return part
    return replace(part, index=index, body=tuple(distinct(p, index + "t") for p in part.body))


def ran(events: Sequence[Event], depth: int = 0) -> Iterator[tuple[int, Call | None]]:
    """What is run in order, each loop twice; with every call the event that it is."""
    k = 0
    while k < len(events):
        what = events[k].what
        if isinstance(what, Steps):
            end = k + 1
            while end < len(events) and events[end].depth > events[k].depth:
                end += 1
            for _ in range(2):
                yield from ran(events[k + 1 : end], depth + 1)
            k = end
        else:
            yield depth, what
            k += 1


def intervals(events: Sequence[Event]) -> list[list[Call]]:
    """The calls between two barriers."""
    found: list[list[Call]] = [[]]
    for _, call in ran(events):
        if call is None:
            found.append([])
        else:
            found[-1].append(call)
    return found


def clash(a: Call, b: Call) -> bool:
    """Whether two threads may not run these at the same time."""
    touched = (a.writes & (b.reads | b.writes) | a.reads & b.writes).difference(PRIVATE)
    return bool(touched) and not (a.single and b.single)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(parts, min_size=1, max_size=5))
def test_what_clashes_is_never_run_at_the_same_time(sequence: list[Call | Steps]) -> None:
    """The end of a loop's turn and the beginning of the next one included."""
    for together in intervals(written(sequence).events):
        for a, b in combinations(together, 2):
            assert not clash(a, b)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(calls, min_size=1, max_size=8))
def test_there_is_no_barrier_that_nothing_needs(sequence: list[Call]) -> None:
    groups = intervals(written(sequence).events)
    for before, after in pairwise(groups):
        assert any(clash(a, b) for a in before for b in after)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(parts, min_size=1, max_size=5))
def test_tensors_whose_lives_do_not_meet_are_not_used_at_the_same_time(
    sequence: list[Call | Steps],
) -> None:
    """They may share memory; all that is run while a tensor is alive must leave it alone."""
    writer = written(sequence)
    used = [
        frozenset[str]().union(*(c.reads | c.writes for c in together))
        for together in intervals(writer.events)
    ]
    for a, b in combinations(writer.lives, 2):
        (a0, a1), (b0, b1) = writer.lives[a], writer.lives[b]
        if a1 < b0 or b1 < a0:
            first = [k for k, names in enumerate(used) if a in names]
            second = [k for k, names in enumerate(used) if b in names]
            assert first[-1] < second[0] or second[-1] < first[0]


# From plans


def events(plan: Plan, system: System) -> str:
    """What is run: shared parts in capitals, private ones with *, barriers as |, loops in ()."""
    writer, _ = Module(plan, system, "float32", AVX512).step()
    found, depth = "", 0
    for event in writer.events:
        found += ")" * (depth - event.depth)
        depth = event.depth
        match event.what:
            case None:
                found += "|"
            case Steps():
                found += "("
            case Call(part=part, single=single, private=private):
                name = part.name if isinstance(part, Scatter) else part.nest.steps[0].name
                name = name.partition(ACROSS)[0]
                found += (name if single else name.upper()) + "*" * private
    return found + ")" * depth


LARGE = {"n": 64, "i": 64, "j": 64, "k": 64}
PRODUCTS = """
    given x[n,i], w[i,j], v[i,j]
    a[n,j] = sum[i](x[n,i] * w[i,j])
    b[n,j] = sum[i](x[n,i] * v[i,j])
    """


def test_what_does_not_depend_on_each_other_runs_side_by_side() -> None:
    assert events(*nests(PRODUCTS, **LARGE)) == "AB"


def test_what_is_read_elsewhere_is_waited_for() -> None:
    text = PRODUCTS + "c[n,j] = sum[i](a[n,i] * w[i,j])\nd[n,j] = sum[i](b[n,i] * c[n,j])"
    assert events(*nests(text, **LARGE)) == "AB|C|D"


def test_small_parts_are_run_by_one_thread_in_a_row() -> None:
    text = PRODUCTS + "s = sum[j](a[0,j])\nt = s + 1\nu = 2 * t"
    assert events(*nests(text, **LARGE)) == "AB|stu"


def test_a_copy_for_what_threads_share_is_made_by_each_for_itself() -> None:
    text = "given x[n,i,l], u[k,i,l]\n{}y[n,k] = sum[i,l](x[n,i,l] * {}[k,i,l])"
    large = dict(LARGE, l=2)
    assert events(*nests(text.format("", "u"), **large)) == "U*Y"
    made = text.format("v[k,i,l] = 2 * u[k,i,l]\n", "v")
    assert events(*nests(made, **large)) == "v|V*Y"
    assert events(*nests(text.format("", "u"), **dict(large, n=16, i=32, k=16))) == "uy"


def test_a_large_part_after_a_small_one_waits_only_if_it_reads_it() -> None:
    text = "given x[n,i], w[i,j], y[j]\ns[j] = y[j] * 2\na[n,j] = sum[i](x[n,i] * {} * w[i,j])"
    assert events(*nests(text.format("s[i]"), **LARGE)) == "s|A"
    assert events(*nests(text.format("y[i]"), **LARGE)) == "sA"


def test_what_is_still_read_is_not_overwritten() -> None:
    text = PRODUCTS + "c[n,j] = sum[i](a[n,i] * w[i,j])"
    plan, system = nests(text, **LARGE)
    a, b, c = plan.parts
    assert events(plan_of([a, b, c, b, a], system, LARGE), system) == "AB|CB|A"


def test_every_turn_of_a_loop_begins_with_a_barrier_if_threads_share_it() -> None:
    text = "given x[t,n,i], w[i,j]\nh[t,n,j] = sum[i](x[t,n,i] * w[i,j])"
    plan, system = nests(text, t=5, n=64, i=64, j=64)
    (nest,) = plan.parts
    assert isinstance(nest, Nest)
    loop = Loop("t", 1, (Nest(("n", "j"), nest.steps),))
    assert events(plan_of([loop], system, plan.sizes), system) == "(|H)"
    small = dict(plan.sizes, n=2, i=2)
    assert events(plan_of([loop], system, small), system) == "(h)"


def test_a_loop_downwards_goes_from_the_last_to_the_first() -> None:
    text = "given x[t]\nh[t] = 2 * h[pad(t+1)] + x[t]"
    plan, system = nests(text, t=5)
    (nest,) = plan.parts
    assert isinstance(nest, Nest)
    for direction, last in ((-1, 31.0), (1, 1.0)):
        loop = Loop("t", direction, (Nest((), nest.steps),))
        compiled = Compiled(plan_of([loop], system, {"t": 5}), system)
        found = compiled.run({"x": [1.0] * 5})["h"]
        assert found[4] == 1
        if direction < 0:
            assert found[0] == last
