"""Indices of size 1 need no loop."""

from __future__ import annotations

from tests.engines.native.lowering.plans import plan


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
