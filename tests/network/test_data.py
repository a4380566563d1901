"""Data on their way in: what is accepted, and what is refused with the place at fault."""

import numpy as np
import pytest

import whygrad as wg

X = np.arange(12.0).reshape(4, 3) / 10
Y = np.array([0, 2, 1, 2])


@pytest.fixture
def net() -> wg.Network:
    net = wg.Sequential([wg.Dense(3)], cost="cross_entropy")
    return net.init(seed=0, x=X, y=Y)


def test_lists_and_mappings_and_other_number_types_are_the_same(net: wg.Network) -> None:
    expected = net.forward(x=X, y=Y)["J"]
    assert net.forward(x=X.tolist(), y=Y.tolist())["J"] == expected
    assert net.forward(data={"x": X, "y": Y.astype(float)})["J"] == expected
    assert net.forward(x=X, data={"y": Y.astype(np.uint8)})["J"] == expected


def test_a_masked_array_of_which_nothing_is_masked_is_an_array(net: wg.Network) -> None:
    assert net.forward(x=np.ma.masked_array(X), y=Y)["J"] == net.forward(x=X, y=Y)["J"]


def test_a_tensor_may_bear_the_name_of_an_option() -> None:
    net = wg.Network(
        """
        given seed[n]
        batch n
        param w ~ ones
        J = mean[n](w * seed[n])
        minimize J
        """
    ).init()
    net.params["w"] = 2
    assert net.forward(data={"seed": [1.0, 3.0]})["J"] == 4


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"x": X}, r"'y' is missing: pass y=..., y\[n\]"),
        ({"x": X, "Y": Y}, "no given 'Y'; did you mean 'y'"),
        ({"x": X, "w1": Y, "y": Y}, "no given 'w1'"),
        ({"x": X[0], "y": Y}, r"x\[n,i\] is an array of 2 axes .* shape given is \(3,\)"),
        ({"x": X, "y": Y[:, None]}, r"drop its last axis: y\[..., 0\]"),
        ({"x": X, "y": np.eye(3)[Y]}, r"one-hot rows become numbers by y.argmax"),
        ({"x": np.where(X == 0.4, np.nan, X), "y": Y}, r"x\[1,1\] is nan"),
        ({"x": np.where(X == 0.4, -np.inf, X), "y": Y}, r"x\[1,1\] is -inf"),
        ({"x": X, "y": [0, 2, 3, 2]}, r"y\[2\] is 3, but y holds values of k, .* from 0 to 2"),
        ({"x": X, "y": [0, -1, 1, 2]}, r"y\[1\] is -1"),
        ({"x": X, "y": [0, 1.5, 1, 2]}, r"y\[1\] is 1.5, but y holds whole numbers"),
        ({"x": X, "y": ["a", "b", "a", "c"]}, r"numpy.unique\(y, return_inverse=True\)"),
        ({"x": np.array([["1", None, 2]] * 4, dtype=object), "y": Y}, "x"),
        ({"x": [[1, 2, 3], [1, 2]], "y": [0, 1]}, "x is no array of numbers"),
        ({"x": X, "y": [0, 1e300, 1, 2]}, r"y\[1\] is 1e\+300, .* out of range"),
        ({"x": X, "y": Y * 10**18}, r"y\[1\] is 2000000000000000000, .* out of range"),
        ({"x": X, "y": Y + np.uint64(2**63)}, r"y\[0\] is 9.22.*e\+18, .* out of range"),
        ({"x": np.ma.masked_array(X, X == 0.4), "y": Y}, r"x\[1,1\] is masked"),
        (3, r"data has to go by names, as in \{'x': X\}, and is of type int"),
        ([X, Y], "data has to go by names, .* of type list"),
        ({1: X}, "data has to go by names, .* has the key 1"),
        ({"x": [[10**400] * 3] * 4, "y": Y}, "x is no array of numbers"),
        ({"x": X + 1j, "y": Y}, "x is no array of numbers: its type is complex"),
        ({"x": X[:0], "y": Y[:0]}, r"x is empty: its shape is \(0, 3\)"),
        ({"x": object(), "y": Y}, "x is no array of numbers"),
    ],
)
def test_what_is_refused_names_the_place(net: wg.Network, data, message: str) -> None:
    with pytest.raises(wg.DataError, match=message):
        net.forward(data=data)


def test_rows_that_do_not_match_name_both_tensors(net: wg.Network) -> None:
    with pytest.raises(wg.SizeError) as caught:
        net.forward(x=X, y=Y[:3])
    for part in ("x", "y", "4", "3"):
        assert part in str(caught.value)


def test_a_width_other_than_at_init_is_refused(net: wg.Network) -> None:
    with pytest.raises(wg.SizeError) as caught:
        net.forward(x=X[:, :2], y=Y)
    assert "w1" in str(caught.value)


def test_a_name_given_twice_is_refused(net: wg.Network) -> None:
    with pytest.raises(wg.DataError, match="'x' is given twice"):
        net.forward(x=X, data={"x": X, "y": Y})


def test_one_output_takes_a_plain_row_of_numbers() -> None:
    net = wg.Sequential([wg.Dense(1, "sigmoid")], cost="binary_cross_entropy")
    bits = np.array([0, 1, 1, 0])
    net.init(seed=0, x=X, y=bits)
    flat = net.forward(x=X, y=bits)
    assert flat["y"].shape == (4, 1)
    assert flat["J"] == net.forward(x=X, y=bits[:, None])["J"]


@pytest.mark.parametrize(
    ("cost", "bits", "message"),
    [
        ("binary_cross_entropy", [-1, 1, 1, -1], r"y\[0,0\] is -1.0, .* is 0, 1 or a prob"),
        ("hinge", [1, 0, 1, 1], r"y\[1,0\] is 0.0, but the y of hinge is -1 or 1"),
    ],
)
def test_targets_for_which_a_cost_makes_no_sense_are_refused(cost, bits, message: str) -> None:
    with pytest.raises(wg.DataError, match=message):
        wg.Sequential([wg.Dense(1)], cost=cost).init(x=X, y=bits)


def test_word_numbers_are_checked_against_their_table() -> None:
    net = wg.Network(
        """
        given word[n]
        batch n
        size v = 5
        param table[v] ~ normal(0, 1)
        J = mean[n](table[word[n]])
        minimize J
        """
    ).init()
    assert net.gradients(word=[0, 4, 4, 0])["table"].tolist() == [0.5, 0, 0, 0, 0.5]
    with pytest.raises(wg.DataError, match=r"word\[1\] is 5, .* from 0 to 4"):
        net.forward(word=[0, 5])


def test_single_precision_stays_what_it_is() -> None:
    net = wg.Sequential([wg.Dense(3)], cost="cross_entropy").init(seed=0, x=X, y=Y)
    single = X.astype(np.float32)
    assert net.bind({}, {"x": single, "y": Y})["x"] is single
    assert net.bind({}, {"x": X.astype(np.float16), "y": Y})["x"].dtype == np.float64
