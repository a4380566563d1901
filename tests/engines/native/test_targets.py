"""What is made for other processors: whole conformance set, steps of training, Arm's loops.

`WHYGRAD_EVERY=1` runs every network in every type; else a few stand for them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import cache

import numpy as np
import pytest
from tests.engines.cases import CASES, Case
from tests.systems.catalogue import KNOWN

import whygrad as wg
from whygrad.engines.native import NativeEngine, build, jit
from whygrad.engines.native.codegen.module import Module
from whygrad.engines.native.codegen.schedule import Tiled
from whygrad.engines.native.codegen.step import Call
from whygrad.engines.reference import ReferenceEngine
from whygrad.engines.request import Request
from whygrad.language.expression import Multiply, Reduce
from whygrad.language.sizes import infer_sizes
from whygrad.training.step import step_system

EVERY = bool(os.environ.get("WHYGRAD_EVERY"))
FEW = ["classification", "convolution_padded", "pooling_max", "embedding", "transformer", "gru"]

PLAINER = {"AVX2": jit.AVX2, "x86-64": jit.X86}


@pytest.fixture(params=PLAINER.values(), ids=PLAINER)
def target(request: pytest.FixtureRequest) -> jit.Target:
    features = [f.removeprefix("+") for f in request.param.features.split(",") if f]
    if not jit.host().is_x86 or not all(map(jit.host().has, features)):
        pytest.skip("this processor cannot run it")
    return request.param


def results(case: Case) -> list[str]:
    return [*case.system.definitions, *(f"{u.name} <-" for u in case.system.updates)]


@cache
def expected(name: str) -> dict[str, np.ndarray]:
    """What the reference engine computes."""
    case = CASES[name]
    program = ReferenceEngine().compile(case.system, case.all_sizes, results(case))
    return program.run(case.arrays)


@pytest.mark.parametrize("dtype", ["float64", "float32"] if EVERY else ["float64"])
@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.name)
def test_the_conformance_set(target: jit.Target, dtype: str, case: Case) -> None:
    engine = NativeEngine(1, target)
    program = engine.compile(case.system, case.all_sizes, results(case), dtype)
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    for name, found in program.run(case.arrays).items():
        assert found.dtype == dtype
        np.testing.assert_allclose(
            found, expected(case.name)[name], rtol=tolerance, atol=tolerance, err_msg=name
        )


@pytest.mark.parametrize("dtype", ["float32", "float64"] if EVERY else ["float32"])
@pytest.mark.parametrize("name", KNOWN if EVERY else FEW)
def test_steps_of_training(target: jit.Target, dtype: str, name: str) -> None:
    """Two batches of different size, on this processor's own code and on the plainer one's."""
    known = KNOWN[name]
    system = step_system(wg.Network(known.text), wg.Adam(0.01), None, 1, 1)
    kept = [t for t in system.tensors.values() if t.kind in ("param", "state")]
    if any(system.batch in t.indices for t in kept):
        pytest.skip("something is kept for each sample, so batches cannot be cut")
    fixed = infer_sizes(system, {i: s for i, s in known.sizes.items() if i != system.batch})
    arrays: dict[str, np.ndarray] = {n: np.asarray(a) for n, a in known.arrays().items()}
    for t in kept:
        arrays.setdefault(t.name, np.full([known.sizes[i] for i in t.indices], 0.5))
    updated = [u.name for u in system.updates]
    wanted = (str(system.cost), *(f"{u} <-" for u in updated))
    samples = known.sizes.get(system.batch or "", 1)
    results = []
    for engine, kind in ((NativeEngine(1, target), dtype), (ReferenceEngine(), "float64")):
        values = {n: a.astype(kind) if a.dtype.kind == "f" else a for n, a in arrays.items()}
        order = np.arange(samples)[::-1]
        costs = engine.compile(system, fixed, wanted, kind).epoch(values, order, samples // 2 + 1)
        results.append({"costs": costs, **{u: values[u] for u in updated}})
    tolerance = 1e-9 if dtype == "float64" else 2e-3
    for key, value in results[1].items():
        np.testing.assert_allclose(results[0][key], value, rtol=tolerance, atol=tolerance)


# Arm: generated and read

DENSE = """
    given x[n,i], y[n] in k
    batch n
    param w1[i,h] ~ he, b1[h] ~ zeros, w2[h,k] ~ he, b2[k] ~ zeros
    z1[n,h] = sum[i](x[n,i] * w1[i,h]) + b1[h]
    a1[n,h] = tanh(z1[n,h])
    z2[n,k] = sum[h](a1[n,h] * w2[h,k]) + b2[k]
    J = mean[n](logsumexp[k](z2[n,k]) - z2[n,y[n]])
    minimize J
    """
CONVOLUTION = """
    given x[n,c,u,v], y[n] in k
    batch n
    size o = 16, r = 3, s = 3
    param w[o,c,r,s] ~ he, b[o] ~ zeros, v2[o,k] ~ glorot
    z[n,o,p,q] = sum[c,r,s](x[n, c, p+r, q+s] * w[o,c,r,s]) + b[o]
    a[n,o] = mean[p,q](max(0, z[n,o,p,q]))
    e[n,k] = sum[o](a[n,o] * v2[o,k])
    J = mean[n](logsumexp[k](e[n,k]) - e[n,y[n]])
    minimize J
    """
NETWORKS = {
    "dense": (DENSE, {"i": 32, "h": 48, "k": 16}),
    "convolution": (CONVOLUTION, {"c": 8, "u": 14, "v": 14, "k": 16}),
    "lstm": (KNOWN["lstm"].text.replace("size  j = 3", "size j = 32"), {"t": 6, "d": 16, "k": 16}),
}
MEANT = {"memcpy", "memset", "sched_yield"}
"""What is called: copies of whole rows, zeroes, and the scheduler where a thread waits."""


class Arm:
    """A step of training by Adam in assembly for 64-bit Arm, function by function."""

    def __init__(self, text: str, sizes: Mapping[str, int], dtype: str) -> None:
        system = step_system(wg.Network(text), wg.Adam(0.01), None, 1, 1)
        request = Request(system, sizes, [str(system.cost)], dtype, True).step()
        plan = build.planned(request, True)
        updated = [u.name for u in request.whole.updates]
        self.module = Module(plan, request.whole, dtype, jit.ARM, updated)
        whole, _ = build.module(request, plan, True, jit.ARM)
        self.text = jit.assembly(whole, jit.ARM)
        self.functions: dict[str, list[str]] = {}
        lines: list[str] = []
        for line in self.text.split("\n"):
            head = re.match(r"([A-Za-z_][\w.]*):", line)
            if head:
                lines = self.functions.setdefault(head[1], [])
            lines.append(line.strip())

    def nests(self) -> list[tuple[Tiled, list[str]]]:
        """Each nest and the assembly of its function."""
        events = self.module.step()[0].events
        calls = [e.what for e in events if isinstance(e.what, Call)]
        return [(c.part, self.functions[c.name[1:]]) for c in calls if isinstance(c.part, Tiled)]


@pytest.fixture(scope="module", params=["float32", "float64"])
def dtype(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=NETWORKS.values(), ids=NETWORKS)
def arm(request: pytest.FixtureRequest, dtype: str) -> Arm:
    return Arm(*request.param, dtype)


def innermost(lines: list[str]) -> list[list[str]]:
    """The loops of one block: from a label to the branch that goes back to it."""
    found: list[list[str]] = []
    for k, line in enumerate(lines):
        label = re.match(r"(\.LBB\w+):", line)
        if label:
            block = []
            for other in lines[k + 1 :]:
                if re.match(r"\.LBB\w+:", other):
                    break
                block.append(other)
                if re.match(rf"(b\.\w+|t?cbn?z).*{re.escape(label[1])}$", other):
                    found.append(block)
                    break
    return found


def is_product(tiled: Tiled) -> bool:
    """Whether it sums products, with lanes that are not along the sum, in tiles."""
    value = tiled.nest.steps[0].value
    lane = tiled.lane is not None and tiled.lane in tiled.nest.indices
    product = isinstance(value, Reduce) and isinstance(value.body, Multiply)
    return product and lane and tiled.row is not None and tiled.rows > 1


def test_arm_tiles_multiply_and_add_in_vectors(arm: Arm, dtype: str) -> None:
    """All of a tile in one loop, in registers: nothing is stored, nothing done number by number."""
    kind = "4s" if dtype == "float32" else "2d"
    tiles = 0
    for tiled, lines in arm.nests():
        if not is_product(tiled):
            continue
        tiles += 1
        loops = [b for b in innermost(lines) if any(x.startswith("fmla") for x in b)]
        fullest = max(loops, key=lambda b: sum(x.startswith("fmla") for x in b))
        products = [x for x in fullest if x.startswith("fmla")]
        assert len(products) >= tiled.rows * tiled.vectors, tiled
        assert all(f".{kind}" in x for x in products)
        assert not any(x.startswith(("fmadd", "fmul\ts", "fmul\td", "str", "stp")) for x in fullest)
    assert tiles >= 4


def test_arm_calls_nothing_that_is_not_meant(arm: Arm) -> None:
    called = set(re.findall(r"\bbl\s+([\w.]+)", arm.text))
    assert called - set(arm.functions) <= MEANT


def test_arm_pointwise_work_is_done_in_vectors(arm: Arm, dtype: str) -> None:
    """Functions, derivatives and updates along a lane: no loop of single numbers."""
    kind = "4s" if dtype == "float32" else "2d"
    seen = 0
    for tiled, lines in arm.nests():
        lane = tiled.lane is not None and tiled.lane in tiled.nest.indices
        pointwise = not any(isinstance(s.value, Reduce) for s in tiled.nest.steps)
        if tiled.exchange or not lane or not pointwise:
            continue
        code = "\n".join(line for loop in innermost(lines) for line in loop)
        assert not re.search(r"\bf(n?m(add|sub)|mul|add|sub|div|sqrt)\s+[sd]\d", code), tiled.nest
        seen += bool(re.search(rf"\bf\w+\s+v\d+\.{kind}", code))
    assert seen >= 1
