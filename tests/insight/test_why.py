"""`why`: every derivative is the sum of its terms, at every level, and says so."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.insight.ask import everything, network, opened
from tests.systems.catalogue import KNOWN

import whygrad as wg
from whygrad.insight import Explainer

known = pytest.mark.parametrize("name", KNOWN)


def text(tensor: str, at: tuple[int, ...]) -> str:
    return f"{tensor}[{','.join(map(str, at))}]" if at else tensor


@known
@pytest.mark.parametrize("training", [False, True])
def test_terms_and_rest_add_up_to_the_value_at_every_level(name: str, training: bool) -> None:
    net, data = network(name)
    tensors = everything(name, net)
    rng = np.random.default_rng(0)
    explainer = net.explainer(*tensors, top=2, data=data, training=training, seed=3)
    gradients = net.gradients(wrt=tensors, data=data, training=training, seed=3)
    for tensor in tensors:
        extents = explainer.values.extents[tensor]  # the starts of recurrences included
        at = tuple(int(rng.integers(r.start, r.stop)) for r in extents)
        e = explainer.why(text(tensor, at))
        stored = tuple(n - r.start for n, r in zip(at, extents, strict=True))
        assert e.value == pytest.approx(gradients[tensor][stored], rel=1e-12, abs=1e-15)
        for each in opened(e, rng, depth=2):
            assert abs(each.value - each.total) <= 1e-12 * each.magnitude, each.title
            shown = sum(abs(t.value) for t in each.terms)
            assert shown <= each.magnitude * (1 + 1e-12)
            assert len(str(each)) > 0


def test_what_is_not_listed_is_a_sum_of_its_own_operands() -> None:
    net, data = network("regression")
    few = net.explainer(top=1, data=data).why("w1[0,0]")
    all_of_them = net.explainer(top=10, data=data).why("w1[0,0]")
    assert few.rest == pytest.approx(sum(t.value for t in all_of_them.terms[1:]), rel=1e-14)
    for e in (few, all_of_them):
        for t in e.terms:
            assert t.value == pytest.approx(math.prod(f.value for f in t.factors), rel=1e-14)


def test_terms_stand_largest_first_and_their_shares_add_up_to_one() -> None:
    net, data = network("regression")
    e = net.why("w1[0,0]", data=data)
    sizes = [abs(t.value) for t in e.terms]
    assert sizes == sorted(sizes, reverse=True)
    assert sum(t.share for t in e.terms) == pytest.approx(1)


@pytest.mark.parametrize("corrupted", ["x", "δz1", "δw1"])
def test_one_wrong_number_breaks_the_sum(corrupted: str) -> None:
    net, data = network("regression")
    explainer = net.explainer(data=data)
    assert abs(explainer.why("w1[1,2]").difference) < 1e-15
    explainer.tensors[corrupted] = explainer.tensors[corrupted] + 1e-9
    e = explainer.why("w1[1,2]")
    assert abs(e.difference) > 1e-12 * e.magnitude
    assert "the terms add up to" in str(e)


def test_only_what_is_asked_for_is_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    net, data = network("classification")
    asked: list[object] = []
    original = Explainer._explain
    monkeypatch.setattr(
        Explainer, "_explain", lambda self, *a: asked.append(a) or original(self, *a)
    )
    e = net.why("w1[0,0]", data=data)
    assert len(asked) == 1
    e.terms[0].factors[0].why()
    assert len(asked) == 2


def test_a_sum_over_several_indices_is_opened_sample_by_sample_then_place_by_place() -> None:
    net, data = network("convolution_strided")
    e = net.why("w1[0,0,1,1]", data=data)
    assert [t.label for t in e.terms] in (["n = 0", "n = 1"], ["n = 1", "n = 0"])
    rows = e.terms[0].why()
    assert rows.value == e.terms[0].value
    assert all(t.label.startswith("p = ") for t in rows.terms)
    places = rows.terms[0].why()
    assert all(t.label.startswith("q = ") and len(t.factors) == 2 for t in places.terms)


def test_a_condition_leaves_only_the_terms_for_which_it_holds() -> None:
    net, data = network("embedding")
    word = int(data["word"][0, 0])
    uses = (data["word"] == word).sum(axis=1)
    e = net.why(f"table[{word},2]", data=data)
    assert e.count == np.count_nonzero(uses)
    assert sum(t.why().count if t.expand else 1 for t in e.terms) == uses.sum()


def test_where_a_condition_leaves_one_place_it_is_put_in() -> None:
    net, data = network("pooling_mean")
    net.explainer(data=data)
    e = net.why("a[0,0]", data=data)
    (term,) = e.terms
    assert term.label == "p = 0, d = 0"
    assert len(term.factors) == 2


def test_several_ways_to_the_cost_are_a_term_each() -> None:
    net, data = network("residual")
    e = net.why("h0[0,1]", data=data)
    assert {t.label for t in e.terms} == {"through h1", "through block1.a.z"}
    net, data = network("autoregression")
    labels = {t.label for t in net.why("s[0,1]", data=data).terms}
    assert labels == {"through J", "through s.z (1)", "through s.z (2)"}


def test_where_the_chain_is_not_finite_the_simplified_factors_stand_in_for_it() -> None:
    net = wg.Network(
        """
        given x[n], y[n]
        param w ~ ones
        z[n] = w * x[n]
        p[n] = sigmoid(z[n])
        J = mean[n](-y[n] * log(p[n]) - (1 - y[n]) * log(1 - p[n]))
        minimize J
        """
    )
    data = {"x": [800.0, 1.0], "y": [0.0, 1.0]}
    net.init(data=data)
    e = net.why("z[0]", data=data)
    assert e.value == pytest.approx(0.5)
    assert abs(e.difference) < 1e-15
    assert "not finite" in e.note
    assert "not finite" not in net.why("z[1]", data=data).note


def test_a_read_outside_of_a_tensor_is_0_and_says_so() -> None:
    net, data = network("autoregression")
    e = net.why("s[0,4]", data=data)
    outside = [f for t in e.terms for f in t.factors if f.outside]
    assert outside and all(f.value == 0 for f in outside)
    with pytest.raises(wg.WhygradError, match=r"reads outside .* nothing to expand"):
        outside[0].why()


def test_what_is_no_derivative_cannot_be_expanded() -> None:
    net, data = network("regression")
    (term, *_) = net.why("w1[0,0]", data=data).terms
    with pytest.raises(wg.WhygradError, match=r"x\[\d,0\] is no derivative"):
        term.factors[1].why()
    with pytest.raises(wg.WhygradError, match="is a product"):
        term.why()


@pytest.mark.filterwarnings("ignore:the cost J does not depend")
def test_a_cost_that_does_not_depend_on_a_tensor_is_said() -> None:
    net = wg.Network("given x[n]\nparam w ~ ones, u ~ ones\nJ = mean[n](w * x[n])\nminimize J")
    net.init(x=[1.0, 2.0])
    e = net.why("u", x=[1.0, 2.0])
    assert (e.value, e.count) == (0, 0)
    assert "does not depend on u" in str(e)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("w9[0]", "no tensor 'w9'; did you mean 'w"),
        ("w1", r"w1 has 2 indices, 0 are given: write w1\[i,j\] with numbers"),
        ("w1[0]", "w1 has 2 indices, 1 is given"),
        ("w1[3,0]", r"there is no w1\[3,0\]: i goes from 0 to 2"),
        ("w1[-1,0]", r"there is no w1\[-1,0\]"),
        ("w1[i,j]", "is no single element"),
        ("w1[0,1.5]", "is no single element"),
        ("w1[0,", "is never closed"),
        ("", "nothing to read"),
        ("w1 + 1", "is no element of a tensor"),
        ("y[0]", "holds whole numbers"),
        ("J", "J is the cost itself"),
        (3, "not by 3"),
    ],
)
def test_what_is_no_element_is_refused_with_what_would_be_right(target: str, message: str) -> None:
    net, data = network("classification")
    with pytest.raises(wg.WhygradError, match=message):
        net.why(target, data=data)


def test_a_negative_index_is_an_element_only_of_a_start() -> None:
    net, data = network("gru")
    assert net.why("h[-1,1,2]", data=data).value != 0
    with pytest.raises(wg.WhygradError, match="t goes from -1 to 3"):
        net.why("h[-2,0,0]", data=data)
    net, data = network("bidirectional")
    assert net.why("b[size(t),0,0]", data=data).title == "∂J/∂b[4,0,0]"


def test_an_element_may_be_written_as_the_derivative_that_it_asks_for() -> None:
    net, data = network("classification")
    for target in ("w1[0,1]", "δw1[0,1]", "d_w1[0, 1]", "∂J/∂w1[0,1]"):
        assert net.why(target, data=data).title == "∂J/∂w1[0,1]"


def test_before_init_there_is_nothing_to_explain() -> None:
    net = wg.Network(KNOWN["classification"].text)
    with pytest.raises(wg.WhygradError, match="init"):
        net.why("w1[0,0]", data={"x": np.ones((2, 3)), "y": [0, 1]})


@pytest.mark.parametrize("top", [-1, None, "a", 1.5, True])
def test_how_many_terms_to_list_is_a_whole_number(top: object) -> None:
    net = wg.Network("given x[n]\nparam w ~ ones\nJ = mean[n](w * x[n])\nminimize J").init(x=[1, 2])
    with pytest.raises(wg.WhygradError, match="top"):
        net.why("w", x=[1, 2], top=top)
