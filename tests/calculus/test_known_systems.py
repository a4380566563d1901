"""The networks of tests/systems agree with JAX, value for value and derivative for derivative."""

from __future__ import annotations

import numpy as np
import pytest
from tests.oracle.agreement import disagreements
from tests.oracle.differences import central_differences
from tests.oracle.jax_twin import Twin
from tests.systems.catalogue import KNOWN, Known

from whygrad.language.parsing import parse

known = pytest.mark.parametrize("network", KNOWN.values(), ids=lambda network: network.name)


@known
@pytest.mark.parametrize("seed", [0, 1])
def test_every_value_and_derivative_agrees_with_jax(network: Known, seed: int) -> None:
    inner = [name for name in network.system.definitions if name != network.system.cost]
    reached = [name for name in inner if name not in ("best",)]  # argmax has no derivative
    found = disagreements(
        network.system,
        network.sizes,
        network.arrays(seed),
        [*network.differentiable, *reached],
    )
    assert [str(d) for d in found] == []


@pytest.mark.parametrize("name", ["batch_norm", "dropout"])
def test_so_it_does_in_prediction_where_that_differs(name: str) -> None:
    network = KNOWN[name]
    found = disagreements(
        network.system, network.sizes, network.arrays(), network.differentiable, training=False
    )
    assert [str(d) for d in found] == []


@known
def test_the_oracle_itself_agrees_with_central_differences(network: Known) -> None:
    twin = Twin(network.system, network.sizes)
    arrays = network.arrays()
    for t in network.system.of_kind("noise"):
        arrays[t.name] = twin_noise(twin.shape(t.name))
    gradients = twin.gradients(arrays, network.differentiable)
    for name in network.differentiable:
        expected = central_differences(twin.cost, arrays, name)
        assert gradients[name] == pytest.approx(expected, rel=1e-6, abs=1e-6)


def twin_noise(shape: tuple[int, ...]) -> np.ndarray:
    """Something in the place of noise, which an engine would draw."""
    return np.arange(np.prod(shape)).reshape(shape) % 2


@known
def test_its_text_survives_printing(network: Known) -> None:
    assert parse(str(network.system)) == network.system
