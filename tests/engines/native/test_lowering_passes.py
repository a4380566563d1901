"""What each pass of the lowering does, on texts that fit in a few lines, as plans print."""

from __future__ import annotations

from textwrap import dedent

import numpy as np
import pytest
from tests.engines.native.interpreter import Interpreter

from whygrad.engines.native.lowering import lower
from whygrad.engines.native.plan import Nest
from whygrad.errors import SizeError
from whygrad.language.parsing import parse


def plan(text: str, *, training: bool = True, in_place: bool = False, **sizes: int) -> str:
    """The plan of everything that a text computes."""
    system = parse(dedent(text))
    equations = [t.name for t in system.of_kind("equation")]
    wanted = [*equations, *(f"{u.name} <-" for u in system.updates)]
    return str(lower(system, sizes, wanted, training, in_place))


def lines(text: str) -> str:
    return dedent(text).lstrip("\n")


# What is computed at all


def test_only_what_is_wanted() -> None:
    system = parse("given x\na = x + 1\nb = a + 1\nc = a * 2")
    assert str(lower(system, {}, ["b"], True, False)) == "once\n  a = x + 1\n  b = a + 1\n"


@pytest.mark.parametrize(("training", "value"), [(True, "x"), (False, "m + m")])
def test_training_is_decided(training: bool, value: str) -> None:
    text = "given x\nstate m ~ zeros\na = where(training, x, m) + [not training] * m"
    assert plan(text, training=training) == f"once\n  a = {value}\n"


def test_what_is_known_is_put_in() -> None:
    text = """
        given x[i]
        a[i] = x[size(i)-1-i] / sqrt(size(i)) + where(2 > 1, 1, x[i]) * [1 == 2 or i < 1]
        """
    assert plan(text, i=4) == "for i\n  a[i] = x[3-i] / 2 + [i < 1]\n"


def test_composite_functions_are_written_out() -> None:
    assert plan("given x\na = leaky_relu(x)") == "once\n  a = where(x > 0, x, 0.01 * x)\n"


# Reductions


def test_a_reduction_is_a_right_side_of_its_own() -> None:
    text = """
        given x[n,i]
        batch n
        param w[i,j] ~ he, b[j] ~ zeros
        z[n,j] = sum[i](x[n,i] * w[i,j]) + b[j]
        a[n,j] = relu(z[n,j])
        """
    assert plan(text, i=3, j=2) == lines(
        """
        for n, j
          z·sum[n,j] = sum[i](x[n,i] * w[i,j])
          z[n,j] = z·sum[n,j] + b[j]
          a[n,j] = max(0, z[n,j])
        """
    )


def test_softmax_and_logsumexp_share_their_parts() -> None:
    text = """
        given z[n,k], y[n] in k
        batch n
        size k2 = size(k)
        yhat[n,k] = softmax[k](z[n,k])
        J = mean[n](logsumexp[k2](z[n,k2]) - z[n,y[n]])
        """
    assert plan(text, k=3) == lines(
        """
        for n
          yhat·max[n] = max[k](z[n,k])
          yhat·shift[n] = where(yhat·max[n] - yhat·max[n] == 0, yhat·max[n], 0)
        for n, k
          yhat·exp[n,k] = exp(z[n,k] - yhat·shift[n])
        for n
          yhat·sum[n] = sum[k](yhat·exp[n,k])
          yhat·inverse[n] = 1 / yhat·sum[n]
          J·logsumexp[n] = log(yhat·sum[n]) + yhat·shift[n]
        for n, k
          yhat[n,k] = yhat·exp[n,k] * yhat·inverse[n]
        once
          J·sum = sum[n](J·logsumexp[n] - z[n, y[n]])
          J = J·sum / size(n)
        """
    )


def test_the_mean_of_some_is_divided_by_their_number() -> None:
    text = "given x[n,i]\na[n] = mean[i | i > n](x[n,i])"
    assert plan(text, n=2, i=3) == lines(
        """
        for n
          a·sum[n] = sum[i | i > n](1)
          a·sum2[n] = sum[i | i > n](x[n,i])
          a[n] = a·sum2[n] / a·sum[n]
        """
    )


def test_a_lookup_takes_the_conditions_around_it_along() -> None:
    text = """
        given x[i], k[n]
        a[n] = where(k[n] < 2, sum[j](x[k[n]] * j), 0)
        b[n] = where(k[n] < 2, sum[i](x[i]), 0)
        """
    assert plan(text, i=2, n=3, j=4) == lines(
        """
        for n
          a·sum[n] = sum[j | k[n] < 2](x[k[n]] * j)
          a[n] = where(k[n] < 2, a·sum[n], 0)
        once
          b·sum = sum[i](x[i])
        for n
          b[n] = where(k[n] < 2, b·sum, 0)
        """
    )


def test_a_condition_around_a_sum_is_not_taken_for_one_of_its_own_index() -> None:
    text = """
        given x[i,j], k[n]
        size l = size(j)
        a[n,j] = where(k[n] < j, sum[l](x[k[n],l]), 0)
        """
    assert "sum[j·4 | k[n] < j](x[k[n], j·4])" in plan(text, i=2, n=3, j=4)


# Costly values


def test_what_is_free_of_an_index_is_computed_once() -> None:
    text = "given x[n,i], s[n]\na[n,i] = x[n,i] / sqrt(s[n])"
    assert plan(text, n=2, i=3) == lines(
        """
        for n
          a·inverse[n] = 1 / sqrt(s[n])
        for n, i
          a[n,i] = x[n,i] * a·inverse[n]
        """
    )


def test_what_stands_in_several_equations_is_computed_once() -> None:
    text = """
        given x[n]
        a[n] = exp(x[n]) + 1
        b = sum[n](exp(x[n]))
        c[n] = tanh(x[n])
        d = sum[n](tanh(x[n])**2)
        """
    assert plan(text, n=2) == lines(
        """
        for n
          a·exp[n] = exp(x[n])
          a[n] = a·exp[n] + 1
          c[n] = tanh(x[n])
        once
          b = sum[n](a·exp[n])
          d = sum[n](c[n]**2)
        """
    )


def test_lookups_are_computed_once_where_no_condition_excludes_them() -> None:
    text = """
        given word[n] in v
        param table[v] ~ zeros, w[j] ~ zeros, u[j,k] ~ zeros
        a[n,j] = exp(table[word[n]]) * w[j]
        b[n,k] = sum[j](table[word[n]] * w[j] * u[j,k])
        """
    assert plan(text, n=90, v=5, j=3, k=2) == lines(
        """
        for n
          a·exp[n] = exp(table[word[n]])
        for n, j
          a[n,j] = a·exp[n] * w[j]
        for k
          b·sum[k] = sum[j](w[j] * u[j,k])
        for n, k
          b[n,k] = table[word[n]] * b·sum[k]
        """
    )


# Sums


def test_an_index_that_a_term_lacks_is_counted() -> None:
    text = "given x[n,i], w[i,j], b[j]\na[n,j] = sum[i](x[n,i] * w[i,j] + b[j] - 2)"
    assert plan(text, n=3, i=4, j=2) == lines(
        """
        for n, j
          a·sum[n,j] = sum[i](x[n,i] * w[i,j])
          a[n,j] = a·sum[n,j] + 4 * b[j] - 8
        """
    )


def test_three_factors_are_multiplied_in_the_cheapest_order() -> None:
    text = """
        given x[n,i]
        param w[i,j] ~ he, v[j,k] ~ he
        a[n,k] = sum[i,j](x[n,i] * w[i,j] * v[j,k])
        """
    assert plan(text, n=100, i=3, j=4, k=2) == lines(
        """
        for k, i
          a·sum[k,i] = sum[j](w[i,j] * v[j,k])
        for n, k
          a[n,k] = sum[i](x[n,i] * a·sum[k,i])
        """
    )
    assert "a·sum[0,j] = sum[i](x[0,i] * w[i,j])" in plan(text, n=1, i=3, j=4, k=20)


def test_a_condition_stays_with_the_last_product() -> None:
    text = """
        given x[n,i]
        param w[i,j] ~ he, v[j,k] ~ he
        a[n,k] = sum[i,j | j <= i](x[n,i] * w[i,j] * v[j,k])
        """
    assert plan(text, n=100, i=3, j=4, k=2) == lines(
        """
        for k, i, j
          a·part[k,i,j] = w[i,j] * v[j,k]
        for n, k
          a[n,k] = sum[i,j | j <= i](x[n,i] * a·part[k,i,j])
        """
    )


def test_what_is_free_of_the_summed_index_leaves_the_sum() -> None:
    text = """
        given x[n,i], s[n]
        param w[j,i] ~ he
        a[n] = sum[i](2 * s[n] * x[n,i])
        b[n,i] = sum[j]([i == 1] * x[n,j] * w[j,i])
        """
    assert plan(text, n=2, i=3) == lines(
        """
        for n
          a·sum[n] = sum[i](x[n,i])
          a[n] = 2 * s[n] * a·sum[n]
        for n, i
          b·sum[n,i] = sum[j](x[n,j] * w[j,i])
          b[n,i] = [i == 1] * b·sum[n,i]
        """
    )


def test_a_factor_is_computed_before_it_is_needed_repeatedly() -> None:
    text = """
        given x[n,i], m[n]
        param w[i,j] ~ he
        a[n,j] = sum[i]((x[n,i] - m[n])**2 * w[i,j])
        b[n] = sum[i]((x[n,i] - m[n]) * m[n])
        """
    assert plan(text, n=2, i=3, j=2) == lines(
        """
        for n, i
          a·power[n,i] = (x[n,i] - m[n])**2
        for n, j
          a[n,j] = sum[i](a·power[n,i] * w[i,j])
        for n
          b·sum[n] = sum[i](x[n,i] - m[n])
          b[n] = m[n] * b·sum[n]
        """
    )


def test_the_derivative_of_a_weight_is_one_sum_of_a_product() -> None:
    text = "given d[n,j], x[n,i]\nbatch n\nw[i,j] = sum[n](d[n,j] * x[n,i])"
    assert plan(text, i=2, j=3) == "for i, j\n  w[i,j] = sum[n](d[n,j] * x[n,i])\n"


def test_a_condition_that_places_results_is_a_scatter() -> None:
    text = """
        given d[p], w[r]
        x[a] = sum[p,r | 2*p + r == a](d[p] * w[r]) + 1
        """
    assert plan(text, a=5, p=2, r=3) == lines(
        """
        scatter over p, r
          x·sum[2*p+r] += d[p] * w[r]
        for a
          x[a] = x·sum[a] + 1
        """
    )


def test_a_scatter_does_not_run_over_what_it_counts() -> None:
    text = "given y[n] in i, r\na[i] = sum[s,n | i == y[n]](r)"
    assert plan(text, n=2, i=5, s=3) == "scatter over n\n  a[y[n]] += 3 * r\n"


def test_a_number_is_multiplied_where_there_is_less_to_multiply() -> None:
    text = "given d[n,e], word[n] in v\ng[v,e] = sum[n | word[n] == v](3 * d[n,e])"
    assert plan(text, n=2, e=3, v=5) == lines(
        """
        scatter over e, n
          g[word[n], e] += 3 * d[n,e]
        """
    )


# Recurrences


def test_what_a_loop_does_not_need_is_computed_before_it() -> None:
    text = """
        given x[n,t,d]
        param w[d,j] ~ he, u[l,j] ~ he
        size l = size(j)
        h[t,n,j] = tanh(sum[d](x[n,t,d] * w[d,j]) + sum[l](h[t-1,n,l] * u[l,j]))
        h[-1,n,j] = 0
        r[n] = sum[j](h[size(t)-1,n,j])
        """
    assert plan(text, n=2, t=3, d=2, j=2) == lines(
        """
        for t, n, j
          h·sum[t,n,j] = sum[d](x[n,t,d] * w[d,j])
        for n, j
          h[-1,n,j] = 0
        step through t
          for n, j
            h·sum2[t,n,j] = sum[l](h[t-1,n,l] * u[l,j])
            h[t,n,j] = tanh(h·sum[t,n,j] + h·sum2[t,n,j])
        for n
          r[n] = sum[j](h[2,n,j])
        """
    )


def test_a_loop_that_runs_downwards() -> None:
    assert plan("given x[t]\nh[t] = x[t] + h[pad(t+1)]", t=3) == lines(
        """
        step through t downwards
          once
            h[t] = x[t] + h[pad(t+1)]
        """
    )


# Updates


@pytest.mark.parametrize(
    ("updates", "expected"),
    [
        ("a <- a + 1\nb <- a", "  b = a\n  a = a + 1\n"),
        ("a <- b\nb <- a", "  b·next = a\n  a = b\n  b = b·next\n"),
        ("a <- exp(b)\nb <- exp(b)", "  a·exp = exp(b)\n  a = a·exp\n  b = a·exp\n"),
    ],
)
def test_updates_read_old_values(updates: str, expected: str) -> None:
    text = f"state a ~ zeros, b ~ zeros\n{updates}"
    assert plan(text, in_place=True) == f"once\n{expected}"


def test_an_update_that_reads_other_places_of_its_tensor_is_copied() -> None:
    text = "state a[i,j] ~ zeros\na[i,j] <- a[j,i]"
    assert plan(text, in_place=True, i=2, j=2) == lines(
        """
        for i, j
          a·next[i,j] = a[j,i]
        for i, j
          a[i,j] = a·next[i,j]
        """
    )


def test_a_weight_is_stored_after_its_last_reader() -> None:
    text = """
        param w[i,j] ~ zeros
        given x[i]
        d[j] = sum[i](x[i] * w[i,j])
        g[i,j] = x[i] * d[j]
        w[i,j] <- w[i,j] - g[i,j]
        r[i] = sum[j](w[i,j] * d[j])
        """
    system = parse(dedent(text))
    found = lower(system, {"i": 2, "j": 3}, ["r", "w <-"], True, True)
    arrays = {"w": np.arange(6.0).reshape(2, 3), "x": np.array([1.0, 2.0])}
    values = Interpreter(found, {"i": 2, "j": 3}, arrays).run()
    d = arrays["x"] @ arrays["w"]
    assert values["r"] == pytest.approx(arrays["w"] @ d)
    assert values["w <-"] == pytest.approx(arrays["w"] - np.outer(arrays["x"], d))


def test_a_batch_is_gathered_in_front() -> None:
    text = """
        given x[n,i], y[n] in k
        batch n
        param w[i] ~ he
        J = sum[n,i](x[n,i] * w[i] * y[n])
        w[i] <- w[i] - J
        """
    found = plan(text, in_place=True, i=2, k=3)
    assert found == lines(
        """
        for n, i
          x[n,i] = x·all[rows·n[n], i]
        for n
          y[n] = y·all[rows·n[n]]
        for i
          J·sum[i] = sum[n](x[n,i] * y[n])
        once
          J = sum[i](w[i] * J·sum[i])
        for i
          w[i] = w[i] - J
        """
    )


# Nests


def test_a_step_reads_the_steps_before_it_at_the_same_point_only() -> None:
    text = """
        given x[n]
        a[n] = x[n] + 1
        b[n] = a[n] * 2
        c[n] = a[size(n)-1-n]
        d[n] = c[n] + b[n]
        """
    assert plan(text, n=2) == lines(
        """
        for n
          a[n] = x[n] + 1
          b[n] = a[n] * 2
        for n
          c[n] = a[1-n]
          d[n] = c[n] + b[n]
        """
    )


def test_two_contractions_do_not_share_a_nest() -> None:
    text = """
        given x[n,i]
        param w[i,j] ~ he, v[i,j] ~ he
        a[n,j] = sum[i](x[n,i] * w[i,j])
        b[n,j] = sum[i](x[n,i] * v[i,j])
        c[n] = max[i](x[n,i])
        d[n] = argmax[i](x[n,i])
        e[n] = sum[j](a[n,j])
        """
    found = lower(parse(dedent(text)), {"n": 2, "i": 3, "j": 2}, list("abcde"), True, False)
    nests = [[s.name for s in part.steps] for part in found.parts if isinstance(part, Nest)]
    assert nests == [["a"], ["b"], ["c", "d"], ["e"]]


# Sizes


def test_sizes_that_depend_on_the_number_of_samples_are_open() -> None:
    text = """
        given x[n,i]
        batch n
        size m = size(n), p = size(n) * 2
        a[m,p] = x[m,0] + p
        """
    found = lower(parse(dedent(text)), {"i": 3}, ["a"], True, True)
    assert found.sizes == {"n": None, "m": None, "p": None, "i": 3, "n·all": None}
    assert found.axes["x·all"] == ("n·all", "i")
    assert found.axes["rows·n"] == ("n",)


def test_more_samples_than_a_part_of_them() -> None:
    text = "given x[n]\nbatch n\nsize m = 5000\na[m] = x[m]"
    assert plan(text) == "for m\n  a[m] = x[m]\n"


def test_sizes_that_disagree_are_refused() -> None:
    with pytest.raises(SizeError, match="disagree"):
        plan("given x[i,i2], y[i]\nsize i2 = size(i)\na[i] = x[i,i] + y[i]", i=2, i2=3)


# What must not be touched


def values(text: str, arrays: dict[str, object], **sizes: int) -> dict[str, np.ndarray]:
    """Every equation of a text, by its plan."""
    system = parse(dedent(text))
    wanted = [t.name for t in system.of_kind("equation")]
    found = lower(system, sizes, wanted, True, False)
    numbers = {i: size for i, size in found.sizes.items() if size is not None}
    return Interpreter(found, numbers, arrays).run()


def test_where_no_condition_holds_an_infinite_factor_counts_for_nothing() -> None:
    text = "given x[n], s\nsize m = size(n)\na[m] = sum[n | n > m](s * x[n])"
    found = values(text, {"x": np.array([1.0, 2.0]), "s": np.array(np.inf)}, n=2)
    assert found["a"].tolist() == [np.inf, 0]


def test_what_a_condition_excludes_is_not_read() -> None:
    """Also not where the same costly value stands in several equations."""
    text = """
        given x[i], k[n]
        a[n] = where(k[n] < 2, x[k[n]], -1)
        b[n] = [k[n] < 2] * exp(x[k[n]])
        c[n] = where(k[n] < 2, exp(x[k[n]]), 0)
        d[n] = [k[n] < 2] * [x[k[n]] > 5]
        e = sum[n | k[n] < 2 and x[k[n]] > 5](1)
        f[n] = where(k[n] >= 2 or max[j](x[k[n]] - j) > 5, 1, 0)
        h[i] = sum[n | k[n] == i](x[i])
        l[n] = [k[n] < 2] * logsumexp[j](x[k[n]] * j)
        m[n,j] = where(k[n] < 2, sin(x[k[n]]) * j, 0)
        """
    arrays = {"x": np.array([5.0, 6.0]), "k": np.array([1, 0, 7])}
    found = values(text, arrays, i=2, n=3, j=3)
    assert found["a"].tolist() == [6, 5, -1]
    assert found["b"] == pytest.approx([np.exp(6), np.exp(5), 0])
    assert found["c"] == pytest.approx([np.exp(6), np.exp(5), 0])
    assert found["d"].tolist() == [1, 0, 0]
    assert found["e"] == 1
    assert found["f"].tolist() == [1, 0, 1]
    assert found["h"].tolist() == [5, 6]
    assert found["m"][:, 1] == pytest.approx([np.sin(6), np.sin(5), 0])
    terms = np.exp(np.outer([6, 5], [0, 1, 2])).sum(1)
    assert found["l"] == pytest.approx([*np.log(terms), 0])


def test_a_softmax_of_lookups_under_a_condition() -> None:
    text = """
        given x[i], k[n]
        a[n,j] = where(k[n] < 2, softmax[j](x[k[n]] * j), -1)
        b[n,j] = [k[n] < 2] * [j > 0] * softmax[j](x[k[n]] * j)
        """
    arrays = {"x": np.array([0.5, 0.0]), "k": np.array([1, 0, 7])}
    found = values(text, arrays, i=2, n=3, j=3)
    rows = np.exp(np.outer([0.0, 0.5], [0, 1, 2]))
    rows /= rows.sum(1, keepdims=True)
    assert found["a"] == pytest.approx(np.vstack([rows, [-1, -1, -1]]))
    assert found["b"] == pytest.approx(np.vstack([rows * [0, 1, 1], [0, 0, 0]]))


def test_a_start_may_be_a_scatter() -> None:
    text = """
        given x[n], y[n] in k
        h[t,k] = h[t-1,k] * 2
        h[-1,k] = sum[n | y[n] == k](x[n])
        """
    arrays = {"x": np.array([1.0, 2.0, 3.0]), "y": np.array([1, 0, 1])}
    found = values(text, arrays, n=3, k=2, t=2)
    assert found["h"].tolist() == [[2, 4], [4, 8], [8, 16]]


def test_nothing_is_scattered_along_the_index_of_a_loop() -> None:
    text = "given x[n]\nh[t] = 1 + sum[n | n + 1 == t](x[n] * h[pad(t-1)])"
    found = values(text, {"x": np.array([2.0, 3.0])}, n=2, t=3)
    assert found["h"].tolist() == [1, 3, 10]
    assert "h·sum[t] = sum[n | n + 1 == t](x[n] * h[pad(t-1)])" in plan(text, n=2, t=3)


# Indices of size 1


def test_indices_of_size_one_need_no_loop() -> None:
    """So what runs over the samples alone runs together."""
    text = plan(
        """
        given x[n,i]
        param w[i,j] ~ he
        z[n,j] = sum[i](x[n,i] * w[i,j])
        a[n,j] = tanh(z[n,j])
        b[n] = a[n,0] + sum[i](x[n,i]) + argmax[i](x[n,i]) + sum[i | i > 0](x[n,i])
        """,
        n=5,
        i=1,
        j=1,
    )
    assert text.startswith("for n\n  z[n,0] = x[n,0] * w[0,0]\n  a[n,0] = tanh(z[n,0])\n")
    assert text.count("for ") == 1
