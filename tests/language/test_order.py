"""In what order equations run: after what they need, in loops where they need each other."""

from graphlib import CycleError, TopologicalSorter
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whygrad.errors import LanguageError
from whygrad.language.order import Group, order, prerequisites
from whygrad.language.parsing import parse
from whygrad.language.system import Equation


def plan(text: str) -> list[str]:
    """The groups as words: `z`, a start as `h[-1]`, a loop as `t up: f c h`."""

    def name(e: Equation) -> str:
        places = [str(s) for s in e.subscripts if str(s) not in e.indices]
        return f"{e.name}[{', '.join(places)}]" if places else e.name

    def words(group: Group) -> str:
        names = " ".join(name(e) for e in group.equations)
        way = "up" if group.direction > 0 else "down"
        return f"{group.index} {way}: {names}" if group.index else names

    return [words(group) for group in order(parse(text))]


def fault(text: str) -> LanguageError:
    with pytest.raises(LanguageError) as caught:
        order(parse(text))
    return caught.value


def marked(error: LanguageError) -> str:
    """What the caret stands under."""
    assert error.span is not None
    return error.source.split("\n")[error.span.line][error.span.column : error.span.end]


# Plain equations


def test_equations_in_a_good_order_keep_it() -> None:
    text = """
    given x[n]
    c = 2
    a[n] = x[n] * c
    d = 3
    b[n] = a[n] * d
    """
    assert plan(text) == ["c", "a", "d", "b"]


def test_an_equation_waits_for_what_it_needs() -> None:
    text = """
    given x[n]
    J = mean[n](a[n])
    a[n] = b[n] * c
    b[n] = x[n] + 1
    c = 5
    """
    assert plan(text) == ["b", "c", "a", "J"]


def test_needs_are_seen_in_subscripts_and_conditions() -> None:
    text = """
    given x[n,i]
    u[n] = x[n, p[n]]
    v[n] = where(q[n] > 0, 1, 2)
    w = sum[n | r[n] > 0](1)
    p[n] = argmax[i](x[n,i])
    q[n] = 1 + n
    r[n] = 2 + n
    """
    assert plan(text) == ["p", "u", "q", "v", "r", "w"]


# Loops


RECURRENT = """
given x[t,n,i]
param u[j,j2] ~ zeros, w[i,j] ~ zeros
size j = 4, j2 = size(j)
y[n]     = sum[j](h[size(t)-1,n,j])
h[t,n,j] = tanh(z[t,n,j] + sum[j2](u[j,j2] * h[t-1,n,j2]))
z[t,n,j] = sum[i](x[t,n,i] * w[i,j])
h[-1,n,j] = 0
"""


def test_a_recurrence_is_a_loop_and_what_does_not_depend_on_it_is_not_in_it() -> None:
    assert plan(RECURRENT) == ["z", "h[-1]", "t up: h", "y"]


def test_equations_that_need_each_other_share_a_loop_in_the_order_of_a_step() -> None:
    text = """
    given x[t,n]
    h[t,n] = o[t,n] * tanh(c[t,n])
    c[t,n] = f[t,n] * c[t-1,n] + x[t,n]
    f[t,n] = sigmoid(x[t,n] + h[t-1,n])
    o[t,n] = sigmoid(x[t,n] - h[t-1,n])
    h[-1,n] = 0
    c[-1,n] = 0
    """
    assert plan(text) == ["h[-1]", "c[-1]", "t up: o f c h"]


def test_a_recurrence_may_run_backwards() -> None:
    text = """
    given x[t]
    d[t] = 2 * d[t+1] + x[t]
    d[size(t)] = last
    last = 1
    """
    assert plan(text) == ["last", "d[size(t)]", "t down: d"]


def test_a_recurrence_needs_no_starts_with_pad() -> None:
    assert plan("given x[t]\nh[t] = h[pad(t-1)] + x[t]") == ["t up: h"]
    assert plan("given x[t]\nh[t] = h[pad(2+t)] + x[t]") == ["t down: h"]


def test_layers_of_recurrences_are_loops_one_after_the_other() -> None:
    text = """
    given x[t]
    b[t] = b[pad(t-1)] + a[t]
    a[t] = a[pad(t-1)] + x[t]
    """
    assert plan(text) == ["t up: a", "t up: b"]


def test_the_loop_runs_over_the_index_that_every_reference_steps() -> None:
    text = """
    given x[a,b]
    h[a,b] = h[pad(a-1), pad(b-1)] + h[a, pad(b-1)] + x[a,b]
    """
    assert plan(text) == ["b up: h"]


def test_a_start_may_need_the_same_loop_over_another_index() -> None:
    text = """
    given x[t,n]
    h[t,n] = h[t-1, pad(n-1)] + x[t,n]
    h[-1,n] = h[3, pad(n-1)]
    """
    assert plan(text) == ["n up: h h[-1]"]


def test_a_later_step_of_the_same_loop_is_no_need() -> None:
    """The start reads the last step of another loop only."""
    text = """
    given x[t]
    b[-1] = a[size(t)-1]
    b[t] = b[t-1] + x[t]
    a[t] = a[t-1] + x[t]
    a[-1] = 0
    """
    assert plan(text) == ["a[-1]", "t up: a", "b[-1]", "t up: b"]


def test_which_start_is_read_follows_from_the_lag() -> None:
    """g reads h[t-1], which meets the start at -1 but not the one at -2, which needs g."""
    text = """
    given x[t]
    h[t] = x[t]
    h[-1] = 0
    h[-2] = sum[t](g[t])
    g[t] = h[t-1]
    k[t] = h[t-2]
    """
    assert plan(text) == ["h", "h[-1]", "g", "h[-2]", "k"]
    assert "circular" in fault(text.replace("g[t] = h[t-1]", "g[t] = h[t-2]")).message


def test_the_last_value_is_no_start_at_the_end() -> None:
    text = """
    given x[t]
    d[t] = x[t]
    d[size(t)] = sum[t](g[t])
    g[t] = d[size(t)-1] + d[t] + d[pad(t-1)]
    """
    assert plan(text) == ["d", "g", "d[size(t)]"]
    assert "circular" in fault(text.replace("pad(t-1)", "t+1")).message


# Circles


def test_a_circle_is_named_and_shown() -> None:
    error = fault("a = b + 1\nb = 2 * c\nc = a")
    assert error.message == "circular definition: a -> b -> c -> a"
    assert marked(error) == "b"
    assert "another step" in error.hint


def test_an_equation_that_needs_itself_is_a_circle() -> None:
    assert fault("a = a + 1").message == "circular definition: a -> a"
    assert fault("h[t] = h[t] + 1\nsize t = 3").message == "circular definition: h -> h"


def test_only_the_circle_is_named_and_not_what_hangs_on_it() -> None:
    error = fault("size n = 3\nu = sum[n](a[n])\na[n] = b[n] + 1\nb[n] = a[n]\nv[n] = b[n] * u")
    assert error.message == "circular definition: a -> b -> a"


@pytest.mark.parametrize(
    ("equations", "circle", "place", "hint"),
    [
        ("h[t] = h[pad(t-1)] + h[pad(t+1)]", "h -> h", "h[pad(t+1)]", "earlier steps, or"),
        ("h[t] = h[pad(t-1)] + g[t]\ng[t] = h[t]", "h -> g -> h", "g[t]", "within one step of t"),
        ("h[t] = h[pad(t-1)] + h[t//2]", "h -> h", "h[t//2]", "only at t plus a constant"),
        ("h[t] = h[pad(t-1)] + h[0]", "h -> h", "h[0]", "only at t plus a constant"),
        ("h[t] = h[pad(t-1)] + h[pad(2*t)]", "h -> h", "h[pad(2*t)]", "t plus a constant"),
        ("h[t] = h[pad(t-1)] + sum[s](h[s])", "h -> h", "h[s]", "only at t plus a constant"),
        ("h[t] = softmax[t](h[pad(t-1)])", "h -> h", "h[pad(t-1)]", "another step"),
        ("h[t] = g[pad(t-1)]\ng[s] = h[pad(s-1)]", "h -> g -> h", "g[pad(t-1)]", "another step"),
        ("h[-1] = h[0]\nh[t] = h[t-1]", "h[-1] -> h -> h[-1]", "h[0]", "another step"),
        ("h[t] = g[0] + h[pad(t-1)]\ng[t] = h[pad(t-1)]", "h -> g -> h", "g[0]", "t plus"),
    ],
)
def test_what_is_no_loop_is_a_circle(equations: str, circle: str, place: str, hint: str) -> None:
    error = fault(f"size t = 5, s = 5\n{equations}")
    assert error.message == f"circular definition: {circle}"
    assert marked(error) == place
    assert hint in error.hint


def test_two_indices_that_are_stepped_in_turn_are_no_loop() -> None:
    error = fault("given x[a,b]\nh[a,b] = h[pad(a-1), b] + h[a, pad(b-1)]")
    assert error.message == "circular definition: h -> h"


# The part that is needed


def test_prerequisites_are_the_equations_that_a_name_needs() -> None:
    system = parse(RECURRENT + "other[n] = y[n] + 1\n")
    assert {e.name for e in prerequisites(system, ["y"]).equations} == {"y", "h", "z"}
    assert len(prerequisites(system, ["h"]).equations) == 3  # with its start
    assert {e.name for e in prerequisites(system, ["z"]).equations} == {"z"}
    assert prerequisites(system, ["x"]).equations == ()


def test_prerequisites_keep_declarations_sizes_and_what_the_minimum_still_means() -> None:
    text = """
    given x[n]
    param w ~ zeros
    a[n] = w * x[n]
    J = mean[n](a[n])
    minimize J
    predict a
    """
    part = prerequisites(parse(text), ["a"])
    assert part.cost is None
    assert part.predictions == ("a",)
    assert set(part.declarations) == {"x", "w"}
    assert prerequisites(parse(text), ["J"]).cost == "J"


def test_prerequisites_of_an_update() -> None:
    text = """
    given x[n]
    setting lr = 0.1
    param w ~ zeros
    state v ~ zeros
    a[n] = w * x[n]
    J = mean[n](a[n])
    b = lr * 2
    v <- 0.9 * v + δw
    w <- w - b * v
    minimize J
    """
    part = prerequisites(parse(text), ["w <-"])
    assert [u.name for u in part.updates] == ["w"]
    assert [e.name for e in part.equations] == ["b"]


# Properties


@st.composite
def recurrences(draw: st.DrawFn, steps: tuple[int, ...]) -> str:
    """Up to four tensors over t that read each other at random steps."""
    names = draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=4, unique=True))
    lines = ["given x[t]"]
    for name in names:
        reads = draw(
            st.lists(st.tuples(st.sampled_from(names), st.sampled_from(steps)), max_size=3)
        )
        terms = "".join(f" + {other}[pad(t{step:+d})]" for other, step in reads)
        lines.append(f"{name}[t] = x[t]{terms}")
    return "\n".join(lines)


LENGTH = 7


def needs(text: str) -> dict[tuple[str, int], set[tuple[str, int]]]:
    """For each element of each tensor the elements that it reads, from the text itself."""
    found: dict[tuple[str, int], set[tuple[str, int]]] = {}
    for line in text.split("\n")[1:]:
        left, right = line.split(" = ")
        for t in range(LENGTH):
            elements = found.setdefault((left[0], t), set())
            for term in right.split(" + ")[1:]:
                place = t + int(term.removeprefix(f"{term[0]}[pad(t").removesuffix(")]"))
                if 0 <= place < LENGTH:
                    elements.add((term[0], place))
    return found


def is_circular(graph: dict[tuple[str, int], set[tuple[str, int]]]) -> bool:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError:
        return True
    return False


@settings(deadline=None)
@given(recurrences(steps=(-2, -1, 0, 1, 2)))
def test_no_element_is_read_before_it_is_written(text: str) -> None:
    text = text.replace("t - ", "t-").replace("t + ", "t+")
    graph = needs(text)
    try:
        groups = order(parse(text))
    except LanguageError:
        return
    written: set[tuple[str, int]] = set()
    for group in groups:
        steps = range(LENGTH)[:: group.direction] if group.index else [None]
        for step in steps:
            for equation in group.equations:
                for t in range(LENGTH) if step is None else [step]:
                    assert graph[equation.name, t] <= written
                    written.add((equation.name, t))
    assert written == set(graph)


@settings(deadline=None)
@given(recurrences(steps=(-2, -1, 0)))
def test_with_steps_of_one_direction_only_a_true_circle_is_refused(text: str) -> None:
    text = text.replace("t - ", "t-").replace("t + ", "t+")
    if is_circular(needs(text)):
        assert fault(text).message.startswith("circular definition: ")
    else:
        order(parse(text))


@settings(deadline=None)
@given(st.permutations(range(12)), st.data())
def test_any_order_of_lines_gives_an_order_that_runs(lines: list[int], data: st.DataObject) -> None:
    reads = {
        n: data.draw(st.sets(st.integers(0, n - 1), max_size=3)) if n else set() for n in lines
    }
    text = [f"v{n} = 1" + "".join(f" + v{m}" for m in reads[n]) for n in range(12)]
    assert plan("\n".join(text)) == [f"v{n}" for n in range(12)]
    done: set[int] = set()
    for word in plan("\n".join(text[n] for n in lines)):
        number = int(word[1:])
        assert reads[number] <= done
        done.add(number)
    assert len(done) == 12


def test_a_thousand_layers_in_reverse_are_ordered_fast_and_without_deep_recursion() -> None:
    lines = [f"a{n}[i] = tanh(a{n - 1}[i])" for n in range(1, 1001)]
    system = parse("\n".join(["given a0[i]", *reversed(lines)]))
    start = perf_counter()
    groups = order(system)
    assert perf_counter() - start < 0.5
    assert [g.equations[0].name for g in groups] == [f"a{n}" for n in range(1, 1001)]
