"""A derived system is run in as little memory as a system that is written."""

from __future__ import annotations

import numpy as np
import pytest

from whygrad.calculus import derive
from whygrad.engines.reference import ReferenceEngine
from whygrad.language.parsing import parse
from whygrad.language.sizes import infer_sizes

MEBIBYTE = 2**20

CONVOLUTION = """
given x[n,c,a,b], y[n,o,p,q]
size r = 5, s = 5
param w[o,c,r,s] ~ he
z[n,o,p,q] = sum[c,r,s](x[n, c, pad({0}p + r - 2), pad({0}q + s - 2)] * w[o,c,r,s])
u[n,o,p,q] = relu(z[n,o,p,q])
J = mean[n,o,p,q]((u[n,o,p,q] - y[n,o,p,q])**2)
minimize J
"""

ATTENTION = """
given x[n,t,d]
param wq[d,e] ~ glorot, wk[d,e] ~ glorot
q[n,t,e] = sum[d](x[n,t,d] * wq[d,e])
k[n,t,e] = sum[d](x[n,t,d] * wk[d,e])
a[n,t,u] = softmax[u | u <= t](sum[e](q[n,t,e] * k[n,u,e]))
v[n,t,d] = sum[u](a[n,t,u] * x[n,u,d])
J = mean[n,t,d](v[n,t,d]**2)
minimize J
"""

NETWORKS = {
    "convolution": (
        CONVOLUTION.format(""),
        {"n": 64, "c": 16, "a": 36, "b": 36, "o": 16, "p": 36, "q": 36},
    ),
    "strided convolution": (
        CONVOLUTION.format("2*"),
        {"n": 64, "c": 16, "a": 36, "b": 36, "o": 16, "p": 18, "q": 18},
    ),
    "attention": (ATTENTION, {"n": 32, "t": 128, "d": 64, "e": 32}),
}


@pytest.mark.parametrize(("text", "sizes"), NETWORKS.values(), ids=NETWORKS)
def test_no_array_of_a_derivative_is_larger_than_is_allowed(
    text: str, sizes: dict[str, int]
) -> None:
    system = parse(text)
    known = infer_sizes(system, sizes)
    data = [t.name for t in (*system.of_kind("given"), *system.of_kind("param"))]
    wrt = [name for name in data if name != "y"]
    for derived in (derive(system, wrt=wrt).system, derive(system, wrt=wrt).simplified_system):
        every = infer_sizes(derived, known)
        wanted = [f"δ{name}" for name in wrt]
        program = ReferenceEngine().compile(derived, every, wanted)
        random = np.random.default_rng(0)
        shapes = {n: [every[i] for i in system.tensors[n].indices] for n in data}
        program.run({n: random.normal(size=shape) for n, shape in shapes.items()})
        tensors = [
            8 * int(np.prod([every[i] for i in t.indices])) for t in derived.tensors.values()
        ]
        assert program.largest_array <= max(4 * max(tensors), 64 * MEBIBYTE)
