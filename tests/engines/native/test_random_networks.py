"""Networks of random widths take the same steps as in the reference engine."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import whygrad as wg
from whygrad.engines.native.codegen import blocks, factor, module, panel, strip
from whygrad.engines.native.lowering import direct

few = st.integers(2, 40)
widths = st.builds(
    lambda first, hidden, last: [first, *hidden, last],
    st.one_of(few, st.integers(120, 300)),
    st.lists(few, min_size=1, max_size=3),
    st.integers(2, 20),
)


def trained(
    widths: list[int],
    activation: str,
    batch: int,
    zeros: float,
    engine: str,
    dtype: str,
    threads: int | None,
) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(70, widths[0])), rng.integers(0, widths[-1], 70)
    x[rng.random(x.shape) < zeros] = 0
    y[0] = widths[-1] - 1
    layers = [*(wg.Dense(w, activation) for w in widths[1:-1]), wg.Dense(widths[-1])]
    net = wg.Sequential(layers, cost="cross_entropy")
    net.init(x=x, y=y)
    net.train(
        x=x,
        y=y,
        epochs=1,
        batch_size=batch,
        optimizer=wg.SGD(0.1),
        engine=engine,
        dtype=dtype,
        threads=threads,
    )
    return dict(net.params)


def compare(
    widths: list[int], activation: str, batch: int, zeros: float, dtype: str, threads: int
) -> None:
    found = trained(widths, activation, batch, zeros, "native", dtype, threads)
    tolerance = 1e-9 if dtype == "float64" else 2e-5
    expected = trained(widths, activation, batch, zeros, "reference", "float64", None)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=0, atol=tolerance, err_msg=name)


cases = given(
    widths,
    st.sampled_from(["tanh", "sigmoid"]),
    st.integers(1, 70),
    st.sampled_from([0, 0.9]),
    st.sampled_from(["float32", "float64"]),
    st.integers(1, 3),
)


@settings(max_examples=60, deadline=None, derandomize=True)
@cases
@example([300, 10, 10], "sigmoid", 40, 0, "float32", 1)  # one tensor, read in two orders
def test_as_they_are(
    widths: list[int], activation: str, batch: int, zeros: float, dtype: str, threads: int
) -> None:
    compare(widths, activation, batch, zeros, dtype, threads)


@pytest.fixture(scope="module")
def always() -> Iterator[None]:
    """Threads, blocks, panels, strips and lists also where they do not pay."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WHYGRAD_CACHE", "0")
        patch.setattr(module, "SMALL", 1)
        patch.setattr(blocks, "LEAST", 0)
        patch.setattr(direct, "LONG", 1)
        patch.setattr(factor, "LARGE", 1)
        patch.setattr(strip, "WIDE", 20)
        for name in ("WORK", "FAR"):
            patch.setattr(panel, name, 0)
        patch.setattr(panel, "TILES", 1)
        yield


@pytest.mark.usefixtures("always")
@settings(max_examples=60, deadline=None, derandomize=True)
@cases
def test_with_all_that_pays_for_large_ones(
    widths: list[int], activation: str, batch: int, zeros: float, dtype: str, threads: int
) -> None:
    compare(widths, activation, batch, zeros, dtype, threads)
