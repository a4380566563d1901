"""Replay: a recorded training comes again, bit for bit, up to any of its steps."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import whygrad as wg
from whygrad.engines.reference import ReferenceEngine
from whygrad.network.network import BaseNetwork
from whygrad.network.optimizers import Optimizer
from whygrad.network.schedules import Cosine, Exponential, Step
from whygrad.training.batches import Samples, Shuffle, split
from whygrad.training.replay import replay
from whygrad.training.step import step_system

TEXT = """
given x[n,i], y[n] in k
batch n
size j = 3
param w1[i,j] ~ glorot, b1[j] ~ zeros
param w2[j,k] ~ glorot, b2[k] ~ zeros
state seen ~ zeros
setting drop = 0.25
noise keep[n,j] ~ bernoulli(0.75)
a[n,j] = tanh(sum[i](x[n,i] * w1[i,j]) + b1[j])
d[n,j] = where(training, keep[n,j] * a[n,j] / (1 - drop), a[n,j])
yhat[n,k] = softmax[k](sum[j](d[n,j] * w2[j,k]) + b2[k])
J = mean[n](-log(yhat[n, y[n]]))
seen <- seen + size(n)
minimize J
predict yhat
"""

Data = dict[str, np.ndarray]


def data_of(samples: int) -> Data:
    rng = np.random.default_rng(samples)
    return {"x": rng.normal(size=(samples, 4)), "y": np.arange(samples) % 3}


def trained(samples: int = 23, **options: object) -> tuple[wg.Network, Data]:
    data = data_of(samples)
    net = wg.Network(TEXT).init(seed=5, data=data)
    net.train(data=data, **{"epochs": 4, "batch_size": 5, **options})
    return net, data


rates = st.sampled_from((0.03, Step(0.1, every=1), Exponential(0.1), Cosine(0.1, end=0.01)))
penalties = st.sampled_from(({}, {"weight_decay": 0.1}, {"l1": 0.01, "l2": 0.1}))
optimizers = st.one_of(
    st.builds(
        lambda lr, m, p: wg.SGD(lr, momentum=m, **p), rates, st.sampled_from((0, 0.9)), penalties
    ),
    st.builds(lambda lr, p: wg.Adam(lr, **p), rates, penalties),
)


def by_hand(net: wg.Network, data: Data) -> list[Data]:
    """The values before each step that was kept, and after the last: one run of NumPy each."""
    run, arrays = net.run, net.bind(data, {})
    assert run is not None
    samples = Samples(net.system, arrays)
    rows, _ = split(net.system, arrays, run.validation, run.seed)
    steps = math.ceil(len(rows) / run.batch_size)
    system = step_system(net, run.optimizer, None, run.epochs, steps)
    whole = BaseNetwork(system).init(seed=0, sizes=net.sizes, data=arrays)
    values = {**whole.values(), **run.arrays, **arrays}
    values = {n: a.astype(run.dtype) if a.dtype.kind == "f" else a for n, a in values.items()}
    updates = [u.name for u in system.updates]
    program = ReferenceEngine().compile(
        system, net.open_sizes_for(system, arrays), [f"{n} <-" for n in updates], run.dtype
    )
    found = [values]
    for number in range(run.kept):
        epoch, place = divmod(number, steps)
        order = Shuffle(rows, run.seed).places(epoch * len(rows), (epoch + 1) * len(rows))
        batch = order[place * run.batch_size :][: run.batch_size]
        results = program.run({**values, **samples.take(batch)}, run.seed, number)
        values = {**values, **{n: results[f"{n} <-"] for n in updates}}
        found.append(values)
    return found


@settings(max_examples=15, deadline=None)
@given(
    optimizer=optimizers,
    samples=st.integers(6, 24),
    batch_size=st.integers(1, 9),
    epochs=st.integers(1, 5),
    held_out=st.sampled_from(({}, {"validation": 0.3}, {"validation": 0.3, "patience": 1})),
    seed=st.integers(0, 2**64 - 1),
    dtype=st.sampled_from(("float64", "float32")),
    data=st.data(),
)
def test_any_step_comes_again_to_the_bit_and_the_last_is_what_the_network_has(
    optimizer: Optimizer,
    samples: int,
    batch_size: int,
    epochs: int,
    held_out: dict[str, float],
    seed: int,
    dtype: str,
    data: st.DataObject,
) -> None:
    options = {"batch_size": batch_size, "epochs": epochs, "seed": seed, "dtype": dtype}
    options["engine"] = "reference"  # the one that goes by hand as well
    net, given_data = trained(samples, optimizer=optimizer, **options, **held_out)
    values = by_hand(net, given_data)
    arrays = net.bind(given_data, {})
    assert net.run is not None and len(values) > 1
    last = net.run.kept - 1
    for number in (data.draw(st.integers(0, last), label="step"), last):
        step = replay(net, arrays, number)
        for name in values[number].keys() & step.after.keys():
            assert np.array_equal(step.before[name], values[number][name]), name
            assert np.array_equal(step.after[name], values[number + 1][name]), name
    for name, kept in {**net.params, **net.states}.items():
        assert np.array_equal(step.after[name], kept), name


def test_the_batches_are_those_of_the_shuffled_rows_the_last_one_smaller() -> None:
    net, data = trained(23, epochs=2, batch_size=5, seed=9)
    for epoch in range(2):
        order = Shuffle(np.arange(23), 9).places(23 * epoch, 23 * epoch + 23)
        for place in range(5):
            step = replay(net, net.bind(data, {}), 5 * epoch + place)
            rows = order[5 * place : 5 * place + 5]
            assert np.array_equal(step.rows, rows)
            assert np.array_equal(step.before["x"], data["x"][rows])
            assert step.sizes["n"] == len(rows) == (5 if place < 4 else 3)


def test_steps_that_early_stopping_took_back_can_be_replayed_too() -> None:
    net, data = trained(30, epochs=30, validation=0.4, patience=2, optimizer=wg.Adam(0.3))
    assert net.run is not None
    assert net.run.kept < net.run.taken
    last = replay(net, net.bind(data, {}), net.run.taken - 1)
    assert not np.array_equal(last.after["w1"], net.params["w1"])


def test_the_network_is_left_as_it_is() -> None:
    net, data = trained()
    net.settings["drop"] = 0.5  # after the training, which had 0.25
    before = {name: array.copy() for name, array in net.values().items()}
    record, history = net.run, net.history
    first = replay(net, net.bind(data, {}), 7)
    first.after["w1"][...] = 0  # it is a copy
    again = replay(net, net.bind(data, {}), 7)
    assert again.before["drop"] == 0.25
    assert again.after["w1"].any()
    assert net.run is record and net.history is history
    for name, array in net.values().items():
        assert np.array_equal(array, before[name])


def test_a_second_training_is_replayed_from_where_it_began() -> None:
    net, data = trained()
    between = net.params["w1"].copy()
    net.train(data=data, epochs=1, batch_size=5, optimizer=wg.SGD(0.1))
    assert np.array_equal(replay(net, net.bind(data, {}), 0).before["w1"], between)


def test_a_model_from_a_file_explains_its_training(tmp_path: Path) -> None:
    net, data = trained(optimizer=wg.Adam(Cosine(0.1)), validation=0.2, dtype="float32")
    net.save(tmp_path / "net.model")
    loaded = wg.load(tmp_path / "net.model")
    assert str(loaded.why("w1[0,2]", step=11, data=data)) == str(
        net.why("w1[0,2]", step=11, data=data)
    )


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("held_out", [{}, {"validation": 0.3, "patience": 1}])
def test_the_native_engine_comes_to_the_same_bits_again(
    dtype: str, held_out: dict[str, float]
) -> None:
    optimizer = wg.Adam(Cosine(0.1), weight_decay=0.1, l1=0.01)
    net, data = trained(optimizer=optimizer, dtype=dtype, engine="native", **held_out)
    arrays = net.bind(data, {})
    assert net.run is not None
    middle, after, last = (replay(net, arrays, n) for n in (2, 3, net.run.kept - 1))
    for name, kept in {**net.params, **net.states}.items():
        assert np.array_equal(middle.after[name], after.before[name]), name
        assert np.array_equal(last.after[name], kept), name


def test_why_explains_the_step_that_was_replayed() -> None:
    net, data = trained(validation=0.2, seed=3, optimizer=wg.SGD(0.1, momentum=0.9))
    step = replay(net, net.bind(data, {}), 7)
    c = net.why("w1[0,2]", step=7, data=data)
    assert str(c).startswith("w1[0,2] in step 7: ")
    assert (c.before, c.after) == (step.before["w1"][0, 2], step.after["w1"][0, 2])
    assert c.value == pytest.approx(c.after - c.before, rel=1e-10)
    (slope,) = (t.factors[-1].why() for t in c.terms if t.label == "this batch")
    labels = {f"n = {n} (row {row})" for n, row in enumerate(step.rows)}
    assert {t.label for t in slope.terms} == labels


@pytest.mark.parametrize("step", [20, -1, 1.0, "last", True])
def test_a_step_that_was_not_taken_is_refused_with_those_that_were(step: object) -> None:
    net, data = trained()
    with pytest.raises(wg.WhygradError, match="step has to be a whole number from 0 to 19, not"):
        net.why("w1[0,2]", step=step, data=data)


def test_other_data_are_refused() -> None:
    net, data = trained()
    turned = {name: array[::-1] for name, array in data.items()}
    changed = {**data, "x": data["x"] + 1e-9}
    fewer = {name: array[:-1] for name, array in data.items()}
    for other in (turned, changed, fewer):
        with pytest.raises(wg.DataError, match="not the data that the network was trained on"):
            net.why("w1[0,2]", step=3, data=other)


def test_without_a_training_there_is_no_step() -> None:
    data = data_of(9)
    net = wg.Network(TEXT)
    net.init(data=data)
    with pytest.raises(wg.WhygradError, match="was not trained, so there is no step to explain"):
        net.why("w1[0,2]", step=0, data=data)
    net.train(data=data, epochs=1)
    net.init(data=data)
    with pytest.raises(wg.WhygradError, match="was not trained"):
        net.why("w1[0,2]", step=0, data=data)


def test_a_training_that_failed_is_replayed_as_far_as_it_came() -> None:
    data = {"x": np.linspace(1, 2, 12), "y": np.linspace(3, 4, 12)}
    net = wg.Network(
        "given x[n], y[n]\nbatch n\nparam w ~ ones\nJ = mean[n]((w * x[n] - y[n])**2)\nminimize J"
    )
    net.init(data=data)
    with pytest.raises(wg.TrainingError, match="training stopped at step"):
        net.train(data=data, epochs=9, batch_size=4, optimizer=wg.SGD(1e40))
    assert net.run is not None and net.run.kept > 0
    last = net.run.kept - 1
    assert replay(net, net.bind(data, {}), last).after["w"] == net.params["w"]
    c = net.why("w", step=last, data=data)
    assert abs(c.difference) <= 1e-12 * c.magnitude
