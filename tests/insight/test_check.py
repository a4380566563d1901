"""`check`: right derivatives agree, wrong ones are found, and kinks are called kinks."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from tests.insight.ask import everything, network
from tests.systems.catalogue import KNOWN

import whygrad as wg
from whygrad.insight import Report
from whygrad.insight.differences import extrapolated, halvings
from whygrad.language.functions import FUNCTIONS


def check(text: str, params: dict[str, object] | None = None, **data: object) -> Report:
    net = wg.Network(f"{text}\nminimize J")
    net.init(data=data)
    for name, value in (params or {}).items():
        net.params[name] = np.asarray(value, float)
    return net.check(data=data)


@pytest.mark.parametrize("name", KNOWN)
def test_every_derivative_of_the_known_networks_agrees(name: str) -> None:
    net, data = network(name)
    for training in (False, True):
        report = net.check(data=data, training=training, seed=3)
        assert report.verdict == "all agree", str(report)
        assert report.worst < 1e-6
        assert [r.compared for r in report.results] == [r.total for r in report.results]


@pytest.mark.parametrize("name", ["classification", "gru", "bidirectional", "pooling_max"])
def test_so_do_those_of_data_inner_tensors_and_starts(name: str) -> None:
    net, data = network(name)
    report = net.check(wrt=everything(name, net), data=data)
    assert report.verdict == "all agree", str(report)


@pytest.mark.parametrize(
    ("function", "wrong"),
    [("tanh", "1 - a**3"), ("sigmoid", "a"), ("relu", "1"), ("exp", "1.00001 * a")],
)
def test_a_planted_wrong_derivative_is_found(
    function: str, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FUNCTIONS, function, replace(FUNCTIONS[function], derivatives=(wrong,)))
    report = check(
        f"given x[n]\nparam w ~ ones, b ~ zeros\nJ = mean[n]({function}(w * x[n] + b))",
        x=[0.3, -0.4, 1.2],
    )
    assert not report.ok
    assert {r.name for r in report.results if r.wrong} == {"w", "b"}
    assert "derived" in str(report) and report.verdict == "the derivatives do not agree"


@pytest.mark.parametrize(
    ("cost", "params"),
    [
        ("mean[n](relu(w * x[n]))", {"w": 0}),
        ("mean[n](abs(w * x[n]))", {"w": 0}),
        ("mean[n](max(0, 1 - w * x[n]))", {"w": 1}),
        ("mean[n](max(0, 1 - w * x[n]))", {"w": 1 + 1e-9}),
        ("mean[n](where(w * x[n] > 1, 1, 0))", {"w": 1}),
    ],
)
def test_kinks_are_kinks_not_errors(cost: str, params: dict[str, object]) -> None:
    report = check(f"given x[n]\nparam w ~ ones\nJ = {cost}", params, x=[1.0, 0.5])
    (result,) = report.results
    assert report.ok
    assert result.kinks == ["w"]
    assert "1 at a kink" in str(report)


def test_a_tie_of_the_largest_is_a_kink_for_those_that_tie() -> None:
    report = check(
        "given x\nparam w[k] ~ ones\nsize k = 3\nJ = max[k](w[k]) * x", {"w": [1, 2, 2]}, x=1.0
    )
    (result,) = report.results
    assert result.kinks == ["w[1]", "w[2]"]


def test_standing_on_a_kink_that_an_entry_does_not_move_is_none() -> None:
    report = check("given x[n]\nparam w ~ ones\nJ = mean[n](relu(w * x[n]))", x=[0.0, 0.0, 1.0])
    assert report.verdict == "all agree"
    assert not report.results[0].kinks


@pytest.mark.parametrize(("factor", "ok"), [("1", True), ("1.001", False)])
def test_a_small_slope_beside_a_large_cost_is_still_seen(
    factor: str, ok: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plain difference with the usual step knows 1e-7 of it to 4 digits at most."""
    row = replace(FUNCTIONS["sin"], derivatives=(f"{factor} * cos(x)",))
    monkeypatch.setitem(FUNCTIONS, "sin", row)
    report = check(
        "given x[n]\nparam w ~ ones\nJ = 1 + 0.0000001 * mean[n](sin(w * x[n]))", x=[1.0]
    )
    assert report.ok is ok
    assert not report.results[0].unclear


def test_a_slope_that_rounding_hides_is_called_unclear() -> None:
    report = check("given x\nparam w ~ ones\nJ = 1 + 1e-18 * (w * x)**2", x=1.0)
    assert report.ok
    assert report.results[0].unclear == ["w"]
    assert report.verdict == "all agree, as far as differences can tell"


def test_large_inputs_make_no_false_alarm() -> None:
    report = check("given x[n]\nparam w ~ ones\nJ = mean[n](sin(w * x[n]))", x=[1e6, 2e6])
    assert report.verdict == "all agree"


@pytest.mark.filterwarnings("ignore:the cost J does not depend")
def test_a_cost_that_does_not_depend_on_a_parameter_agrees_at_0() -> None:
    report = check("given x\nparam w ~ ones, u ~ ones\nJ = w * x", x=2.0)
    assert report.verdict == "all agree"


def test_beyond_ten_thousand_weights_it_samples_and_says_so() -> None:
    rng = np.random.default_rng(0)
    data = {"x": rng.normal(size=(5, 120)), "y": rng.integers(0, 3, size=5)}
    net = wg.Sequential([wg.Dense(90, "tanh"), wg.Dense(3)], cost="cross_entropy")
    report = net.init(seed=0, data=data).check(data=data)
    assert "20 random directions" in report.method and "100 sampled entries" in report.method
    compared = {r.name: (r.compared, r.total) for r in report.results}
    assert compared["random directions"] == (20, 20)
    assert compared["w1"] == (100, 10_800)
    assert compared["b2"] == (3, 3)
    assert report.verdict == "all agree"


def test_whole_numbers_and_the_cost_cannot_be_checked() -> None:
    net, data = network("classification")
    with pytest.raises(wg.WhygradError, match="whole numbers"):
        net.check(wrt="y", data=data)
    net, data = network("dropout")
    with pytest.raises(wg.WhygradError, match="drawn anew"):
        net.check(wrt="keep", data=data, training=True)


def test_extrapolation_knows_its_own_error() -> None:
    def steep(t: float) -> float:
        return math.log(0.0017 + t) if t > -0.0017 else math.nan

    for f, slope in ((math.exp, 1.0), (steep, 1 / 0.0017)):
        found = extrapolated(f, halvings(0.1), 0)
        assert abs(found.value - slope) <= 4 * found.error
        assert found.error < 1e-9 * slope


@pytest.mark.parametrize("wrt", [[], "J"])
def test_where_there_is_nothing_to_compare_nothing_is_said_to_agree(wrt: object) -> None:
    net = wg.Network("given x[n]\nparam w ~ ones\nJ = mean[n](w * x[n])\nminimize J").init(x=[1, 2])
    with pytest.raises(wg.WhygradError):
        net.check(x=[1, 2], wrt=wrt)
