"""What the chain rule gives, in the words in which it is read."""

from __future__ import annotations

from math import exp

import numpy as np
import pytest
import sympy

import whygrad as wg
from whygrad.calculus import derive
from whygrad.engines.reference import ReferenceEngine
from whygrad.language.parsing import parse

TWO_NODES = """
given x, y
param w1 ~ zeros, b1 ~ zeros, w2 ~ zeros, b2 ~ zeros
z1 = w1 * x + b1
a1 = sigmoid(z1)
z2 = w2 * a1 + b2
yhat = sigmoid(z2)
J = (yhat - y)**2 / 2
minimize J
"""

VALUES = {"x": 2.0, "y": 0.0, "w1": 0.4, "b1": -0.3, "w2": 1.2, "b2": 0.1}

CLASSES = """
given x[n,i], y[n] in k
param w[i,k] ~ zeros
z[n,k] = sum[i](x[n,i] * w[i,k])
yhat[n,k] = softmax[k](z[n,k])
J = mean[n](-log(yhat[n, y[n]]))
minimize J
"""


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


def test_the_two_node_network_by_hand() -> None:
    def sigma(z: float) -> float:
        return 1 / (1 + exp(-z))

    v = VALUES
    a1 = sigma(v["w1"] * v["x"] + v["b1"])
    yhat = sigma(v["w2"] * a1 + v["b2"])
    delta2 = (yhat - v["y"]) * yhat * (1 - yhat)
    delta1 = delta2 * v["w2"] * a1 * (1 - a1)
    expected = {"δw2": delta2 * a1, "δb2": delta2, "δw1": delta1 * v["x"], "δb1": delta1}
    system = derive(parse(TWO_NODES)).simplified_system
    arrays = {name: np.asarray(value) for name, value in v.items()}
    got = ReferenceEngine().compile(system, {}, list(expected)).run(arrays)
    assert {name: float(got[name]) for name in expected} == pytest.approx(expected, rel=1e-14)


def test_the_factors_of_a_derivative_stand_in_the_order_of_the_lecture() -> None:
    d = derive(parse(TWO_NODES))
    assert str(d["w2"].chain) == "δw2 = δz2 * a1"
    assert str(d["w2"].route) == "δw2 = δyhat * yhat * (1 - yhat) * a1"
    assert str(d["z1"].chain) == "δz1 = δz2 * w2 * a1 * (1 - a1)"
    printed = lines(str(d))
    assert "δz2 = δyhat * σ'(z2)" in printed
    assert "δz1 = δz2 * w2 * σ'(z1)" in printed


@pytest.mark.parametrize(
    ("cost", "expected"),
    [
        ("(yhat - y)**2 / 2", "δyhat = yhat - y"),
        ("(y - yhat)**2 / 2", "δyhat = yhat - y"),
    ],
)
def test_half_the_squared_error(cost: str, expected: str) -> None:
    text = TWO_NODES.replace("(yhat - y)**2 / 2", cost)
    assert str(derive(parse(text))["yhat"].simplified) == expected


def test_sigmoid_with_binary_cross_entropy() -> None:
    cost = "-(y * log(yhat) + (1 - y) * log(1 - yhat))"
    d = derive(parse(TWO_NODES.replace("(yhat - y)**2 / 2", cost)))
    assert str(d["z2"].simplified) == "δz2 = yhat - y"


def test_softmax_with_cross_entropy() -> None:
    d = derive(parse(CLASSES))
    assert str(d["z"].simplified) == "δz[n,k] = (yhat[n,k] - [k == y[n]]) / size(n)"
    assert str(d["w"].chain) == "δw[i,k] = sum[n](δz[n,k] * x[n,i])"


def test_a_derived_system_is_a_text() -> None:
    for system in (derive(parse(CLASSES)).system, derive(parse(CLASSES)).simplified_system):
        assert parse(str(system)) == system


def test_latex_shows_the_slope_as_a_lecturer_writes_it() -> None:
    latex = derive(parse(TWO_NODES)).latex()
    assert r"\sigma'\left(z^{(2)}\right)" in latex
    assert latex.count("{") == latex.count("}")


def test_deriving_again_gives_the_hessian() -> None:
    """Each row of it from the system derived twice, against SymPy."""
    first = derive(parse(TWO_NODES))
    names = ["w1", "b1", "w2", "b2"]
    symbols = {name: sympy.Symbol(name) for name in VALUES}
    s = symbols

    def sigma(z: sympy.Expr) -> sympy.Expr:
        return 1 / (1 + sympy.exp(-z))

    yhat = sigma(s["w2"] * sigma(s["w1"] * s["x"] + s["b1"]) + s["b2"])
    hessian = sympy.hessian((yhat - s["y"]) ** 2 / 2, [s[n] for n in names])
    numbers = hessian.subs({symbols[n]: value for n, value in VALUES.items()}).evalf(30)
    arrays = {name: np.asarray(value) for name, value in VALUES.items()}
    for row, name in enumerate(names):
        again = derive(first.simplified_system, wrt=names, cost=f"δ{name}")
        wanted = [again.mark + n for n in names]
        assert wanted[0] == "δδw1"
        for system in (again.system, again.simplified_system):
            assert parse(str(system)) == system
            got = ReferenceEngine().compile(system, {}, wanted).run(arrays)
            expected = [float(numbers[row, column]) for column in range(4)]
            assert [float(got[w]) for w in wanted] == pytest.approx(expected, rel=1e-11)


def test_a_parameter_that_the_cost_does_not_reach_is_pointed_out() -> None:
    with pytest.warns(UserWarning, match="b9"):
        net = wg.Network(TWO_NODES.replace("b2 ~ zeros", "b2 ~ zeros, b9 ~ zeros"))
    assert str(net.derive()["b9"].simplified) == "δb9 = 0"


@pytest.mark.parametrize(
    ("text", "wrt", "message"),
    [
        (TWO_NODES.replace("minimize J", ""), None, "minimize"),
        (TWO_NODES, ["w7"], "w7"),
    ],
)
def test_what_cannot_be_derived(text: str, wrt: list[str] | None, message: str) -> None:
    with pytest.raises(wg.WhygradError, match=message):
        derive(parse(text), wrt=wrt)
