"""The assembly of training steps for other processors: which instructions do the work."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from tests.engines.native.steps import DENSE
from tests.systems.catalogue import KNOWN

import whygrad as wg
from whygrad.engines.native import build, jit
from whygrad.engines.native.codegen.module import Module
from whygrad.engines.native.codegen.schedule import Tiled
from whygrad.engines.native.codegen.step import Call
from whygrad.engines.request import Request
from whygrad.language.expression import Multiply, Reduce
from whygrad.training.step import step_system

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


class Step:
    """A step of training by Adam in assembly, function by function."""

    def __init__(self, text: str, sizes: Mapping[str, int], dtype: str, target: jit.Target) -> None:
        system = step_system(wg.Network(text), wg.Adam(0.01), None, 1, 1)
        request = Request(system, sizes, [str(system.cost)], dtype, True).step()
        plan = build.planned(request, True)
        updated = [u.name for u in request.whole.updates]
        self.module = Module(plan, request.whole, dtype, target, updated)
        whole, _ = build.module(request, plan, True, target)
        self.text = jit.assembly(whole, target)
        apart = whole.replace("alwaysinline", "")  # else there is one function for all nests
        self.functions: dict[str, list[str]] = {}
        lines: list[str] = []
        for line in jit.assembly(apart, target).split("\n"):
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
def arm(request: pytest.FixtureRequest, dtype: str) -> Step:
    return Step(*request.param, dtype, jit.ARM)


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


def test_arm_tiles_multiply_and_add_in_vectors(arm: Step, dtype: str) -> None:
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


def test_arm_calls_nothing_that_is_not_meant(arm: Step) -> None:
    called = set(re.findall(r"\bbl\s+([\w.]+)", arm.text))
    assert called - set(arm.functions) <= MEANT


def test_arm_pointwise_work_is_done_in_vectors(arm: Step, dtype: str) -> None:
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


@pytest.mark.parametrize(
    ("target", "expected", "excluded"),
    [
        (jit.X86, r"\bmulps\b", r"\bv\w+ps\b|%ymm|%zmm"),
        (jit.AVX2, r"\bvfmadd\w+ps\b.*%ymm", r"%zmm"),
    ],
    ids=["any x86", "AVX2"],
)
def test_x86_uses_what_it_has_and_nothing_more(
    target: jit.Target, expected: str, excluded: str
) -> None:
    code = Step(*NETWORKS["dense"], "float32", target).text
    assert len(re.findall(expected, code)) > 20
    assert not re.search(excluded, code)
    assert not re.search(r"\bcall\w*\s+(fma|exp|tanh|log|sqrt)f?\b", code)
