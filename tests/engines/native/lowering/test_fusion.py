"""Which equations join one nest."""

from __future__ import annotations

from textwrap import dedent

from tests.engines.native.lowering.plans import lines, plan

from whygrad.engines.native.lowering import lower
from whygrad.engines.native.plan import Nest
from whygrad.language.parsing import parse


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
