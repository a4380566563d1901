"""Copies of a network, here and in another process."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
from tests.systems.catalogue import KNOWN, Known

import whygrad as wg
from whygrad.language.parsing import parse

X = np.random.default_rng(0).normal(size=(30, 2))


def network() -> wg.Network:
    net = wg.Sequential([wg.Dense(4, "tanh"), wg.Dense(3)], cost="cross_entropy")
    net.init(x=X, y=np.arange(30) % 3)
    net.train(x=X, y=np.arange(30) % 3, epochs=2)
    return net


@pytest.mark.parametrize("known", KNOWN.values(), ids=lambda known: known.name)
def test_a_text_is_the_same_after_the_way_through_bytes(known: Known) -> None:
    system = parse(known.text)
    again = pickle.loads(pickle.dumps(system))
    assert again == system and hash(again) == hash(system)
    assert again == copy.deepcopy(system)


def test_a_copy_of_a_network_goes_its_own_way() -> None:
    net = network()
    other = copy.deepcopy(net)
    expected = net.predict(x=X)
    np.testing.assert_array_equal(other.predict(x=X), expected)
    other.train(x=X, y=np.arange(30) % 3, epochs=2)
    np.testing.assert_array_equal(net.predict(x=X), expected)
    assert not np.array_equal(other.predict(x=X), expected)


def test_a_network_goes_to_another_process(tmp_path) -> None:
    """Where the hashes of texts are others."""
    net = network()
    (tmp_path / "net").write_bytes(pickle.dumps(net))
    np.save(tmp_path / "x.npy", X)
    script = (
        "import pickle, numpy as np\n"
        "net = pickle.loads(open('net', 'rb').read())\n"
        "np.save('found.npy', net.predict(x=np.load('x.npy')))\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "found.npy"), net.predict(x=X))
