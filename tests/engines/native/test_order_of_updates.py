"""What a step updates last is what the next one reads first."""

from __future__ import annotations

from whygrad.engines.native.lowering import lower
from whygrad.language.parsing import parse

TEXT = """
    given x[n,i]
    batch n
    size j = 3
    param w[i] ~ ones, v[j] ~ ones
    z[n] = sum[i](x[n,i] * w[i])
    y[n,j] = z[n] * v[j]
    J = mean[n](sum[j](y[n,j]))
    dw[i] = sum[n](x[n,i] * z[n])
    dv[j] = sum[n](y[n,j] * z[n])
    minimize J
    w[i] <- w[i] - dw[i]
    v[j] <- v[j] - dv[j]
    """


def test_the_weights_of_the_first_layer_are_updated_last() -> None:
    wanted = ["J", "w <-", "v <-"]
    plan = str(lower(parse(TEXT), {"i": 2, "j": 3}, wanted, training=True, in_place=True))
    assert plan.index("z[n] = ") < plan.index("v[j] = v[j]") < plan.index("w[i] = w[i]")
