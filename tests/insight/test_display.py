"""How explanations, reports and verdicts read."""

from __future__ import annotations

import re

from tests.insight.ask import network

import whygrad as wg
from whygrad.insight.display import number_text, share_text


def test_numbers_and_shares() -> None:
    assert number_text(-0.0) == "0"
    assert number_text(-0.0183) == "−0.0183"
    assert number_text(2.0371e-5) == "2.037e−5"
    assert number_text(1e20) == "1e20"
    shares = [share_text(s) for s in (1, 0.571, 0.03, 0.002, 0.00001, 0)]
    assert shares == ["100 %", "57 %", "3 %", "0.2 %", "< 0.01 %", "0 %"]


def test_the_two_nodes_read_from_the_weight_to_the_cost() -> None:
    net, data = network("two_nodes")
    lines = str(net.why("w1", data=data)).splitlines()
    assert lines[0].startswith("∂J/∂w1 = δz1 · x = ")
    assert lines[1].startswith("  δz1 = δz2 · w2 · σ'(z1) = ")
    assert lines[2].startswith("    δz2 = δyhat · σ'(z2) = ")


def test_a_dense_weight_reads_as_in_the_manual() -> None:
    net, data = network("classification")
    shown = str(net.why("w1[0,2]", data=data))
    number = r"\(?−?[\d.e−]+\)?"
    pattern = rf"""∂J/∂w1\[0,2\] = Σ_n δz1\[n,2\] · x\[n,0\] = {number} +4 terms
  n = (\d)    δz1\[\1,2\] · x\[\1,0\] = {number} · {number} = {number} +\(\d+ % .*
    δz1\[\1,2\] = Σ_k δz2\[\1,k\] · w2\[2,k\] · tanh'\(z1\[\1,2\]\) = {number} +3 terms
(      k = \d    .*
){{3}}(  n = \d    .*
){{2}}  the other term: {number}"""
    assert re.fullmatch(pattern, shown), shown


def test_the_right_columns_of_terms_stand_below_each_other() -> None:
    net, data = network("regression")
    lines = str(net.why("w1[0,0]", data=data)).splitlines()
    columns = {line.rindex("(") for line in lines if "magnitude" in line}
    assert len(columns) == 1


def test_a_notebook_shows_html_that_is_escaped_and_latex() -> None:
    net = wg.Network(
        "given x[n]\nparam w ~ ones\nz[n] = where(w * x[n] < 1, w * x[n], 1)\n"
        "J = mean[n](z[n])\nminimize J"
    )
    data = {"x": [0.5, 2.0]}
    net.init(data=data)
    e = net.why("w", data=data)
    html = e._repr_html_()
    assert "&lt; 1" in html and "< 1" not in html
    assert html.count("<details") == html.count("</details>") >= 1
    assert e._repr_latex_().startswith(r"$\displaystyle \begin{aligned}")
    assert r"\frac{\partial J}{\partial w}" in e.latex()
    assert "<table>" in net.check(data=data)._repr_html_()
    verdict = net.attempt("δz[n] = [z[n] < 1]", data=data)
    assert "[z[n] &lt; 1]" in verdict._repr_html_()


def test_latex_of_named_factors() -> None:
    net, data = network("two_nodes")
    assert r"\sigma'" in net.why("z1", data=data).latex()
