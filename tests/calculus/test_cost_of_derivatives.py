"""All derivatives together take at most five times the multiplications of the forward pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from tests.systems.catalogue import KNOWN, Known

from whygrad.calculus import derive
from whygrad.engines.reference import ReferenceEngine
from whygrad.language.sizes import infer_sizes
from whygrad.language.system import System

MOST = 5


def multiplications(system: System, network: Known, wanted: Sequence[str]) -> int:
    """How many multiplications and function evaluations a run takes."""
    program = ReferenceEngine().compile(system, infer_sizes(system, network.sizes), wanted)
    program.run(network.arrays())
    return program.multiplications


def ratio(network: Known, wrt: Sequence[str]) -> float:
    """Forward and backward together, over forward alone: as written, or as derived if cheaper."""
    system = network.system
    derived = derive(system, wrt=wrt).simplified_system
    assert system.cost is not None
    cost = [system.cost]
    forward = min(multiplications(s, network, cost) for s in (system, derived))
    return multiplications(derived, network, [*cost, *(f"δ{name}" for name in wrt)]) / forward


def parameters(network: Known) -> list[str]:
    return [t.name for t in network.system.of_kind("param")]


@pytest.mark.parametrize("network", KNOWN.values(), ids=lambda network: network.name)
def test_every_known_system(network: Known) -> None:
    assert ratio(network, parameters(network)) <= MOST


# Sizes at which a derivative that runs over a whole index space would stand out.
LARGE: Mapping[str, Mapping[str, int]] = {
    "classification": {"n": 64, "i": 50, "j": 40, "k": 10},
    "embedding": {"v": 5000, "d": 16},
    "convolution_padded": {"u": 16, "v": 16, "p": 16, "q": 16, "c": 3, "o": 8},
    "convolution_strided": {"u": 33, "v": 33, "p": 16, "q": 16, "p2": 8, "q2": 8},
    "convolution_dilated": {"t": 64, "c": 8, "e": 8},
    "pooling_max": {"u": 17, "v": 17, "f": 16, "g": 16, "p": 8, "q": 8, "m": 128},
    "attention": {"t": 24, "u": 24, "d": 16, "a": 4, "e": 8},
    "transformer": {"t": 16, "u": 16, "v": 100, "d": 16, "a": 4, "e": 4, "f": 32},
    "lstm": {"t": 20, "d": 8, "j": 16, "l": 16},
    "concatenation": {"j": 40, "k": 30, "m": 70},
}


@pytest.mark.parametrize("name", LARGE)
def test_at_larger_sizes(name: str) -> None:
    network = KNOWN[name].resized(LARGE[name])
    assert ratio(network, parameters(network)) <= MOST


def test_an_embedding_costs_what_its_lookups_cost() -> None:
    """Not what the table costs: a larger vocabulary takes not one multiplication more."""
    small = KNOWN["embedding"]
    large = small.resized({"v": 100 * small.sizes["v"]})
    counts = []
    for network in (small, large):
        derived = derive(network.system, wrt=["table"]).simplified_system
        counts.append(multiplications(derived, network, ["δtable"]))
    assert counts[0] == counts[1]
