"""What the reference engine promises beyond right numbers: memory, work, and quick parts."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from tests.engines.cases import CASES, Case

from whygrad.engines.reference import ReferenceEngine, ReferenceProgram, evaluate, execute
from whygrad.language.parsing import parse, parse_expression
from whygrad.language.sizes import infer_sizes

MEBIBYTE = 2**20


def compiled(text: str, *wanted: str, dtype: str = "float64", **sizes: int) -> ReferenceProgram:
    system = parse(text)
    return ReferenceEngine().compile(system, infer_sizes(system, sizes), wanted, dtype)


def zeros(program: ReferenceProgram, text: str, **sizes: int) -> dict[str, np.ndarray]:
    system = parse(text)
    found = infer_sizes(system, sizes)
    return {
        t.name: np.ones([found[i] for i in t.indices])
        for t in system.tensors.values()
        if t.kind != "equation"
    }


# Memory


@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.name)
def test_blocks_do_not_change_what_comes_out(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = [*case.system.definitions]
    whole = ReferenceEngine().compile(case.system, case.all_sizes, wanted).run(case.arrays)
    monkeypatch.setattr(execute, "LEAST_LIMIT", 64)
    monkeypatch.setattr(execute, "TENSORS", 0)
    blocks = ReferenceEngine().compile(case.system, case.all_sizes, wanted).run(case.arrays)
    for name in wanted:
        assert blocks[name] == pytest.approx(whole[name], rel=1e-12, abs=1e-12, nan_ok=True), name


HUNGRY = {
    "a distance between all pairs": (
        "given x[n,i], c[m,i]\nd[n,m] = sum[i](abs(x[n,i] - c[m,i]))",
        {"n": 1000, "m": 300, "i": 100},
    ),
    "a maximum over all pairs": (
        "given x[n,i], c[m,i]\nd[n,m] = max[i](x[n,i] - c[m,i])",
        {"n": 1000, "m": 300, "i": 100},
    ),
    "a sum over everything": (
        "given x[n], y[m]\ns = sum[n,m](exp(-(x[n] - y[m])**2))",
        {"n": 8000, "m": 8000},
    ),
    "logsumexp and argmax over everything": (
        "given x[n], y[m]\n"
        "s = logsumexp[n,m](-abs(x[n] - y[m]))\np = argmax[n,m](x[n] - y[m] * y[m])",
        {"n": 8000, "m": 8000},
    ),
    "the patches of a convolution": (
        "given x[n,c,u,v]\nparam w[o,c,r,s] ~ he\n"
        "y[n,o,p,q] = sum[c,r,s](x[n,c,p+r,q+s] * w[o,c,r,s])",
        {"n": 64, "c": 16, "u": 36, "v": 36, "o": 8, "r": 5, "s": 5},
    ),
    "the derivative of its weights": (
        "given x[n,c,u,v], d[n,o,p,q]\nsize p = 32, q = 32\n"
        "y[o,c,r,s] = sum[n,p,q](x[n,c,p+r,q+s] * d[n,o,p,q])",
        {"n": 64, "c": 16, "u": 36, "v": 36, "o": 8, "r": 5, "s": 5},
    ),
    "a strided convolution backwards": (
        "given d[n,o,p,q]\nparam w[o,c,r,s] ~ he\nsize a = 35, b = 35\n"
        "y[n,c,a,b] = sum[o,p,q,r,s | 2*p + r == a and 2*q + s == b](d[n,o,p,q] * w[o,c,r,s])",
        {"n": 128, "c": 16, "o": 8, "r": 5, "s": 5, "p": 16, "q": 16},
    ),
    "a subscript that soon leaves the axis": (
        "given x[i]\ny[i] = x[pad(100000 * i)] + x[pad(i - 100000 * size(i))]",
        {"i": 1000},
    ),
    "lookups": (
        "given d[n,e], word[n] in v\ng[v,e] = sum[n | word[n] == v](d[n,e])\n"
        "h[n,m] = sum[e](d[(n*m) // size(m), e] * d[n,e])",
        {"n": 2000, "e": 64, "v": 500, "m": 800},
    ),
}


@pytest.mark.parametrize(("text", "sizes"), HUNGRY.values(), ids=HUNGRY)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_no_array_is_larger_than_is_allowed(text: str, sizes: dict[str, int], dtype: str) -> None:
    system = parse(text)
    program = compiled(text, *system.definitions, dtype=dtype, **sizes)
    arrays = zeros(program, text, **sizes)
    tracemalloc.start()
    found = program.run(arrays)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    largest = max(a.nbytes for a in (*arrays.values(), *found.values()))
    allowed = max(4 * largest, 64 * MEBIBYTE)
    assert program.largest_array <= allowed
    assert peak <= 4 * allowed  # all arrays together, as Python counts them


# Work


def test_a_product_of_matrices_costs_one_multiplication_for_each_triple() -> None:
    program = compiled("given x[n,i], w[i,j]\nz[n,j] = sum[i](x[n,i] * w[i,j])", "z", n=5, i=4, j=3)
    program.run({"x": np.ones((5, 4)), "w": np.ones((4, 3))})
    assert program.multiplications == 5 * 4 * 3


def test_a_product_of_three_is_taken_in_the_cheaper_order() -> None:
    text = "given a[i,j], b[j,k], c[k]\nz[i] = sum[j,k](a[i,j] * b[j,k] * c[k])"
    program = compiled(text, "z", i=50, j=40, k=30)
    program.run(zeros(program, text, i=50, j=40, k=30))
    assert program.multiplications == 40 * 30 + 50 * 40


def test_an_embedding_sends_back_no_more_than_was_looked_up() -> None:
    text = "given d[n,e], word[n] in v\ng[v,e] = sum[n | word[n] == v](2 * d[n,e])"
    program = compiled(text, "g", n=100, e=8, v=50_000)
    program.run({"d": np.ones((100, 8)), "word": np.arange(100)})
    assert program.multiplications == 100 * 8


def test_a_strided_convolution_costs_backwards_what_it_costs_forwards() -> None:
    text = """
    given x[n,c,u], d[n,o,p], w[o,c,r]
    size p = 10, a = size(u)
    y[n,o,p] = sum[c,r](x[n, c, 2*p + r] * w[o,c,r])
    dx[n,c,a] = sum[o,p,r | 2*p + r == a](d[n,o,p] * w[o,c,r])
    dw[o,c,r] = sum[n,p](d[n,o,p] * x[n, c, 2*p + r])
    """
    sizes = {"n": 3, "c": 4, "o": 5, "r": 3, "u": 21}
    for name in ("y", "dx", "dw"):
        program = compiled(text, name, **sizes)
        program.run(zeros(program, text, **sizes))
        assert program.multiplications == 3 * 4 * 5 * 3 * 10


def test_a_loop_computes_what_it_does_not_change_once() -> None:
    text = """
    given x[t,i], y[i]
    param w[i,j] ~ he
    h[t,j] = h[pad(t-1), j] + sum[i](x[t,i] * w[i,j]) + sum[i](y[i] * w[i,j])
    """
    program = compiled(text, "h", t=100, i=7, j=5)
    program.run(zeros(program, text, t=100, i=7, j=5))
    assert program.multiplications == 100 * 7 * 5 + 7 * 5


def test_a_part_that_occurs_twice_is_computed_once() -> None:
    text = "given x[n,i], w[i]\ny[n] = sum[i](x[n,i]*w[i]) + exp(sum[i](x[n,i]*w[i]))"
    program = compiled(text, "y", n=10, i=6)
    program.run(zeros(program, text, n=10, i=6))
    assert program.multiplications == 10 * 6 + 10


# Parts


def test_a_part_of_an_expression_is_read_off_the_tensors() -> None:
    text = """
    given x[n,i]
    size u = 3
    param w[i,j] ~ he
    z[n,j] = sum[i](x[n,i] * w[i,j])
    h[n] = h[n-1] + x[n,0]
    h[-1] = 0
    """
    system = parse(text)
    rng = np.random.default_rng(0)
    tensors = {"x": rng.normal(size=(5, 4)), "w": rng.normal(size=(4, 3))}
    sizes = infer_sizes(system, {}, {n: a.shape for n, a in tensors.items()})
    tensors |= ReferenceEngine().compile(system, sizes, ["z", "h"]).run(tensors)

    def part(text: str, **ranges: range) -> np.ndarray:
        expression = parse_expression(text, tuple(ranges))
        array, names = evaluate(expression, ranges, tensors, system, sizes)
        assert names == tuple(ranges)
        return array

    x, w, z, h = (tensors[n] for n in "xwzh")
    assert np.array_equal(part("x[n,i] * w[i,1]", n=range(2, 3), i=range(4)), x[2:3] * w[:, 1])
    assert part("z[n,j] - sum[i](x[n,i] * w[i,j])", n=range(1, 3), j=range(2, 3)) == pytest.approx(
        np.zeros((2, 1)), abs=1e-14
    )
    assert np.array_equal(part("h[n-1]", n=range(0, 2)), h[0:2])
    share = np.exp(z[4]) / np.exp(z[4]).sum()
    found = part("softmax[j](z[n,j])", n=range(4, 5), j=range(1, 3))
    assert found == pytest.approx(share[None, 1:])
    assert part("relu(-x[n,i])", n=range(5), i=range(1)) == pytest.approx(np.maximum(0, -x[:, :1]))
