"""A network that was saved comes back the same to the bit, in this process and in another."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tests.oracle.random_systems import random_case
from tests.storage.likeness import TEXT, X, Y, assert_same, network, reloaded, table, trained
from tests.systems.catalogue import KNOWN

import whygrad as wg


def test_a_network_comes_back_with_all_that_it_keeps(tmp_path: Path) -> None:
    net = network()
    loaded = reloaded(net, tmp_path)
    assert_same(net, loaded)
    assert loaded.predict(x=X).tobytes() == net.predict(x=X).tobytes()
    assert loaded.preprocessing is None


@pytest.mark.parametrize("name", KNOWN)
def test_every_known_network_comes_back_and_computes_the_same_bits(
    name: str, tmp_path: Path
) -> None:
    known = KNOWN[name]
    net = wg.Network(known.text)
    given = {t.name for t in net.system.of_kind("given")}
    arrays = known.arrays()
    data = {name: array for name, array in arrays.items() if name in given}
    net.init(sizes=known.sizes, data=data)
    for kept in (net.params, net.states, net.settings):
        kept.update({name: arrays[name] for name in kept})
    loaded = reloaded(net, tmp_path)
    assert_same(net, loaded)
    mine, theirs = net.forward(data=data), loaded.forward(data=data)
    assert all(mine[name].tobytes() == theirs[name].tobytes() for name in mine)


@pytest.mark.filterwarnings("ignore:the cost J does not depend:UserWarning")
@settings(max_examples=30, deadline=None, database=None)
@given(st.integers(0, 2**32 - 1))
def test_random_networks_come_back(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    case = random_case(random.Random(seed))
    net = wg.Network(case.text)
    given = {t.name for t in net.system.of_kind("given")}
    net.init(sizes=case.sizes, data={n: a for n, a in case.arrays.items() if n in given})
    assert_same(net, reloaded(net, tmp_path_factory.mktemp("random")))


NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def kept(draw: st.DrawFn) -> tuple[str, dict[str, np.ndarray]]:
    """The text of a network that computes nothing of note, and finite values for it."""
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    comment = draw(st.text(max_size=30)).replace("\n", " ").replace("\r", " ")
    lines = [f"# {comment}", f"size {', '.join(f'i{n} = {s}' for n, s in enumerate(sizes))}"]
    values = {}
    for number in range(draw(st.integers(1, 4))):
        axes = draw(st.lists(st.sampled_from(range(len(sizes))), unique=True))
        name = draw(st.sampled_from(["w", "θ", "block.w", "checksum", "__metadata__"])) + str(
            number
        )
        kind = draw(st.sampled_from(["param", "state"])) if number else "param"
        indices = f"[{','.join(f'i{axis}' for axis in axes)}]" if axes else ""
        lines.append(f"{kind} {name}{indices} ~ zeros")
        values[name] = draw(
            hnp.arrays(np.float64, tuple(sizes[axis] for axis in axes), elements=NUMBERS)
        )
    lines += ["setting lr = 1", "J = lr", "minimize J"]
    return "\n".join(lines) + "\n", {**values, "lr": np.array(draw(NUMBERS))}


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=60, deadline=None, database=None)
@given(kept(), st.sampled_from("CF"))
def test_any_finite_values_and_any_comments_come_back(
    tmp_path_factory: pytest.TempPathFactory,
    given: tuple[str, dict[str, np.ndarray]],
    order: str,
) -> None:
    text, values = given
    net = wg.Network(text).init()
    for kind in (net.params, net.states, net.settings):
        kind.update({n: np.array(values[n], order=order) for n in kind})
    loaded = reloaded(net, tmp_path_factory.mktemp("any"))
    assert_same(net, loaded)
    again = {**loaded.params, **loaded.states, **loaded.settings}
    assert all(again[name].tobytes() == array.tobytes() for name, array in values.items())


def test_it_predicts_the_same_bits_in_another_process_which_saves_the_same_bytes(
    tmp_path: Path,
) -> None:
    net = network()
    net.save(tmp_path / "model")
    np.save(tmp_path / "x.npy", X)
    code = """
import sys, numpy as np, whygrad as wg
folder = sys.argv[1]
net = wg.load(f"{folder}/model")
np.save(f"{folder}/yhat.npy", net.predict(x=np.load(f"{folder}/x.npy")))
net.save(f"{folder}/again")
"""
    for seed in "1", "2":
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, env=environment)
        assert np.load(tmp_path / "yhat.npy").tobytes() == net.predict(x=X).tobytes()
        assert (tmp_path / "again").read_bytes() == (tmp_path / "model").read_bytes()


def test_all_that_belongs_to_a_trained_network_comes_back(tmp_path: Path) -> None:
    net = trained()
    loaded = reloaded(net, tmp_path)
    assert_same(net, loaded)
    assert net.preprocessing is not None and net.history is not None and net.run is not None
    assert loaded.preprocessing == net.preprocessing
    assert loaded.history == net.history
    assert loaded.run == net.run
    assert {name: array.tobytes() for name, array in loaded.run.arrays.items()} == {
        name: array.tobytes() for name, array in net.run.arrays.items()
    }
    for answer in wg.Network.predict_table, wg.Network.held_out:
        assert answer(loaded, table()).equals(answer(net, table()))
    assert loaded.score(table()) == net.score(table())


def test_a_trained_network_predicts_the_same_bits_in_another_process(tmp_path: Path) -> None:
    net = trained()
    net.save(tmp_path / "model")
    table().drop("kind").write_parquet(tmp_path / "table.parquet")
    code = """
import sys, whygrad as wg
folder = sys.argv[1]
net = wg.load(f"{folder}/model")
net.predict_table(f"{folder}/table.parquet").write_parquet(f"{folder}/answers.parquet")
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    assert pl.read_parquet(tmp_path / "answers.parquet").equals(net.predict_table(table()))


def test_training_goes_on_from_a_loaded_network_as_from_the_first(tmp_path: Path) -> None:
    net = network()
    loaded = reloaded(net, tmp_path)
    for each in net, loaded:
        each.train(x=X, y=Y, epochs=3, batch_size=2, seed=4)
    assert_same(net, loaded)


def test_other_programs_find_the_arrays_and_the_text(tmp_path: Path) -> None:
    from safetensors import safe_open

    net = network()
    net.save(tmp_path / "model")
    with safe_open(tmp_path / "model", "numpy") as file:
        words = file.metadata()
        assert wg.Network(words["text"]).system == wg.Network(TEXT).system
        assert words["format"] == "whygrad model" and words["version"] == "1"
        assert words["whygrad"] == wg.__version__
        assert set(file.keys()) == {"value/w1", "value/w2", "value/mean.h", "value/lr"}
        assert file.get_tensor("value/w1").tobytes() == net.params["w1"].tobytes()


@pytest.mark.parametrize("name", ["checksum", "__metadata__", "text", "value"])
def test_no_name_and_no_comment_meets_what_the_file_itself_says(name: str, tmp_path: Path) -> None:
    zeros = '"checksum":"' + "0" * 64 + '"'
    net = wg.Network(f"param {name} ~ ones  # {zeros}\nJ = {name}**2\nminimize J\n").init()
    assert_same(net, reloaded(net, tmp_path))


def test_nothing_is_pickled() -> None:
    sources = Path(str(files("whygrad"))).rglob("*.py")
    assert [path.name for path in sources if "pickle" in path.read_text(encoding="utf-8")] == []
