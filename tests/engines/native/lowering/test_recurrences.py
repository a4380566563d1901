"""Loops that step through an index."""

from __future__ import annotations

from tests.engines.native.lowering.plans import lines, plan


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
