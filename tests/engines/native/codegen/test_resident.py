"""What a step updates lives in memory of the engine's own between the steps of a call."""

from __future__ import annotations

import numpy as np
import pytest
from tests.engines.native.codegen.running import lowered, nests, plan_of

from whygrad.engines.native.codegen.resident import resident
from whygrad.engines.native.jit import X86, Target, host
from whygrad.engines.native.plan import Loop, Nest, Plan, Scatter

NAMES = {"w": "w·own"}


def renamed(plan: Plan) -> str:
    return str(resident(plan, NAMES))


def test_it_is_renamed_wherever_it_is_read_or_written() -> None:
    text = """
        given w[i], x[i]
        y[i] = w[i] * x[i] + w[w[0]]
        s = sum[i | w[i] > 0](w[i])
        """
    plan, _ = nests(text, i=5)
    assert renamed(plan) == (
        "for i\n  y[i] = w·own[i] * x[i] + w·own[w·own[0]]\n"
        "once\n  s = sum[i | w·own[i] > 0](w·own[i])\n"
    )
    assert resident(plan, NAMES).axes["w·own"] == ("i",)


def test_also_in_loops_and_scatters() -> None:
    plan, system = nests("given x[i], c[i]\nw[i] = x[i] * 2", i=5)
    (nest,) = plan.parts
    assert isinstance(nest, Nest)
    (step,) = nest.steps
    scatter = Scatter("w", ("i",), ("i",), step.subscripts, step.value)
    both = plan_of([Loop("i", 1, (nest, scatter))], system, {"i": 5})
    assert renamed(both).count("w·own[i]") == 2
    assert resident(both, NAMES).results == {"w": "w·own"}


TEXT = """
    given x
    param a ~ zeros, b[i] ~ zeros, c[i,j] ~ zeros, d[i,j,k] ~ zeros
    J = x
    a <- a + 1
    b[i] <- b[i] + i
    c[i,j] <- c[i,j] * 2
    d[i,j,k] <- d[i,j,k]
    minimize J
    """


@pytest.mark.parametrize("target", [host(), X86], ids=["here", "x86-64"])
@pytest.mark.parametrize(
    "sizes", [(1, 1, 1), (2, 3, 5), (3, 1, 16), (1, 9, 17), (4, 5, 8)], ids=str
)
def test_everything_comes_back_as_it_went(target: Target, sizes: tuple[int, int, int]) -> None:
    """Of every number of axes, padded and not, in one thread and in two."""
    i, j, k = sizes
    compiled = lowered(TEXT, True, target, "float64", i=i, j=j, k=k)
    rng = np.random.default_rng(i)
    shapes = {"a": (), "b": (i,), "c": (i, j), "d": (i, j, k), "x": ()}
    arrays = {n: rng.normal(size=s) for n, s in shapes.items()}
    for threads in (1, 2):
        found = compiled.run(arrays, threads=threads)
        np.testing.assert_array_equal(found["a"], arrays["a"] + 1)
        np.testing.assert_array_equal(found["b"], arrays["b"] + np.arange(i))
        np.testing.assert_array_equal(found["c"], arrays["c"] * 2)
        np.testing.assert_array_equal(found["d"], arrays["d"])
