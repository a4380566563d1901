"""Costly values are computed once."""

from __future__ import annotations

from tests.engines.native.lowering.plans import lines, plan


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
        once
          for n
            a·exp[n] = exp(x[n])
            a[n] = a·exp[n] + 1
            c[n] = tanh(x[n])
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


def test_a_value_that_stands_at_many_places_is_not_read_at_one_of_them() -> None:
    text = """
        given x[n], c
        a[n] = exp(c)
        b = exp(c) + sum[n](x[n])
        """
    assert plan(text, n=2) == lines(
        """
        once
          a·exp = exp(c)
          b·sum = sum[n](x[n])
          b = a·exp + b·sum
        for n
          a[n] = a·exp
        """
    )
