"""How many values each index takes, and that every subscript stays in its range."""

from itertools import product
from time import perf_counter
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from whygrad.errors import SizeError
from whygrad.language.parsing import parse
from whygrad.language.sizes import check_ranges, extents, infer_sizes, interval

Shapes = dict[str, tuple[int, ...]]


def sizes(text: str, shapes: Shapes | None = None, **known: int) -> dict[str, int]:
    return infer_sizes(parse(text), known, shapes or {})


def fault(text: str, shapes: Shapes | None = None, **known: Any) -> SizeError:
    """What is wrong with the sizes or the ranges of a text."""
    system = parse(text)
    with pytest.raises(SizeError) as caught:
        check_ranges(system, infer_sizes(system, known, shapes or {}))
    return caught.value


def marked(error: SizeError) -> str:
    """What the caret stands under."""
    assert error.span is not None
    return error.source.split("\n")[error.span.line][error.span.column : error.span.end]


DENSE = """
given x[n,i], y[n] in k
batch n
size j = 16
param w1[i,j] ~ zeros, w2[j,k] ~ zeros
z1[n,j] = sum[i](x[n,i] * w1[i,j])
yhat[n,k] = softmax[k](sum[j](z1[n,j] * w2[j,k]))
J = mean[n](-log(yhat[n, y[n]]))
minimize J
"""

CONVOLUTION = """
given x[n,c,a,b]
size r = 3, q = size(r), o = 8
param w[o,c,r,q] ~ zeros
z[n,o,p,s] = sum[c,r,q](x[n, c, 2*p + r, 2*s + q] * w[o,c,r,q])
f[n,m] = z[n, m // (size(p)*size(s)), m // size(s) % size(p), m % size(s)]
"""


# Where sizes come from


def test_sizes_come_from_data_from_statements_and_from_the_caller() -> None:
    found = sizes(DENSE, {"x": (178, 13), "y": (178,)}, k=3)
    assert found == {"n": 178, "i": 13, "j": 16, "k": 3}


def test_the_size_of_classes_comes_from_the_data_if_nothing_else_gives_it() -> None:
    shapes = {"x": (178, 13), "y": (178,)}
    assert infer_sizes(parse(DENSE), {}, shapes, {"k": 3})["k"] == 3
    declared = parse(DENSE.replace("size j = 16", "size j = 16, k = 5"))
    assert infer_sizes(declared, {}, shapes, {"k": 3})["k"] == 5
    assert infer_sizes(parse(DENSE), {"k": 4}, shapes, {"k": 3})["k"] == 4


def test_only_the_batch_and_what_follows_from_it_may_stay_open() -> None:
    assert sizes(DENSE, i=13, k=3) == {"i": 13, "j": 16, "k": 3}
    text = """
    given x[n,i]
    batch n
    size half = size(n) // 2
    a[half] = sum[i](x[half,i])
    b[m] = sum[i](x[m,i])
    d[p] = sum[i](x[p+1,i])
    """
    assert sizes(text, i=3) == {"i": 3}
    found = sizes(text, {"x": (10, 3)})
    assert found == {"n": 10, "i": 3, "half": 5, "m": 10, "p": 9}


def test_a_size_may_be_computed_from_sizes() -> None:
    text = "size a = 7, b = 2*size(c) - 1, c = size(a)//2 % 4\nz[a,b,c] = 1"
    assert sizes(text) == {"a": 7, "b": 5, "c": 3}


def test_an_index_that_reads_an_axis_has_its_size() -> None:
    text = "given x[n,i]\nz[m,u] = x[m,u]\nv[p] = sum[n](z[p, 0] * z[n, 1])"
    assert sizes(text, {"x": (4, 3)}) == {"n": 4, "i": 3, "m": 4, "u": 3, "p": 4}


def test_an_explicit_size_may_be_smaller_than_the_axis_that_it_reads() -> None:
    text = "given x[n,i]\nsize j = 3\nz[n,j] = x[n,j]"
    assert sizes(text, {"x": (4, 5)}) == {"n": 4, "i": 5, "j": 3}
    error = fault(text, {"x": (4, 2)})
    assert "axis i of x, which has size 2, with j, which has size 3" in error.message
    assert marked(error) == "j"


def test_pad_gives_no_size_and_needs_none() -> None:
    text = "given a[n,i], b[n,k]\nsize j = 7\nc[n,j] = a[n, pad(j)] + b[n, pad(j - size(i))]"
    found = sizes(text, {"a": (4, 5), "b": (4, 2)})
    assert found == {"n": 4, "i": 5, "k": 2, "j": 7}
    check_ranges(parse(text), found)
    assert (
        "size of index j"
        in fault(text.replace("size j = 7", ""), {"a": (4, 5), "b": (4, 2)}).message
    )


def test_a_convolution_and_a_flattening_have_the_largest_size_that_fits() -> None:
    found = sizes(CONVOLUTION, {"x": (10, 3, 28, 29)})
    assert found["p"] == (28 - 3) // 2 + 1 == 13
    assert found["s"] == (29 - 3) // 2 + 1 == 14
    assert found["m"] == 8 * 13 * 14
    check_ranges(parse(CONVOLUTION), found)


def test_of_several_subscripts_the_smallest_size_counts() -> None:
    text = "given x[a], y[b]\nz[p] = x[p+3] * y[2*p] * x[size(a)-1-p]"
    assert sizes(text, {"x": (10,), "y": (100,)})["p"] == 7
    assert sizes(text, {"x": (10,), "y": (9,)})["p"] == 5
    assert sizes(text, {"x": (100,), "y": (1000,)})["p"] == 97


def test_an_explicit_size_is_not_taken_from_subscripts() -> None:
    text = "given x[i], v[a]\nsize j = size(q) - 1\nz[j] = x[j+2]\ng[q] = v[q+1]"
    assert sizes(text, {"x": (100,), "v": (5,)})["j"] == 3


def test_a_copy_of_an_index_and_the_index_get_one_size_from_subscripts() -> None:
    text = "given x[i]\nsize p2 = size(p)\nz[p] = x[p+3]\ng[p2] = x[2*p2]"
    assert sizes(text, {"x": (100,)}) == {"i": 100, "p": 50, "p2": 50}


def test_a_size_waits_for_all_subscripts_that_limit_it() -> None:
    """p is limited by x at once, but by y only when q is known, and m and u wait for q."""
    text = """
    given x[i], y[j], v[a], c[n] in q
    z[p] = x[p+3] * y[p + size(q)]
    g[q] = v[q+1]
    f[m] = x[m // size(q)]
    h[u,n] = x[u + c[n]]
    """
    found = sizes(text, {"x": (100,), "y": (10,), "v": (5,), "c": (3,)})
    assert found["q"] == 4
    assert found["p"] == 10 - 4
    assert found["m"] == 4 * 100
    assert found["u"] == 100 - 3


def test_sizes_follow_from_each_other_in_any_order_of_lines() -> None:
    lines = ["given a0[i0]"] + [f"a{n}[i{n}] = a{n - 1}[i{n} + 2]" for n in range(1, 6)]
    for text in ("\n".join(lines), "\n".join(reversed(lines))):
        assert sizes(text, {"a0": (20,)}) == {f"i{n}": 20 - 2 * n for n in range(6)}


def test_an_update_has_the_axes_of_its_tensor_under_any_names() -> None:
    text = """
    given x[t,n]
    param w[t,n] ~ zeros
    J = sum[t,n](x[t,n] * w[t,n])
    w[a,b] <- w[a,b] - δw[a,b]
    minimize J
    """
    assert sizes(text, {"x": (5, 3)}) == {"t": 5, "n": 3, "a": 5, "b": 3}


def test_a_reading_inside_the_starts_fits_too() -> None:
    text = "given x[t]\nh[-2] = 0\nh[-1] = 0\nh[t] = h[t-2] + x[t]\nz[s] = h[s-2]"
    assert sizes(text, {"x": (5,)})["s"] == 7
    text = "given x[t]\nd[size(t)] = 0\nd[t] = d[t+1] + x[t]\nz[s] = d[s+1]"
    assert sizes(text, {"x": (5,)})["s"] == 5


def test_class_numbers_count_with_all_their_values() -> None:
    text = "given x[n,i], y[n] in k\nz[n,p] = x[n, p + y[n]]"
    assert sizes(text, {"x": (4, 10), "y": (4,)}, k=3)["p"] == 8


# Sizes that are open, wrong or disagree


def test_what_is_open_is_not_guessed() -> None:
    error = fault(DENSE.replace("size j = 16", ""), {"x": (178, 13), "y": (178,)}, k=3)
    assert error.message == "nothing gives the size of index j"
    assert "`size j = 16`" in error.hint
    assert "w1[i,j]" in marked(error)


def test_an_open_size_that_data_would_give_says_which() -> None:
    error = fault(DENSE, k=3)
    assert error.message == "nothing gives the size of index i"
    assert "data of x" in error.hint
    assert "data of y" in fault(DENSE, i=13).hint


def test_of_several_open_sizes_the_first_is_named_and_not_what_follows_from_it() -> None:
    error = fault(
        CONVOLUTION.replace("size r = 3, q = size(r), o", "size q = size(r), o"),
        {"x": (10, 3, 28, 28)},
    )
    assert error.message == "nothing gives the size of index r"


@pytest.mark.parametrize("subscript", ["m % 5", "m // 5 % 5", "y[m]"])
def test_a_subscript_that_never_leaves_gives_no_size(subscript: str) -> None:
    text = f"given x[i], y[j] in i\nz[m] = x[{subscript}]"
    text = text.replace("y[m]", "y[0] + 0*m")
    assert "size of index m" in fault(text, {"x": (5,), "y": (3,)}).message


def test_a_recurrence_gives_its_index_no_size() -> None:
    error = fault("given x[n]\nbatch n\nh[t] = h[t-1] + 1\nh[-1] = 0")
    assert error.message == "nothing gives the size of index t"


def test_a_subscript_that_holds_the_open_size_itself_gives_no_size() -> None:
    assert "size of index p" in fault("given x[i]\nz[p] = x[size(p)-1-p]", {"x": (5,)}).message


def test_an_index_that_is_only_summed_over_needs_a_size_too() -> None:
    error = fault("given x[n]\nz[n] = sum[q](x[n])", {"x": (5,)})
    assert error.message == "nothing gives the size of index q"
    assert marked(error) == "sum[q](x[n])"


def test_two_open_indices_in_a_subscript_are_open() -> None:
    error = fault("given x[i]\nz[p,r] = x[p+r]", {"x": (5,)})
    assert error.message == "nothing gives the size of index p"
    assert sizes("given x[i]\nz[p,r] = x[p+r]", {"x": (5,)}, r=2)["p"] == 4


def test_arrays_that_disagree() -> None:
    error = fault(DENSE, {"x": (178, 13), "y": (170,)}, k=3)
    assert error.message == "index n has two sizes: 178 in x, 170 in y"
    assert "y[n]" in marked(error)


def test_an_array_and_a_size_statement_that_disagree() -> None:
    text = "given x[n,i]\nsize i = 4\nz[n] = sum[i](x[n,i])"
    assert fault(text, {"x": (9, 5)}).message == "index i has two sizes: 5 in x, 4 by size i = 4"
    assert "two sizes: 3 as given, 4 by size i = 4" in fault(text, i=3, n=1).message


def test_two_names_of_one_size_that_disagree() -> None:
    error = fault("given x[n,i], w[j]\nz[n,j] = x[n,j] * w[j]", {"x": (9, 5), "w": (4,)})
    assert (
        error.message
        == "sizes disagree: i is 5 in x, j is 4 in w, but x[n,j] reads axis i of x with j"
    )
    assert marked(error) == "j"


def test_an_array_with_the_wrong_number_of_axes() -> None:
    error = fault(DENSE, {"x": (178, 13, 2)})
    assert error.message == "x[n, i] has 2 axes, but its array has the shape (178, 13, 2)"
    assert "x[n,i]" in marked(error)


@pytest.mark.parametrize("size", [0, -3, 2.5])
def test_a_size_is_a_whole_number_of_at_least_1(size: float) -> None:
    error = fault(DENSE, i=size, k=3)
    assert f"the size of i is {size}" in error.message
    assert "at least 1" in error.message


def test_an_array_that_is_empty() -> None:
    assert "the size of n is 0 in x" in fault(DENSE, {"x": (0, 13)}).message


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("size a = 3 - 5", "the size of a is -2"),
        ("size a = size(b) // 2, b = 1", "the size of a is 0"),
        ("size a = size(b) // (size(b) - 3), b = 3", "the size of a is no whole number"),
    ],
)
def test_size_statements_that_give_no_size(statement: str, message: str) -> None:
    error = fault(f"{statement}\nz[a] = 1")
    assert error.message.startswith(message)
    assert error.span is not None and error.span.line == 0


def test_an_axis_that_is_too_short_for_any_size() -> None:
    error = fault("given x[i]\nsize r = 3\nz[p] = sum[r](x[2*p + r])", {"x": (2,)})
    assert "whatever the size of p" in error.message and "size 2" in error.message
    assert marked(error) == "2*p + r"
    assert "pad(" in error.hint


# Ranges


def test_extents_cover_the_starts_on_both_sides() -> None:
    text = """
    given x[t,n]
    h[t,n] = h[t-2,n] + x[t,n]
    h[-1,n] = 0
    h[-2,n] = 0
    d[t,n] = d[t+1,n] + h[t,n]
    d[size(t),n] = 0
    """
    found = extents(parse(text), {"t": 5, "n": 3})
    assert found["x"] == (range(0, 5), range(0, 3))
    assert found["h"] == (range(-2, 5), range(0, 3))
    assert found["d"] == (range(0, 6), range(0, 3))
    check_ranges(parse(text), {"t": 5, "n": 3})


@pytest.mark.parametrize(
    ("subscript", "goes"),
    [
        ("i - 1", "i - 1 from -1 to 3"),
        ("i + 1", "i + 1 from 1 to 5"),
        ("2*i", "2*i from 0 to 8"),
        ("2*(i + 1)", "2 * (i + 1) from 2 to 10"),
        ("j", "j from 0 to 6"),
        ("size(i)", "size(i) is 5"),
        ("y[n] + 2", "y[n] + 2 from 2 to 5"),
        ("i*i // 3", "i*i // 3 from 0 to 5"),
        ("j % 6", "j % 6 from 0 to 5"),
        ("i*j % 7", "i*j % 7 from 0 to 6"),
        ("(i - 3) % 7", "(i - 3) % 7 from 0 to 6"),
        ("9*i % (-5) + 3", "9*i % (-5) + 3 from -1 to 3"),
    ],
)
def test_a_subscript_that_can_leave_its_range(subscript: str, goes: str) -> None:
    text = f"given x[n,i], y[n] in k\nsize j = 7\nz[n,i,j] = x[n, {subscript}] + 0 * j"
    error = fault(text, {"x": (3, 5), "y": (3,)}, k=4)
    if subscript == "j":
        assert "size 7" in error.message
    else:
        assert error.message.endswith(f"its axis i goes from 0 to 4, {goes}")
    assert marked(error) == subscript
    assert "pad(" in error.hint
    padded = parse(text.replace(f"x[n, {subscript}]", f"x[n, pad({subscript})]"))
    check_ranges(padded, infer_sizes(padded, {"k": 4}, {"x": (3, 5), "y": (3,)}))


@pytest.mark.parametrize(
    "subscript",
    [
        "j % 5",
        "i*i // 4",
        "(i + 3*j) % 5",
        "j - j//2*2",
        "y[n]",
        "size(i) - 1 - i",
        "2*i - i",
        "-1*i % 5",
    ],
)
def test_a_subscript_that_stays_inside(subscript: str) -> None:
    text = f"given x[n,i], y[n] in k\nsize j = 7\nz[n,i,j] = x[n, {subscript}] + 0 * j"
    check_ranges(parse(text), sizes(text, {"x": (3, 5), "y": (3,)}, k=4))


def test_conditions_excuse_no_reading_outside() -> None:
    text = "given x[n]\nz[n] = where(n > 0, x[n-1], 0)"
    assert marked(fault(text, {"x": (3,)})) == "n-1"
    assert marked(fault("given x[n]\nz = sum[n | n > 0](x[n-1])", {"x": (3,)})) == "n-1"


def test_a_constant_does_not_count_from_the_end() -> None:
    error = fault("given x[n,i]\nz[n] = x[n,-1]", {"x": (3, 5)})
    assert marked(error) == "-1"
    assert "size(i) - 1" in error.hint


def test_a_lag_needs_its_starts() -> None:
    text = "given x[t]\nh[t] = h[t-1] + x[t]"
    error = fault(text, {"x": (4,)})
    assert "t = -1" in error.hint and "pad(" in error.hint
    check_ranges(parse(text + "\nh[-1] = 0"), {"t": 4})


def test_class_numbers_beyond_the_axis_that_they_read() -> None:
    text = DENSE.replace("size j = 16", "size j = 16, c = 2").replace("yhat[n,k] =", "full[n,k] =")
    text = text.replace("J = mean[n]", "yhat[n,c] = full[n,c]\nJ = mean[n]")
    error = fault(text, {"x": (9, 4), "y": (9,)}, k=3)
    assert "axis c goes from 0 to 1, y[n] from 0 to 2" in error.message


def test_values_of_other_tensors_are_seen_only_when_they_are_there() -> None:
    text = "given x[n,i]\nbest[n] = argmax[i](x[n,i])\nz[n] = x[n, best[n] + 1]"
    check_ranges(parse(text), {"n": 3, "i": 5})


@pytest.mark.parametrize("divisor", ["0", "i", "i - 2", "size(i) - 5", "i % 2"])
@pytest.mark.parametrize("operation", ["//", "%"])
def test_division_by_zero(divisor: str, operation: str) -> None:
    error = fault(f"given x[i]\nz[i] = x[i] + 7 {operation} ({divisor})", {"x": (5,)})
    assert "division by 0" in error.message
    assert divisor in marked(error)


def test_an_index_that_reads_a_whole_axis_and_beyond_is_told_to_be_smaller() -> None:
    text = "given x[n]\ndifference[p] = x[p+1] - x[p]"
    assert "`size p = 16`" in fault(text, {"x": (9,)}).hint
    check_ranges(parse(f"size p = size(n) - 1\n{text}"), {"n": 9, "p": 8})
    assert "size" not in fault("given x[n]\nz[n] = x[n-1]", {"x": (9,)}).hint


def test_division_by_zero_in_a_subscript() -> None:
    assert "division by 0" in fault("given x[i]\nz[i] = x[7 // i]", {"x": (5,)}).message


def test_a_divisor_on_both_sides_of_zero() -> None:
    text = "given x[i]\nsize j = 5\nz[j] = x[7 // (2*j - 3) + 7]"
    check_ranges(parse(text), {"i": 15, "j": 5})
    assert "from 0 to 14" in fault(text, {"x": (14,)}).message


def test_derivatives_in_updates_have_the_axes_of_their_tensors() -> None:
    text = """
    param w[i] ~ zeros
    J = sum[i](w[i])
    w[i] <- w[i] - δw[pad(i+1)]
    minimize J
    """
    check_ranges(parse(text), sizes(text, i=4))
    assert "the range of δw" in fault(text.replace("pad(i+1)", "i+1"), i=4).message


def test_a_divisor_that_is_never_zero() -> None:
    check_ranges(parse("given x[i]\nz[i] = x[i] + 7 // (2*i - 3)"), {"i": 5})


def test_sizes_of_which_nothing_is_known_are_left_to_the_run() -> None:
    check_ranges(parse("given x[n,i]\nbatch n\nz[n] = x[n, 0] + x[pad(n-1), 2]"), {"i": 3})


def test_huge_sizes_are_no_trouble() -> None:
    text = f"given x[i]\nsize j = {10**30}, k = size(j)\nz[j] = x[j*j*size(k) % 3]"
    assert "axis i goes from 0 to 1" in fault(text, {"x": (2,)}).message
    check_ranges(parse(text), sizes(text, {"x": (3,)}))
    check_ranges(parse(f"given x[i]\nsize j = 5\nz[j] = x[{3**60} * j % 3]"), {"i": 1, "j": 5})


# Properties


@settings(deadline=None)
@given(
    axis=st.integers(1, 40),
    stride=st.integers(-3, 4),
    dilation=st.integers(-3, 3),
    shift=st.integers(-8, 8),
    kernel=st.integers(1, 5),
)
def test_a_convolution_of_any_stride_dilation_and_shift_fits_as_counted(
    axis: int, stride: int, dilation: int, shift: int, kernel: int
) -> None:
    text = f"given x[i]\nz[p] = sum[r](x[{stride}*p + {dilation}*r + {shift}])".replace("+ -", "- ")
    assume(stride)
    fits = 0
    while all(0 <= stride * fits + dilation * r + shift < axis for r in range(kernel)):
        fits += 1
    if fits:
        assert sizes(text, {"x": (axis,)}, r=kernel)["p"] == fits
        check_ranges(parse(text), {"i": axis, "r": kernel, "p": fits})
        larger = {"i": axis, "r": kernel, "p": fits + 1}
        with pytest.raises(SizeError):
            check_ranges(parse(text), larger)
    else:
        assert "whatever the size of p" in fault(text, {"x": (axis,)}, r=kernel).message


@st.composite
def formulas(draw: st.DrawFn, depth: int = 3) -> str:
    """An integer expression of a (5 values) and b (4 values), fully bracketed."""
    if depth == 0 or draw(st.booleans()):
        return draw(st.sampled_from(["a", "b", "size(a)", "0", "1", "2", "3", "7"]))
    left, right = draw(formulas(depth - 1)), draw(formulas(depth - 1))
    operation = draw(st.sampled_from("+-*") | st.sampled_from(["//", "%"]))
    if operation in ("//", "%"):
        right = draw(st.sampled_from(["2", "3", "-5", "size(b)", "(b + 1)", "(b - 7)"]))
    return f"({left} {operation} {right})"


def values(formula: str) -> list[int]:
    """What it is for every a and b, by Python itself."""
    code = compile(formula.replace("size(a)", "5").replace("size(b)", "4"), "formula", "eval")
    return [eval(code, {"a": a, "b": b}) for a, b in product(range(5), range(4))]


@settings(deadline=None)
@given(formulas(), st.integers(1, 30))
def test_ranges_are_checked_as_if_every_value_were_tried(formula: str, axis: int) -> None:
    text = f"given x[i]\nsize a = 5, b = 4\nz[a,b] = x[{formula}]"
    system, known = parse(text), {"a": 5, "b": 4, "i": axis}
    found = values(formula)
    low, high = interval(system.equations[0].value.children[0], known, system) or (0, 0)
    assert low <= min(found) and max(found) <= high
    if min(found) >= 0 and max(found) < axis:
        check_ranges(system, known)
    else:
        with pytest.raises(SizeError):
            check_ranges(system, known)


@settings(deadline=None)
@given(formulas(), st.integers(1, 30))
def test_an_index_gets_the_first_size_that_still_fits(formula: str, axis: int) -> None:
    """The open index is m; Python tries its values one after the other."""
    formula = formula.replace("size(a)", "5").replace("a", "m")
    text = f"given x[i]\nsize b = 4\nz[m,b] = x[{formula}]"
    assume("m" in parse(text).equations[0].value.free)
    code = compile(formula.replace("size(b)", "4"), "formula", "eval")

    def stays(m: int) -> bool:
        return all(0 <= eval(code, {"m": m, "b": b}) < axis for b in range(4))

    leaves = next((m for m in range(4000) if not stays(m)), None)
    if leaves is None:
        assert "size of index m" in fault(text, {"x": (axis,)}).message
    elif leaves == 0:
        assert "whatever the size of m" in fault(text, {"x": (axis,)}).message
    else:
        assert sizes(text, {"x": (axis,)})["m"] == leaves


def test_two_hundred_layers_are_sized_and_checked_fast() -> None:
    lines = [f"a{n}[n,i{n}] = sum[r](a{n - 1}[n, i{n} + r])" for n in range(1, 201)]
    system = parse("\n".join(["given a0[n,i0]", "size r = 3", *reversed(lines)]))
    start = perf_counter()
    found = infer_sizes(system, {}, {"a0": (2, 500)})
    check_ranges(system, found)
    assert perf_counter() - start < 1
    assert found["i200"] == 100
