"""Why an update happened: a correction is the sum of its parts, whatever wrote the update."""

from __future__ import annotations

import numpy as np
import pytest
from tests.insight.ask import network, opened
from tests.insight.steps import training_step
from tests.systems.catalogue import KNOWN

import whygrad as wg
from whygrad.insight import Correction, explain_update
from whygrad.insight.display import number_text
from whygrad.insight.values import Values
from whygrad.network.optimizers import Optimizer
from whygrad.network.schedules import Cosine, Exponential, Step

OPTIMIZERS = (
    wg.SGD(0.1),
    wg.SGD(Step(0.1, every=1), momentum=0.9, l1=0.01),
    wg.Adam(0.01, l2=0.1),
    wg.Adam(Cosine(0.1), weight_decay=0.1, l1=0.01, l2=0.02),
    wg.SGD(Exponential(0.3), momentum=0.5, weight_decay=0.2, l2=0.1),
)


def explained(
    name: str, target: str, optimizer: Optimizer, dtype: str = "float64", top: int = 10
) -> Correction:
    net, data = network(name)
    return explain_update(target, training_step(net, data, optimizer, dtype), net.derive(), top)


def parts(c: Correction) -> dict[str, float]:
    """The sum of the parts under each label."""
    found: dict[str, float] = {}
    for t in c.terms:
        found[t.label] = found.get(t.label, 0) + t.value
    return found


@pytest.mark.parametrize("name", KNOWN)
def test_parts_add_up_to_what_the_engine_did_at_every_level(name: str) -> None:
    net, data = network(name)
    rng = np.random.default_rng(0)
    step = training_step(net, data, OPTIMIZERS[sorted(KNOWN).index(name) % len(OPTIMIZERS)])
    for k in rng.permutation(len(step.system.updates))[:6]:
        update = step.system.updates[k]
        shape = step.after[update.name].shape
        at = tuple(int(rng.integers(n)) for n in shape)
        text = f"{update.name}[{','.join(map(str, at))}]" if at else update.name
        c = explain_update(text, step, net.derive(), top=2)
        assert c.before == step.before[update.name][at]
        assert c.after == step.after[update.name][at]
        assert c.value == pytest.approx(c.after - c.before, rel=1e-9, abs=1e-15), c.title
        assert c.note == ""
        for each in opened(c, rng, depth=3):
            assert abs(each.value - each.total) <= 1e-12 * each.magnitude, each.title
            assert len(str(each)) > 0


def by_hand(optimizer: Optimizer, at: tuple[int, int]) -> dict[str, float]:
    """The parts of a correction of w1, from formulas in the textbook."""
    net, data = network("classification")
    step = training_step(net, data, optimizer)
    w = float(net.params["w1"][at])
    g = float(net.gradients(data=data, training=True)["w1"][at])
    lr = float(optimizer.lr)
    penalty = optimizer.l2 * w + optimizer.l1 * np.sign(w)
    decay = -lr * optimizer.weight_decay * w
    if isinstance(optimizer, wg.SGD):
        v = float(step.before["w1.v"][at])
        return {
            "this batch": -lr * g,
            "earlier steps": -lr * optimizer.momentum * v,
            "decay": decay - lr * penalty,
        }
    assert isinstance(optimizer, wg.Adam)
    beta1, beta2 = optimizer.beta1, optimizer.beta2
    m, v = (float(step.before[name][at]) for name in ("w1.m", "w1.v"))
    v = (beta2 * v + (1 - beta2) * (g + penalty) ** 2) / (1 - beta2**6)
    common = -lr / (1 - beta1**6) / (np.sqrt(v) + optimizer.eps)
    return {
        "this batch": common * (1 - beta1) * g,
        "earlier steps": common * beta1 * m,
        "decay": decay + common * (1 - beta1) * penalty,
    }


@pytest.mark.parametrize(
    "optimizer",
    [
        wg.SGD(0.1, momentum=0.9, l1=0.03, l2=0.2, weight_decay=0.1),
        wg.Adam(0.01, l1=0.03, l2=0.2, weight_decay=0.1),
    ],
)
def test_the_parts_are_those_of_the_textbook(optimizer: Optimizer) -> None:
    c = explained("classification", "w1[1,2]", optimizer)
    assert parts(c) == pytest.approx(by_hand(optimizer, (1, 2)), rel=1e-10)


def test_plain_descent_has_one_part_which_is_this_batch() -> None:
    c = explained("classification", "w1[1,2]", wg.SGD(0.1))
    (part,) = c.terms
    assert part.label == "this batch"
    assert [f.text for f in part.factors] == ["(−lr)", "δw1[1,2]"]
    assert part.share == 1


def test_the_part_of_the_batch_is_opened_down_to_its_samples_and_their_rows() -> None:
    c = explained("classification", "w1[1,2]", wg.Adam(0.01))
    (batch,) = (t for t in c.terms if t.label == "this batch")
    slope = batch.factors[-1].why()
    assert slope.title == "∂J/∂w1[1,2]"
    assert sorted(t.label for t in slope.terms) == [f"n = {n} (row {100 + n})" for n in range(4)]
    inner = slope.terms[0].factors[0].why()
    assert inner.title.startswith("∂J/∂z1[")
    assert inner.count == 3


def test_a_sample_that_a_condition_leaves_alone_is_named_with_its_row() -> None:
    c = explained("embedding", "table[3,2]", wg.SGD(0.1))
    slope = c.terms[0].factors[-1].why()
    assert slope.terms and all("(row 10" in t.label for t in slope.terms)


def test_what_an_optimiser_remembers_is_explained_as_well() -> None:
    net, data = network("classification")
    step = training_step(net, data, wg.Adam(0.01))
    g = float(net.gradients(data=data, training=True)["w1"][1, 2])
    m = float(step.before["w1.m"][1, 2])
    c = explain_update("w1.m[1,2]", step, net.derive())
    assert parts(c) == pytest.approx({"earlier steps": -0.1 * m, "this batch": 0.1 * g})


def test_updates_that_the_text_itself_writes_are_opened_the_same_way() -> None:
    net = wg.Network(
        """
        given x[n], y[n]
        batch n
        param w ~ constant(0.5)
        state v ~ constant(2)
        setting lr = 0.1, shrink = 0.01
        J = mean[n]((w * x[n] - y[n])**2 / 2)
        v_next = 0.8 * v + d_w
        v <- v_next
        w <- (1 - lr * shrink) * w - lr * (v_next + 0.5 * d_w)
        minimize J
        """
    )
    data = {"x": np.array([1.0, 3.0]), "y": np.array([2.0, -1.0])}
    net.init(data=data)
    step = training_step(net, data, wg.SGD(0.1))
    v, g = float(step.before["v"]), ((0.5 - 2) * 1 + (1.5 + 1) * 3) / 2
    found = parts(explain_update("w", step, net.derive()))
    assert found == pytest.approx(
        {"this batch": -0.15 * g, "earlier steps": -0.08 * v, "decay": -0.0005}
    )
    assert parts(explain_update("v", step, net.derive())) == pytest.approx(
        {"this batch": g, "earlier steps": -0.2 * v}
    )


@pytest.mark.parametrize(
    ("update", "change"),
    [("v / 3", -2 / 3), ("2 * v", 1), ("v - v", -1), ("v", 0), ("-v", -2), ("0.7", None)],
)
def test_an_old_value_is_kept_in_part(update: str, change: float | None) -> None:
    net = wg.Network(
        f"given x\nparam w ~ ones\nstate v ~ ones\nJ = w * x\nminimize J\nv <- {update}"
    )
    data = {"x": np.array(2.0)}
    net.init(data=data)
    step = training_step(net, data, wg.SGD(0.1))
    before = float(step.before["v"])
    c = explain_update("v", step, net.derive())
    assert c.value == pytest.approx(0.7 - before if change is None else change * before)
    assert abs(c.difference) <= 1e-12 * c.magnitude


def test_running_statistics_come_from_this_batch_and_from_earlier_ones() -> None:
    net, data = network("batch_norm")
    step = training_step(net, data, wg.SGD(0.1))
    z = data["x"] @ net.params["w1"]
    found = parts(explain_update("running_m[1]", step, net.derive()))
    before = float(step.before["running_m"][1])
    expected = {"this batch": 0.1 * z[:, 1].mean(), "earlier steps": -0.1 * before}
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("corrupted", ["w1.m_next", "w1.m", "δw1"])
def test_one_wrong_number_breaks_the_sum(corrupted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    original = Values.__init__

    def corrupting(self: Values, *args: object) -> None:
        original(self, *args)
        self.tensors[corrupted] = self.tensors[corrupted] + 1e-7

    monkeypatch.setattr(Values, "__init__", corrupting)
    c = explained("classification", "w1[1,2]", wg.Adam(0.01))
    assert abs(c.difference) > 1e-12 * c.magnitude
    assert "the terms add up to" in str(c)


def test_a_training_in_float32_shows_by_how_much_it_differs() -> None:
    c = explained("classification", "w1[1,2]", wg.Adam(0.01), dtype="float32")
    assert c.after - c.before == pytest.approx(c.value, rel=1e-4)
    assert c.after - c.before != c.value
    difference = number_text(c.after - c.before - c.value, 2)
    assert f"the training's own correction, in float32, differs by {difference}" in str(c)
    assert abs(c.difference) <= 1e-12 * c.magnitude


@pytest.mark.parametrize("name", ["absolute_error", "batch_norm", "attention"])
def test_the_explanation_of_a_training_in_float32_is_in_float64(name: str) -> None:
    net, data = network(name)
    rng = np.random.default_rng(0)
    step = training_step(net, data, wg.Adam(0.01, l2=0.1), "float32")
    for t in net.system.of_kind("param"):
        at = ",".join("0" for _ in t.indices)
        c = explain_update(f"{t.name}[{at}]" if at else t.name, step, net.derive(), top=2)
        for each in opened(c, rng, depth=3):
            assert abs(each.difference) <= 1e-12 * each.magnitude, each.title


def test_every_part_is_listed_and_the_batch_opened_wherever_it_stands() -> None:
    text = str(explained("classification", "w1[1,2]", OPTIMIZERS[3]))
    for words in ("earlier steps", "this batch", "decay", "δw1[1,2] = Σ_n δz1[n,2] · x[n,1]"):
        assert words in text
    assert "the other" not in text.partition("δw1[1,2] = Σ")[0].splitlines()[-1]


def test_how_it_reads() -> None:
    net = wg.Network(
        "given x[n], y[n]\nbatch n\nparam w ~ constant(0.5)\n"
        "J = mean[n]((w * x[n] - y[n])**2 / 2)\nminimize J"
    )
    data = {"x": np.array([1.0, 3.0]), "y": np.array([2.0, -1.0])}
    net.init(data=data)
    step = training_step(net, data, wg.SGD(0.1, momentum=0.5))
    step.before["w.v"][...] = -2
    step.after["w"][...] = 0.3
    text = str(explain_update("w", step, net.derive()))
    assert [" ".join(line.split()) for line in text.splitlines()] == [
        "w in step 5: 0.5 → 0.3, a correction of −0.2",
        "Δw = (−lr) · momentum · w.v + (−lr) · δw = −0.2 2 terms",
        "this batch (−lr) · δw = (−0.1) · 3 = −0.3 (75 % of the magnitude)",
        "δw = Σ_n 1/N · 1/2 · 2 · (w · x[n] − y[n]) · x[n] = 3 2 terms",
        "n = 1 (row 101) 0.5 · 0.5 · 5 · 3 = 3.75 (83 % of the magnitude)",
        "n = 0 (row 100) 0.5 · 0.5 · (−3) · 1 = −0.75 (17 % of the magnitude)",
        "earlier steps (−lr) · momentum · w.v = (−0.1) · 0.5 · (−2) = 0.1 (25 % of the magnitude)",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.5 → 0.6, a correction of 0.1"),
        (1e-6, "0.5 → 0.500001, a correction of 1e−6"),
        (0.0, "0.5 → 0.5, a correction of 0"),
    ],
)
def test_the_numbers_have_as_many_digits_as_show_the_correction(value: float, text: str) -> None:
    net = wg.Network("given x\nparam w ~ constant(0.5)\nJ = w * x\nminimize J")
    data = {"x": np.array(-value)}
    net.init(data=data)
    c = explain_update("w", training_step(net, data, wg.SGD(1.0)), net.derive())
    assert c.headline == f"w in step 5: {text}"


@pytest.mark.parametrize("top", [0, 1, 2])
def test_what_is_not_listed_is_summed_up(top: int) -> None:
    for optimizer in (wg.SGD(0.1), wg.Adam(0.01)):
        c = explained("classification", "w1[1,2]", optimizer, top=top)
        assert len(c.terms) == min(top, c.count)
        assert abs(c.difference) <= 1e-12 * c.magnitude
        assert c.headline in str(c)


def test_a_notebook_shows_the_headline_and_the_parts() -> None:
    c = explained("classification", "w1[1,2]", wg.Adam(0.01))
    assert c.headline in c._repr_html_()
    assert c._repr_html_().count("<details") >= 2
    assert r"\Delta" in c.latex() and r"\partial" not in c.latex()


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("x[0,1]", "no step of the training changes 'x'"),
        ("w9[0,0]", "no step of the training changes 'w9'; did you mean 'w"),
        ("w1[0]", r"w1 has 2 indices, 1 is given: write w1\[i,j\] with numbers"),
        ("w1[0,5]", r"there is no w1\[0,5\]: i goes from 0 to 2, j goes from 0 to 4"),
        ("w1[0,j]", "is no single element"),
        ("w1 + 1", "is no element of a tensor"),
        (7, "not by 7"),
    ],
)
def test_what_no_step_changes_is_refused(target: str, message: str) -> None:
    with pytest.raises(wg.WhygradError, match=message):
        explained("classification", target, wg.SGD(0.1))
