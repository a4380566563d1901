"""Each function, reduction, power and kink, on its own, against JAX and against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from tests.oracle.agreement import disagreements, evaluate
from tests.oracle.differences import central_differences
from tests.oracle.jax_twin import Twin

from whygrad.calculus import derive
from whygrad.language.functions import FUNCTIONS
from whygrad.language.parsing import parse

POSITIVE = {"log", "sqrt"}
SMOOTH = [name for name, f in FUNCTIONS.items() if f.arity == 1 and not f.kink]
OF_ONE = [name for name, f in FUNCTIONS.items() if f.arity == 1]
OF_TWO = [name for name, f in FUNCTIONS.items() if f.arity == 2]

ONE = """
given x[n]
a[n] = {}
J = mean[n](a[n] * (a[n] + 2))
minimize J
"""

TWO = """
given x[n], y[n]
a[n] = {}
J = mean[n](a[n] * (a[n] + 2))
minimize J
"""


def points(name: str) -> np.ndarray:
    """Small and large arguments on both sides of 0, or on one where there is but one."""
    x = np.array([0.2, 0.9, 1.0, 2.5, 6.0, 17.0])
    return x if name in POSITIVE else np.concatenate([-x, [0.003], x])


def derivative(text: str, arrays: dict[str, np.ndarray], name: str) -> np.ndarray:
    """The derivative of J by a tensor, in the simplified form."""
    sizes = {"n": len(arrays["x"])}
    derived = derive(parse(text), wrt=[name]).simplified_system
    return evaluate(derived, sizes, arrays, [f"δ{name}"])[f"δ{name}"]


@pytest.mark.parametrize("name", OF_ONE)
def test_function_of_one_argument(name: str) -> None:
    system = parse(ONE.format(f"{name}(x[n])"))
    arrays = {"x": points(name)}
    sizes = {"n": len(arrays["x"])}
    assert [str(d) for d in disagreements(system, sizes, arrays, ["x", "a"])] == []


@pytest.mark.parametrize("name", OF_TWO)
def test_function_of_two_arguments(name: str) -> None:
    system = parse(TWO.format(f"{name}(x[n], y[n])"))
    arrays = {"x": np.array([1.0, -2.0, 0.5]), "y": np.array([0.0, 3.0, 0.4])}
    assert [str(d) for d in disagreements(system, {"n": 3}, arrays, ["x", "y"])] == []


EXPRESSIONS = [
    "x[n]**2",
    "x[n]**3",
    "x[n]**(-1)",
    "x[n]**(-2)",
    "x[n]**0.5",
    "x[n]**(1/3)",
    "2**x[n]",
    "x[n]**x[n]",
    "1 / x[n]",
    "x[n] / (1 + x[n])",
    "where(x[n] > 1, x[n]**2, 2*x[n] - 1)",
    "[x[n] > 1] * log(x[n])",
    "sum[i](x[n]**i)",
    "mean[i](sin(i * x[n]))",
    "max[i](x[n] * (i - 1)**2)",
    "logsumexp[i](i * x[n])",
    "sum[i](i * softmax[i](i * x[n]))",
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_expression(expression: str) -> None:
    system = parse(ONE.format(expression) + "size i = 3\n")
    arrays = {"x": np.array([0.2, 0.7, 1.3, 3.1])}
    sizes = {"n": 4, "i": 3}
    assert [str(d) for d in disagreements(system, sizes, arrays, ["x", "a"])] == []
    twin = Twin(system, sizes)
    expected = central_differences(twin.cost, arrays, "x")
    assert twin.gradients(arrays, ["x"])["x"] == pytest.approx(expected, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("name", OF_ONE)
def test_derivative_is_the_slope_of_the_value(name: str) -> None:
    text = ONE.format(f"{name}(x[n])")
    system, arrays = parse(text), {"x": points(name)}
    sizes = {"n": len(arrays["x"])}

    def cost(arrays: dict[str, np.ndarray]) -> float:
        return float(evaluate(system, sizes, arrays, ["J"])["J"])

    expected = central_differences(cost, arrays, "x")
    scale = 1e-6 * max(1.0, cost(arrays))
    assert derivative(text, arrays, "x") == pytest.approx(expected, rel=1e-6, abs=scale)


@pytest.mark.parametrize("wrt", ["x", "y"])
@pytest.mark.parametrize("name", OF_TWO)
def test_derivative_of_two_arguments_is_the_slope_of_the_value(name: str, wrt: str) -> None:
    text = TWO.format(f"{name}(x[n], y[n])")
    system, sizes = parse(text), {"n": 4}
    arrays = {"x": np.array([0.2, -0.7, 1.3, 3.1]), "y": np.array([0.5, -0.9, 1.1, 4.0])}

    def cost(arrays: dict[str, np.ndarray]) -> float:
        return float(evaluate(system, sizes, arrays, ["J"])["J"])

    expected = central_differences(cost, arrays, wrt)
    assert derivative(text, arrays, wrt) == pytest.approx(expected, rel=1e-6, abs=1e-6)


# At x = 0, where each of them has a kink, J = mean(a (a + 2)) has the slope 2 a' + 2 a a'.
AT_ZERO = {"relu": 0.0, "abs": 0.0, "leaky_relu": 0.01, "elu": 1.0}


@pytest.mark.parametrize(("name", "slope"), AT_ZERO.items())
def test_slope_at_a_kink(name: str, slope: float) -> None:
    got = derivative(ONE.format(f"{name}(x[n])"), {"x": np.zeros(1)}, "x")
    assert got.tolist() == [2 * slope]


def test_every_kink_is_listed() -> None:
    assert {name for name, f in FUNCTIONS.items() if f.arity == 1 and f.kink} <= set(AT_ZERO)


@pytest.mark.parametrize("name", OF_TWO)
def test_a_tie_of_two_goes_to_the_first(name: str) -> None:
    arrays = {"x": np.array([1.0]), "y": np.array([1.0])}
    text = TWO.format(f"{name}(x[n], y[n])")
    assert derivative(text, arrays, "x").tolist() == [4.0]
    assert derivative(text, arrays, "y").tolist() == [0.0]


@pytest.mark.parametrize(
    ("reduction", "winner"), [("max[n](x[n])", 1), ("max[n | n != 1](x[n])", 2)]
)
def test_a_tie_in_a_reduction_goes_to_the_first(reduction: str, winner: int) -> None:
    text = f"given x[n]\nJ = {reduction}\nminimize J\n"
    arrays = {"x": np.array([0.0, 5.0, 5.0, 5.0])}
    assert derivative(text, arrays, "x").tolist() == [float(n == winner) for n in range(4)]
