"""The record of a training: complete, checked when read, and enough to run it again to the bit."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import whygrad as wg
from whygrad.network.optimizers import Optimizer
from whygrad.network.schedules import Schedule
from whygrad.training import Run, run
from whygrad.training.run import WRITERS, fingerprint
from whygrad.training.trainer import Trainer

from .problems import PROBLEMS, classification, regression, same, values

CASES = [
    ("regression", wg.SGD(0.05, momentum=0.9), "float64"),
    ("regression", wg.SGD(wg.Step(0.05, every=2, factor=0.5), l1=0.01), "float32"),
    ("classification", wg.Adam(wg.Cosine(0.05, end=0.001), weight_decay=0.1), "float32"),
    ("running", wg.Adam(wg.Exponential(0.05), l2=0.01), "float64"),
]


def stored(run: Run) -> Run:
    """The run as a file gives it back."""
    return Run.from_json(json.loads(json.dumps(run.to_json())), run.arrays)


@pytest.mark.parametrize(("problem", "optimizer", "dtype"), CASES)
def test_a_run_read_back_trains_to_the_same_bits(
    problem: str, optimizer: Optimizer, dtype: str
) -> None:
    net, data = PROBLEMS[problem]()
    options = {"optimizer": optimizer, "validation": 0.25, "seed": 5, "dtype": dtype}
    net.train(data=data, epochs=4, batch_size=7, **options)
    reached = values(net)
    assert net.run is not None and net.run.taken == net.run.kept == 4 * 7
    again, _ = PROBLEMS[problem]()
    trainer = Trainer(again, stored(net.run), again.bind(data, {}))
    trainer.go_to(net.run.kept)
    assert same({name: trainer.values[name] for name in reached}, reached)


@pytest.fixture(scope="module")
def trainer() -> Trainer:
    net, data = regression()
    net.train(data=data, epochs=4, batch_size=7)
    assert net.run is not None
    return Trainer(net, net.run, net.bind(data, {}))


@pytest.fixture(scope="module")
def straight(trainer: Trainer) -> list[dict[str, np.ndarray]]:
    """The values after each step, one after the other."""
    found = []
    for step in range(37):
        trainer.go_to(step)
        found.append(trainer.checkpoint().values)
    return found


@settings(max_examples=20, deadline=None)
@given(steps=st.lists(st.integers(0, 36), min_size=1, max_size=6))
def test_any_number_of_steps_can_be_gone_to_in_any_order(
    trainer: Trainer, straight: list[dict[str, np.ndarray]], steps: list[int]
) -> None:
    for step in steps:
        trainer.go_to(step)
        assert trainer.steps == step
        assert same(trainer.checkpoint().values, straight[step])


@pytest.mark.parametrize("slice_", [0, 1e9])
def test_after_epochs_it_goes_back_by_a_step_or_to_any(
    slice_: float, trainer: Trainer, straight: list[dict[str, np.ndarray]], monkeypatch
) -> None:
    """With slices of no time there is a checkpoint after each step; else there is none."""
    monkeypatch.setattr("whygrad.training.trainer.SLICE", slice_)
    for back in (1, 2, 9, 18):
        trainer.go_to(0)
        while trainer.steps < 18:
            trainer.advance(18)
        trainer.go_to(18 - back)
        assert same(trainer.checkpoint().values, straight[18 - back])


def test_a_replay_step_is_the_gradient_of_its_batch() -> None:
    net, data = regression()
    net.train(data=data, epochs=3, batch_size=7, optimizer=wg.SGD(0.1))
    assert net.run is not None
    trainer = Trainer(net, net.run, net.bind(data, {}))
    trainer.go_to(11)
    rows = trainer.batch(11)
    net.params.update({name: trainer.values[name] for name in net.params})
    slopes = net.gradients(x=data["x"][rows], y=data["y"][rows])
    trainer.go_to(12)
    for name, slope in slopes.items():
        expected = net.params[name] - 0.1 * slope
        np.testing.assert_allclose(trainer.values[name], expected, rtol=1e-12)


def test_the_record_holds_the_values_from_before_and_does_not_follow_the_network() -> None:
    net, data = regression()
    before, held = values(net), net.params["w1"]
    net.train(data=data, epochs=2)
    assert net.run is not None
    held[...] = 0
    net.params["w1"][...] = 0
    assert same(net.run.arrays, before)


def test_settings_are_recorded() -> None:
    text = """
    given x[n]
    batch n
    setting rate = 0.5
    param w ~ ones
    J = mean[n](w * x[n])
    minimize J
    w <- w - rate * δw
    """
    net = wg.Network(text).init()
    net.settings["rate"] = 0.25
    net.train(x=np.ones(2), epochs=1)
    net.settings["rate"] = 3
    assert net.run is not None
    trainer = Trainer(net, net.run, net.bind({"x": np.ones(2)}, {}))
    trainer.go_to(1)
    assert float(trainer.values["w"]) == 0.75


@pytest.mark.parametrize(
    "change",
    [
        lambda data: {**data, "x": data["x"] + 1e-12},
        lambda data: {**data, "x": data["x"][::-1]},
        lambda data: {name: array[:-1] for name, array in data.items()},
        lambda data: {**data, "y": data["y"] + 1},
    ],
)
def test_other_data_are_told_from_those_of_the_run(change: Callable) -> None:
    net, data = regression()
    net.train(data=data, epochs=1)
    assert net.run is not None
    net.run.check(net.bind({name: array.copy() for name, array in data.items()}, {}))
    with pytest.raises(wg.DataError, match="not the data that the network was trained on"):
        net.run.check(net.bind(change(data), {}))


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: {},
        lambda arrays: {name: array for name, array in arrays.items() if name != "w1"},
        lambda arrays: {**arrays, "w1": arrays["w1"].T},
        lambda arrays: {**arrays, "w9": arrays["w1"]},
    ],
)
def test_the_run_of_another_network_is_refused(change: Callable) -> None:
    net, data = regression()
    net.train(data=data, epochs=1)
    assert net.run is not None
    run = Run.from_json(net.run.to_json(), change(net.run.arrays))
    with pytest.raises(wg.DataError, match="that of another network"):
        Trainer(net, run, net.bind(data, {}))


# What a file holds is not trusted

DAMAGES = [
    lambda r: [],
    lambda r: None,
    lambda r: {},
    lambda r: {**r, "more": 1},
    lambda r: {k: v for k, v in r.items() if k != "seed"},
    lambda r: {**r, "epochs": 0},
    lambda r: {**r, "epochs": "3"},
    lambda r: {**r, "batch_size": 2.5},
    lambda r: {**r, "validation": 1},
    lambda r: {**r, "patience": -1},
    lambda r: {**r, "seed": -1},
    lambda r: {**r, "dtype": "float16"},
    lambda r: {**r, "engine": 5},
    lambda r: {**r, "fingerprint": None},
    lambda r: {**r, "taken": -1},
    lambda r: {**r, "kept": r["taken"] + 1},
    lambda r: {**r, "optimizer": 0.1},
    lambda r: {**r, "optimizer": {}},
    lambda r: {**r, "optimizer": {**r["optimizer"], "kind": "Path"}},
    lambda r: {**r, "optimizer": {**r["optimizer"], "kind": ["SGD"]}},
    lambda r: {**r, "optimizer": {**r["optimizer"], "lr": -1}},
    lambda r: {**r, "optimizer": {**r["optimizer"], "more": -1}},
    lambda r: {**r, "optimizer": {"kind": "SGD"}},
    lambda r: {**r, "optimizer": {"kind": "Cosine", "start": 0.1, "end": 0, "epochs": None}},
    lambda r: {**r, "optimizer": {**r["optimizer"], "lr": r["optimizer"]}},
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_record_is_refused(damage: Callable) -> None:
    net, data = regression()
    net.train(data=data, epochs=1, validation=0.2)
    assert net.run is not None
    with pytest.raises(wg.DataError, match="the record of the training is damaged"):
        Run.from_json(damage(net.run.to_json()), net.run.arrays)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
ENTRIES = sorted(f.name for f in fields(Run) if f.name != "arrays")


@given(entry=st.sampled_from(ENTRIES), value=json_values)
def test_any_value_in_any_entry_is_read_or_refused(
    trainer: Trainer, entry: str, value: object
) -> None:
    written = trainer.run.to_json()
    assert stored(trainer.run) == trainer.run and sorted(written) == ENTRIES
    try:
        Run.from_json({**written, entry: value}, {})
    except wg.DataError as error:
        assert "the record of the training is damaged" in str(error)


def test_numbers_of_numpy_are_recorded_as_what_they_are() -> None:
    net, data = regression()
    net.train(
        data=data,
        epochs=np.int64(2),
        batch_size=np.int32(7),
        optimizer=wg.SGD(np.float32(0.1), momentum=np.float64(0.5)),
        validation=np.float32(0.2),
        patience=np.int16(2),
        seed=np.uint8(3),
    )
    reached = values(net)
    assert net.run is not None
    trainer = Trainer(net, stored(net.run), net.bind(data, {}))
    trainer.go_to(net.run.kept)
    assert same({name: trainer.values[name] for name in reached}, reached)


def test_every_optimizer_and_schedule_can_be_recorded() -> None:
    own = {
        kind
        for base in (Optimizer, Schedule)
        for kind in base.__subclasses__()
        if kind.__module__.startswith("whygrad.")
    }
    assert set(WRITERS.values()) == own


def test_an_optimizer_of_the_user_trains_but_cannot_be_recorded_in_a_file() -> None:
    class Slow(wg.SGD):
        """An optimiser of one's own."""

    net, data = regression()
    net.train(data=data, epochs=1, optimizer=Slow(0.1))
    assert net.run is not None
    with pytest.raises(wg.WhygradError, match="a training by Slow cannot be recorded in a file"):
        net.run.to_json()


def test_there_is_no_record_before_a_training_and_none_after_a_new_beginning() -> None:
    net, data = classification()
    assert net.run is None and net.history is None
    history = net.train(data=data, epochs=2)
    assert net.run is not None and net.history is history
    net.init(seed=3, **data)
    assert net.run is None and net.history is None


def test_the_same_seed_gives_the_same_bits_in_another_process() -> None:
    code = """
from hashlib import sha256
from tests.training.problems import PROBLEMS, values
import whygrad as wg
for make, dtype in zip(PROBLEMS.values(), ("float64", "float32", "float64")):
    net, data = make()
    history = net.train(data=data, epochs=3, batch_size=7, validation=0.2, patience=2, seed=11,
                        dtype=dtype, optimizer=wg.Adam(wg.Cosine(0.1), l1=0.1))
    digest = sha256(str(history.to_json()).encode())
    for array in values(net).values():
        digest.update(array.tobytes())
    print(digest.hexdigest())
"""
    compiled_anew = {"PYTHONHASHSEED": "2", "WHYGRAD_CACHE": "0"}
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, **changed},
        ).stdout
        for changed in ({"PYTHONHASHSEED": "1"}, compiled_anew)
    ]
    assert runs[0] == runs[1] and len(set(runs[0].split())) == len(PROBLEMS)


@pytest.mark.parametrize("piece", [run.PIECE, 4096])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_a_fingerprint_tells_large_arrays_apart(
    dtype: str, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "PIECE", piece)
    array = np.arange(50_001).astype(dtype)
    seen = {fingerprint({"x": array})}
    for place in (0, 7, 4096, 40_000, 50_000):
        other = array.copy()
        other[place] += 1
        seen.add(fingerprint({"x": other}))
    swapped = array.copy()
    swapped[[10, 20_000]] = swapped[[20_000, 10]]
    pieces = np.r_[array[1024:2048], array[:1024], array[2048:]]
    others = (swapped, pieces, array[::-1], array[:-1], -array)
    seen |= {fingerprint({"x": a}) for a in others}
    assert len(seen) == 6 + len(others)
    assert fingerprint({"x": array.copy()}) in seen
