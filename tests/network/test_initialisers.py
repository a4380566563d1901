"""Initialisers: their statistics, the fans they are scaled by, and their independence."""

import numpy as np
import pytest

import whygrad as wg
from whygrad.language import checking
from whygrad.network.initialisers import INITIALISERS


def drawn(declaration: str, sizes: dict[str, int], seed: int = 0) -> np.ndarray:
    """One parameter w, read by a dense layer."""
    net = wg.Network(
        f"""
        given x[n,i]
        batch n
        param w[i,j] ~ {declaration}
        z[n,j] = sum[i](x[n,i] * w[i,j])
        J = mean[n](sum[j](z[n,j]))
        minimize J
        """
    )
    return net.init(seed=seed, sizes=sizes).params["w"]


BIG = {"i": 400, "j": 100}


@pytest.mark.parametrize(
    ("declaration", "std"),
    [
        ("lecun", (1 / 400) ** 0.5),
        ("glorot", (2 / 500) ** 0.5),
        ("he", (2 / 400) ** 0.5),
        ("normal(0, 0.02)", 0.02),
        ("uniform(-0.3, 0.3)", 0.3 / 3**0.5),
    ],
)
def test_mean_and_spread(declaration: str, std: float) -> None:
    w = drawn(declaration, BIG)
    assert w.shape == (400, 100)
    assert w.mean() == pytest.approx(0, abs=5 * std / 200)
    assert w.std() == pytest.approx(std, rel=0.02)


def test_uniform_ones_stay_within_their_limits() -> None:
    assert np.abs(drawn("glorot", BIG)).max() <= (6 / 500) ** 0.5
    w = drawn("uniform(2, 3)", BIG)
    assert w.min() >= 2 and w.max() < 3


@pytest.mark.parametrize(
    ("declaration", "value"), [("zeros", 0.0), ("ones", 1.0), ("constant(2.5)", 2.5)]
)
def test_constants(declaration: str, value: float) -> None:
    assert (drawn(declaration, {"i": 2, "j": 3}) == value).all()


def test_a_seed_gives_the_same_bits_and_another_seed_others() -> None:
    assert (drawn("he", BIG, seed=4) == drawn("he", BIG, seed=4)).all()
    assert (drawn("he", BIG, seed=4) != drawn("he", BIG, seed=5)).all()


def test_adding_a_layer_does_not_change_the_draw_of_others() -> None:
    short = wg.Sequential([wg.Dense(4, "tanh"), wg.Dense(4)], cost="squared_error")
    long = wg.Sequential([wg.Dense(4, "tanh")] * 3 + [wg.Dense(4)], cost="squared_error")
    for net in (short, long):
        net.init(seed=1, sizes={"i": 4})
    assert (short.params["w1"] == long.params["w1"]).all()
    assert (short.params["w2"] == long.params["w2"]).all()
    assert (long.params["w2"] != long.params["w3"]).all()


def spread(text: str, sizes: dict[str, int], name: str = "w") -> float:
    """How wide a parameter is drawn."""
    return float(wg.Network(text).init(seed=0, sizes=sizes).params[name].std())


CONVOLUTION = """
given x[n,c,u,v]
batch n
param w[d,c,r,s] ~ {draw}
z[n,d,p,q] = sum[c,r,s](x[n,c,p+r,q+s] * w[d,c,r,s])
J = mean[n](sum[d,p,q](z[n,d,p,q]))
minimize J
"""


def test_a_convolution_counts_its_window_in_both_fans() -> None:
    sizes = {"c": 16, "d": 48, "r": 5, "s": 3, "u": 12, "v": 12}
    he = spread(CONVOLUTION.format(draw="he"), sizes)
    assert he == pytest.approx((2 / (16 * 5 * 3)) ** 0.5, rel=0.03)
    glorot = spread(CONVOLUTION.format(draw="glorot"), sizes)
    assert glorot == pytest.approx((2 / (16 * 5 * 3 + 48 * 5 * 3)) ** 0.5, rel=0.03)


def test_a_depthwise_convolution_sums_its_window_alone() -> None:
    text = """
    given x[n,c,u]
    batch n
    param w[c,r] ~ glorot
    z[n,c,p] = sum[r](x[n,c,p+r] * w[c,r])
    J = mean[n](sum[c,p](z[n,c,p]))
    minimize J
    """
    assert spread(text, {"c": 3000, "r": 5, "u": 9}) == pytest.approx((2 / 10) ** 0.5, rel=0.03)


def test_an_embedding_is_one_element_to_a_lookup() -> None:
    text = """
    given word[n] in v
    batch n
    param table[v,d] ~ he, w[d,j] ~ glorot
    z[n,j] = sum[d](table[word[n], d] * w[d,j])
    J = mean[n](sum[j](z[n,j]))
    minimize J
    """
    sizes = {"v": 300, "d": 50, "j": 200}
    assert spread(text, sizes) == pytest.approx((2 / 250) ** 0.5, rel=0.03)


def test_a_mask_beside_the_weights_changes_nothing() -> None:
    text = """
    given x[n,i], s[n], m[i,j]
    batch n
    param w[i,j] ~ glorot
    z[n,j] = sum[i](s[n] * x[n,i] * w[i,j] * m[i,j])
    J = mean[n](sum[j](z[n,j]))
    minimize J
    """
    assert spread(text, {"i": 200, "j": 300}) == pytest.approx((2 / 500) ** 0.5, rel=0.02)


def test_a_layer_takes_an_initialiser_with_its_numbers() -> None:
    layer = wg.Dense(100, initialiser="normal(1, 0.02)")
    w = wg.Sequential([layer], cost="huber").init(sizes={"i": 400}).params["w1"]
    assert w.mean() == pytest.approx(1, abs=0.001)
    assert w.std() == pytest.approx(0.02, rel=0.02)


def test_every_initialiser_of_the_language_can_be_drawn() -> None:
    assert set(INITIALISERS) == set(checking.INITIALISERS)
