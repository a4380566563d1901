"""`attempt`: what is right is recognised in many forms, and each mistake is called by its name."""

from __future__ import annotations

import numpy as np
import pytest
from tests.insight.ask import network

import whygrad as wg


@pytest.mark.parametrize(
    ("name", "equation"),
    [
        ("classification", "δz2[n,k] = (yhat[n,k] - [k == y[n]]) / size(n)"),
        ("classification", "δz2[n,k] = sum[m](δyhat[n,m] * yhat[n,m] * ([m == k] - yhat[n,k]))"),
        ("classification", "δz1[n,j] = sum[k](δz2[n,k] * w2[j,k] * (1 - tanh(z1[n,j])**2))"),
        ("classification", "d_w2[j,k] = sum[n](d_z2[n,k] * a1[n,j])"),
        ("classification", "δw2[a,b] = sum[m](δz2[m,b] * a1[m,a])"),
        ("two_nodes", "δw2 = (yhat - y) * yhat * (1 - yhat) * a1"),
        ("two_nodes", "δz1 = δz2 * w2 * a1 * (1 - a1)"),
        ("convolution_padded", "δb[o] = sum[q,p,n](δz[n,o,p,q])"),
        ("lstm", "δc[-1,n,j] = δc[0,n,j] * f[0,n,j]"),
        ("lstm", "δug[l,j] = sum[t,n](δg.z[n,t,j] * h[t-1,n,l])"),
        ("embedding", "δtable[v,d] = sum[n,t](δtext[n,d] * [word[n,t] == v]) / size(t)"),
        ("attention", "δv[n,a,u,e] = sum[t](δmixed[n,a,t,e] * share[n,a,t,u])"),
    ],
)
def test_the_right_answer_in_other_words(name: str, equation: str) -> None:
    net, data = network(name)
    verdict = net.attempt(equation, data=data)
    assert verdict.right and verdict.symbolic, str(verdict)


def test_where_algebra_does_not_show_it_the_values_do_and_it_says_so() -> None:
    net, data = network("two_nodes")
    verdict = net.attempt("δz2 = (yhat - y) * σ(z2) * σ(-z2)", data=data)
    assert verdict.right and not verdict.symbolic
    assert "agrees with the derived one by its values" in str(verdict)


@pytest.mark.parametrize(
    ("equation", "findings"),
    [
        ("δz2[n,k] = (yhat[n,k] - [k == y[n]]) * a1[n,k] / size(n)", ["a1[n,k] is too much"]),
        ("δz2[n,k] = yhat[n,k] - [k == y[n]]", ["1/N (that is 1/size(n)) is missing"]),
        ("δb1[j] = sum[n](δz1[n,j]) / size(n)", ["1/N is too much"]),
        ("δz2[n,k] = ([k == y[n]] - yhat[n,k]) / size(n)", ["the sign is wrong"]),
        ("δz1[n,j] = sum[k](δz2[n,k] * w2[j,k])", ["tanh'(z1[n,j]) is missing"]),
        ("δz1[n,j] = sum[k](δz2[n,k]) * (1 - a1[n,j]**2)", ["w2[j,k] is missing"]),
        ("δw2[j,k] = δz2[n,k] * a1[n,j]", ["a sum over n is missing"]),
        ("δb2[k] = sum[n,j](δz2[n,k])", ["the sum over j is too much"]),
        ("δw2[j,k] = mean[n](δz2[n,k] * a1[n,j])", ["the mean over n should be a sum"]),
        (
            "δz1[n,j] = sum[k](δz2[n,k] * w2[k,j]) * (1 - a1[n,j]**2)",
            ["a wrong index: w2[j,k] belongs where w2[k,j] stands"],
        ),
        ("δw2[j,k] = sum[n](δz2[n,k] * z1[n,j])", ["a1[n,j] belongs where z1[n,j] stands"]),
        ("δw2[j,k] = sum[n](δz2[n,k] * x[n,i])", ["a1[n,j] belongs where x[n,i] stands"]),
        (
            "δz2[n,k] = (yhat[n,k] - [k == y[n]]) * a1[n,k]",
            ["a1[n,k] is too much", "1/N (that is 1/size(n)) is missing"],
        ),
        (
            "δz1[n,j] = δz2[n,k] * w2[j,k]",
            ["a sum over k is missing", "tanh'(z1[n,j]) is missing"],
        ),
    ],
)
def test_each_mistake_by_its_name(equation: str, findings: list[str]) -> None:
    net, data = network("classification")
    verdict = net.attempt(equation, data=data)
    assert not verdict.right
    assert list(verdict.findings) == findings
    assert verdict.expected in str(verdict)


@pytest.mark.parametrize(
    ("name", "equation", "finding"),
    [
        ("two_nodes", "δw2 = (yhat - y) * a1", "σ'(z2) is missing"),
        ("two_nodes", "δw1 = δz1 * a1", "x belongs where a1 stands"),
        (
            "lstm",
            "δc[t,n,j] = δh[t,n,j] * o[t,n,j] * (1 - tanh(c[t,n,j])**2)",
            "the term δc[pad(t+1), n, j] · f[pad(t+1), n, j] · [t + 1 < T] is missing",
        ),
        (
            "convolution_padded",
            "δz[n,o,p,q] = δyhat[n] * w2[o,p,q]",
            "relu'(z[n,o,p,q]) is missing",
        ),
    ],
)
def test_mistakes_in_other_networks(name: str, equation: str, finding: str) -> None:
    net, data = network(name)
    assert net.attempt(equation, data=data).findings == (finding,)


def test_a_coincidence_in_the_data_does_not_make_it_right() -> None:
    """With one sample 1/N is 1; with zeros everything is."""
    net, _ = network("classification")
    for data in (
        {"x": np.ones((1, 3)), "y": np.array([0])},
        {"x": np.zeros((4, 3)), "y": np.array([0, 1, 2, 0])},
    ):
        assert not net.attempt("δz2[n,k] = yhat[n,k] - [k == y[n]]", data=data).right
        assert not net.attempt("δw1[i,j] = 0", data=data).right
        assert net.attempt("δw2[j,k] = sum[n](δz2[n,k] * a1[n,j])", data=data).right


@pytest.mark.parametrize(
    ("equation", "message"),
    [
        ("δw2[j,k] = sum[n](δz2[n,k] * a9[n,j])", r"a9'(.|\n)*\^\^"),
        ("δw2[j,k] = sum[n](δz2[n,k]", r"never closed(.|\n)*\^"),
        ("garbage!!", r"\^"),
        ("", "nothing to read"),
        ("w2[j,k] = 1", "its derivative is δw2"),
        ("δw9[j,k] = 1", "did you mean"),
        ("δw2[k,j] = 1", r"the left side is δw2\[j,k\]"),
        ("δw2[j,k] = δw2[j,k]", "on both sides"),
        ("δy[n] = 1", "whole numbers"),
        (3, "is a text"),
    ],
)
def test_what_is_no_derivative_is_refused(equation: str, message: str) -> None:
    net, data = network("classification")
    with pytest.raises(wg.WhygradError, match=message):
        net.attempt(equation, data=data)
