"""Reductions are right sides of their own."""

from __future__ import annotations

from tests.engines.native.lowering.plans import lines, plan


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
