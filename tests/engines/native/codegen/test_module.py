"""The whole module: parts of one shape share a function, and the text is always the same."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import numpy as np
import pytest
from tests.engines.native.codegen.running import ENTER, Compiled, lowered, nests, plan_of

from whygrad.engines.native import jit
from whygrad.engines.native.codegen.module import Module
from whygrad.engines.native.plan import Nest
from whygrad.engines.native.threads import barrier_ir

ALIKE = """
    given x[n,i], w[i,j], v[i,j], c[n] in j, d[n] in j
    a[n,j] = sum[i](x[n,i] * w[i,j])
    b[n,j] = sum[i](x[n,i] * v[i,j])
    """


def functions(compiled: Compiled) -> int:
    return compiled.code.text.count("@part") - compiled.code.text.count("call void @part")


def of(text: str, **sizes: int | None) -> Compiled:
    plan, system = nests(text, **sizes)
    return Compiled(plan, system)


def test_parts_of_one_shape_share_a_function() -> None:
    compiled = of(ALIKE, n=None, i=5, j=16)
    assert functions(compiled) == 1
    rng = np.random.default_rng(0)
    x, w, v = (rng.integers(-3, 4, s).astype(float) for s in [(4, 5), (5, 16), (5, 16)])
    numbers = {"c": np.zeros(4), "d": np.zeros(4)}
    found = compiled.run({"x": x, "w": w, "v": v, **numbers}, {"n": 4})
    np.testing.assert_array_equal(found["a"], x @ w)
    np.testing.assert_array_equal(found["b"], x @ v)


@pytest.mark.parametrize(
    ("i", "lanes", "masked"),
    [(2, 2, False), (3, 4, True), (8, 8, False), (9, 8, True)],
)
def test_vectors_are_no_longer_than_there_are_numbers(i: int, lanes: int, masked: bool) -> None:
    plan, system = nests("given x[n,i]\na[n,i] = x[n,i] * 2", n=None, i=i)
    text = Module(plan, system, "float32", jit.AVX2).code().text
    assert set(re.findall(r"load <(\d+) x float>", text)) == ({str(lanes)} if not masked else set())
    assert ("llvm.masked.load" in text) == masked
    assert f"<{lanes} x float>" in text


def test_one_number_still_has_a_vector() -> None:
    """The index of a recurrence has a loop, also where it takes one value."""
    text = "given x[t]\nh[t] = h[t-1] + x[t]\nh[-1] = 0\na[t] = 0.5**t + t"
    found = lowered(text, t=1).run({"x": [3.0]})
    assert found["a"].tolist() == [1.0]
    assert found["h"].tolist()[-1] == 3


DIFFERENT = {
    "sizes": "given x[n], y[m]\na[n] = x[n] * 2\nb[m] = y[m] * 2",
    "numbers": "given x[n], y[n]\na[n] = x[n] * 2\nb[n] = y[n] * 3",
    "operations": "given x[n], y[n]\na[n] = x[n] * 2\nb[n] = y[n] + 2",
    "functions": "given x[n], y[n]\na[n] = exp(x[n])\nb[n] = tanh(y[n])",
    "comparisons": "given x[n], y[n]\na[n] = [x[n] < 2]\nb[n] = [y[n] > 2]",
    "logic": "given x[n], y[n]\na[n] = [x[n]>0 and x[n]<2]\nb[n] = [y[n]>0 or y[n]<2]",
    "reductions": "given x[m,n], y[m,n]\na[n] = sum[m](x[m,n])\nb[n] = max[m](y[m,n])",
    "which are the same": "given x[n], y[n]\na[n] = x[n] * x[n]\nb[n] = x[n] * y[n]",
    "subscripts": "given x[n], y[n]\na[n] = x[pad(n-1)]\nb[n] = y[pad(n-2)]",
    "pads": "given x[n], y[n], c[n]\na[n] = x[pad(c[n])]\nb[n] = y[c[n]]",
    "elements": "given x[n], c[n] in m\na[n] = x[n] * 2\nb[n] = c[n] * 2",
    "divisions": "given x[n], y[n]\na[n] = x[n] * (n // 2)\nb[n] = y[n] * (n % 2)",
    "sizes as values": "given x[n], y[n], p[m], q[l]\na[n] = x[n] * size(m)\nb[n] = y[n] * size(l)",
    "indices as values": "given x[n,m]\na[n,m] = x[n,m] * n\nb[n,m] = x[n,m] * m",
}


@pytest.mark.parametrize(("text", "kept"), [(ALIKE, 1), (DIFFERENT["numbers"], 0)])
def test_what_is_called_once_stands_where_it_is_called(text: str, kept: int) -> None:
    compiled = of(text, n=None, i=5, j=16, m=None)
    read = jit.assembly(barrier_ir(jit.host()) + compiled.code.text + ENTER, jit.host())
    assert len(re.findall(r"^\W*part\d+:", read, re.M)) == kept


@pytest.mark.parametrize("text", DIFFERENT.values(), ids=DIFFERENT)
def test_parts_that_differ_have_functions_of_their_own(text: str) -> None:
    compiled = of(text, n=6, m=3, l=4)
    assert functions(compiled) == 2
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=6) + 1, rng.normal(size=6) + 1
    if "[n,m]" in text:
        x, y = rng.normal(size=(6, 3)), rng.normal(size=(6, 3))
    arrays = {"x": x, "y": y[: 3 if "y[m]" in text else 6], "c": [0, 1, 2, 2, 1, 0]}
    alone = {}
    plan, system = nests(text, n=6, m=3, l=4)
    for part in plan.parts:
        one = Compiled(plan_of([part], system, plan.sizes), system).run(arrays)
        alone |= {name: one[name] for name in ("a", "b") if name in one}
    found = compiled.run(arrays)
    for name in ("a", "b"):
        np.testing.assert_array_equal(found[name], alone[name])


def test_what_is_kept_counts_too() -> None:
    """Here z is wanted and u is not, in nests that are else the same."""
    text = "given x[n]\nz[n] = 2 * x[n]\na[n] = z[n] ** 2\nu[n] = 2 * x[n]\nb[n] = u[n] ** 2"
    plan, system = nests(text, n=20)
    z, a, u, b = (p.steps[0] for p in plan.parts if isinstance(p, Nest))
    parts = [Nest(("n",), (z, a)), Nest(("n",), (u, b))]
    compiled = Compiled(plan_of(parts, system, plan.sizes, ["z", "a", "b"]), system)
    assert functions(compiled) == 2
    found = compiled.run({"x": np.arange(20.0)})
    np.testing.assert_array_equal(found["z"], 2 * np.arange(20.0))
    np.testing.assert_array_equal(found["b"], found["a"])


PROGRAM = """
from tests.engines.native.codegen.running import AVX512, lowered
c = lowered('''
given x[n,i], y[n] in k
batch n
size i = 5, k = 3
param w[i,k] ~ he, b[k] ~ zeros
z[n,k] = sum[i](x[n,i] * w[i,k]) + b[k]
J = mean[n](logsumexp[k](z[n,k]) - z[n,y[n]])
dz[n,k] = (softmax[k](z[n,k]) - [k == y[n]]) / size(n)
w[i,k] <- w[i,k] - sum[n](x[n,i] * dz[n,k])
b[k] <- b[k] - sum[n](dz[n,k])
minimize J
''', True, i=5, k=3)
print(c.code.text, c.code.buffers, c.code.runtime_sizes)
"""


def test_the_text_does_not_depend_on_chance() -> None:
    """Sets of texts have another order in every process."""
    texts = set()
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        )
        texts.add(done.stdout)
    assert len(texts) == 1
    assert "@step" in texts.pop()
