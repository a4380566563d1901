"""Layers write the text of a network, and the text is one that a person could have written."""

import pytest

import whygrad as wg
from whygrad.language.printing import equation_text
from whygrad.network.layers import ACTIVATIONS

CLASSIFIER = """\
given x[n,i], y[n] in k
batch n
size j = 16, k = 3
param w1[i,j] ~ glorot, b1[j] ~ zeros
param w2[j,k] ~ glorot, b2[k] ~ zeros
z1[n,j] = sum[i](x[n,i] * w1[i,j]) + b1[j]
a1[n,j] = tanh(z1[n,j])
z2[n,k] = sum[j](a1[n,j] * w2[j,k]) + b2[k]
yhat[n,k] = softmax[k](z2[n,k])
J = mean[n](-log(yhat[n, y[n]]))
minimize J
predict yhat
"""


def equations(net: wg.Network) -> list[str]:
    return [equation_text(e) for e in net.system.equations]


def test_a_classifier_reads_as_in_a_paper() -> None:
    net = wg.Sequential([wg.Dense(16, "tanh"), wg.Dense(3, "softmax")], cost="cross_entropy")
    assert net.system == wg.parse(CLASSIFIER)


def test_text_is_read_back_and_edited() -> None:
    net = wg.Sequential([wg.Dense(4, "relu"), wg.Dense(4, "relu"), wg.Dense(2)], cost="huber")
    assert wg.Network(str(net)).system == net.system
    edited = str(net).replace("relu", "gelu")
    assert "a2[n,j2] = gelu(z2[n,j2])" in equations(wg.Network(edited))


def test_several_hidden_layers_number_their_indices() -> None:
    layers = [wg.Dense(5, "tanh"), wg.Dense(4, "tanh"), wg.Dense(3)]
    net = wg.Sequential(layers, cost="half_squared_error")
    assert equations(net)[:4] == [
        "z1[n,j1] = sum[i](x[n,i] * w1[i,j1]) + b1[j1]",
        "a1[n,j1] = tanh(z1[n,j1])",
        "z2[n,j2] = sum[j1](a1[n,j1] * w2[j1,j2]) + b2[j2]",
        "a2[n,j2] = tanh(z2[n,j2])",
    ]


def test_logits_are_predicted_as_probabilities_and_costed_as_logits() -> None:
    many = wg.Sequential([wg.Dense(3)], cost="cross_entropy")
    assert "yhat[n,k] = softmax[k](z1[n,k])" in equations(many)
    assert "J = mean[n](logsumexp[k](z1[n,k]) - z1[n, y[n]])" in equations(many)
    one = wg.Sequential([wg.Dense(1)], cost="binary_cross_entropy")
    assert "yhat[n,k] = sigmoid(z1[n,k])" in equations(one)
    assert "J = mean[n](sum[k](softplus(z1[n,k]) - y[n,k] * z1[n,k]))" in equations(one)


def test_without_bias_and_activation_lines_fall_away() -> None:
    net = wg.Sequential([wg.Dense(2, bias=False), wg.Dense(1)], cost="squared_error")
    assert equations(net)[:2] == [
        "z1[n,j] = sum[i](x[n,i] * w1[i,j])",
        "z2[n,k] = sum[j](z1[n,j] * w2[j,k]) + b2[k]",
    ]
    assert set(net.system.tensors) >= {"w1", "w2", "b2"}
    assert "b1" not in net.system.tensors


@pytest.mark.parametrize(
    ("layer", "initialiser"),
    [
        (wg.Dense(2, "relu"), "glorot"),
        (wg.Dense(2, "tanh"), "glorot"),
        (wg.Dense(2), "glorot"),
        (wg.Dense(2, "relu", initialiser="he"), "he"),
    ],
)
def test_weights_are_drawn_by_glorot_unless_told(layer: wg.Dense, initialiser: str) -> None:
    net = wg.Sequential([layer, wg.Dense(1)], cost="squared_error")
    declaration = net.system.tensors["w1"].declaration
    assert declaration is not None and declaration.draw is not None
    assert declaration.draw.name == initialiser


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_every_activation_makes_a_network(activation: str) -> None:
    net = wg.Sequential([wg.Dense(3, activation), wg.Dense(2)], cost="half_squared_error")
    assert wg.parse(str(net)) == net.system


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: wg.Dense(3, "tahn"), "did you mean 'tanh'"),
        (lambda: wg.Dense(3, initialiser="glorott"), "did you mean 'glorot'"),
        (lambda: wg.Dense(0), "from 1 on, not 0"),
        (lambda: wg.Dense(2.5), "whole number"),
        (lambda: wg.Dense(True), "whole number from 1 on, not True"),
        (lambda: wg.Dense(3, ["a"]), r"unknown activation \['a'\]"),
        (lambda: wg.Dense(3, bias="no"), "bias has to be True or False, not 'no'"),
        (lambda: wg.Sequential(wg.Dense(3), cost="huber"), "layers stand in a list"),
        (lambda: wg.Sequential([wg.Dense], cost="huber"), "is no layer: write for example"),
        (lambda: wg.Sequential([wg.Dense(1)], cost=["a"]), r"unknown cost \['a'\]"),
        (lambda: wg.Sequential([], cost="huber"), "at least one layer"),
        (lambda: wg.Sequential([16, 3], cost="huber"), "16 is no layer"),
        (lambda: wg.Sequential([wg.Dense(1)], cost="hube"), "did you mean 'huber'"),
        (lambda: wg.Sequential([wg.Dense(1)], cost="cross_entropy"), "binary_cross_entropy"),
        (
            lambda: wg.Sequential([wg.Dense(3, "relu")], cost="cross_entropy"),
            "end the last layer in softmax",
        ),
        (
            lambda: wg.Sequential([wg.Dense(3, "tanh")], cost="binary_cross_entropy"),
            "end the last layer in sigmoid or softmax",
        ),
    ],
)
def test_what_makes_no_network_says_what_would(make, message: str) -> None:
    with pytest.raises(wg.WhygradError, match=message):
        make()
