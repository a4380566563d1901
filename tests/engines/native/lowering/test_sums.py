"""Sums in their cheapest form."""

from __future__ import annotations

from tests.engines.native.lowering.plans import lines, plan


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
