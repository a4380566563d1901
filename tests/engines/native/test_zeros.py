"""Data with many zeros: which they are, and that training on them goes as on any others."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import dedent

import numpy as np
import pytest
from tests.engines.native.codegen.running import fenced

import whygrad as wg
from whygrad.engines.native import NativeEngine, jit, zeros
from whygrad.engines.reference import ReferenceEngine
from whygrad.language.parsing import parse
from whygrad.training.step import step_system

TEXT = """
    given x[n,i], t[n,j]
    batch n
    param w[i,j] ~ zeros
    z[n,j] = sum[i](x[n,i] * w[i,j])
    J = sum[n,j]((z[n,j] - t[n,j])**2) / size(n)
    minimize J
    """


def found(x: object, text: str = TEXT) -> frozenset[str]:
    return zeros.sparse(parse(dedent(text)), {"x": x, "t": np.ones((len(np.atleast_1d(x)), 3))})


def image(part: float) -> np.ndarray:
    """Rows of 40 numbers, of which the last ones are 0."""
    x = np.ones((30, 40))
    x[:, round(40 * (1 - part)) :] = 0
    return x


def test_margins_and_classes_as_columns_are_sparse() -> None:
    assert found(image(0.3)) == {"x"}
    assert found(np.eye(50)[np.arange(200) % 50]) == {"x"}
    assert found(-np.zeros((5, 4), np.float32)) == {"x"}


@pytest.mark.parametrize(
    "x",
    [
        image(0.1),
        np.tile([0.0, 1.0], (30, 20)),  # zeros, but no neighbours
        np.zeros((30, 3)),
        np.zeros((0, 8)),
        np.zeros((30, 0)),
        np.full((30, 8), np.nan),
        np.zeros(30),
    ],
)
def test_other_data_are_not(x: np.ndarray) -> None:
    assert found(x) == frozenset()


def test_samples_stand_on_the_first_axis() -> None:
    assert found(np.zeros((30, 30)), TEXT.replace("x[n,i]", "x[i,n]")) == frozenset()
    assert zeros.sparse(parse(dedent(TEXT)), {}) == frozenset()


def test_few_samples_tell() -> None:
    """Those at the beginning may be of a kind of their own."""
    x = np.ones((50_000, 8))
    x[35_000:] = 0
    assert found(x) == {"x"}
    assert found(np.zeros((3, 1_000_000), np.int8)) == {"x"}


# Training


def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(150, 260)), np.arange(150) % 5
    x[:, 40:120] = 0
    x[rng.random(x.shape) < 0.5] = 0
    x[7] = 0
    return x, y


def network(x: np.ndarray, y: np.ndarray) -> wg.Network:
    net = wg.Sequential([wg.Dense(136, "relu"), wg.Dense(5)], cost="cross_entropy")
    net.init(x=x, y=y)
    return net


def trained(
    engine: str = "native", dtype: str = "float64", threads: int | None = None
) -> Mapping[str, np.ndarray]:
    x, y = data()
    net = network(x, y)
    net.train(
        x=x,
        y=y,
        epochs=3,
        batch_size=31,
        optimizer=wg.SGD(0.05),
        engine=engine,
        dtype=dtype,
        threads=threads,
    )
    return dict(net.params)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_batches_of_some_size_to_the_bit_as_if_nothing_was_left_out(
    dtype: str, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = trained(dtype=dtype, threads=threads)
    monkeypatch.setattr(zeros, "PART", 2)
    for name, values in trained(dtype=dtype).items():
        np.testing.assert_array_equal(few[name], values, name)


def test_close_to_the_reference() -> None:
    for name, values in trained(engine="reference").items():
        np.testing.assert_allclose(trained()[name], values, rtol=0, atol=1e-12, err_msg=name)


def test_the_program_says_what_is_left_out() -> None:
    x, y = data()
    text = network(x, y).program(x=x, y=y)
    assert text.count("leaving out zeros of x") == 2
    x[:] = 1
    assert "leaving out" not in network(x, y).program(x=x, y=y)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_no_weights(value: float) -> None:
    """Although no sample has a number other than 0 where such a weight is."""
    x, y = data()
    for engine in ("native", "reference"):
        net = network(x, y)
        net.params["w1"][50, 3] = value
        with pytest.raises(wg.errors.DataError, match=r"w1\[50,3\]"):
            net.train(x=x, y=y, epochs=1, engine=engine)


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_nor_if_they_are_forgotten_at_once(engine: str) -> None:
    """The update does not read them, so it is finite."""
    x, _ = data()
    net = wg.Network(TEXT + "    w[i,j] <- sum[n](x[n,i] * z[n,j]) / size(n)\n")
    t = np.ones((len(x), 128))
    net.init(x=x, t=t)
    net.params["w"][50, 3] = np.inf
    with pytest.raises(wg.errors.DataError, match=r"w\[50,3\]"):
        net.train(x=x, t=t, epochs=1, engine=engine)


@pytest.mark.parametrize("engine", [NativeEngine(1), ReferenceEngine()])
def test_nor_if_they_are_too_large_for_the_type(engine: NativeEngine | ReferenceEngine) -> None:
    text = TEXT + "    w[i,j] <- sum[n](x[n,i] * z[n,j]) / size(n)\n"
    x, _ = data()
    arrays = {"x": x, "t": np.ones((len(x), 128)), "w": np.zeros((260, 128))}
    arrays["w"][50, 3] = 1e300
    program = engine.compile(parse(dedent(text)), {"i": 260, "j": 128}, ["J"], "float32")
    with np.errstate(over="ignore"), pytest.raises(wg.TrainingError, match="J is nan"):
        program.epoch(arrays, np.arange(32), 16)


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_a_subscript_out_of_range_is_one_also_beside_zeros(engine: str) -> None:
    text = TEXT.replace("x[n,i], t[n,j]", "x[n,i], t[n,j], p[i]").replace("w[i,j] ~", "w[l,j] ~")
    net = wg.Network("size l = 600\n" + dedent(text.replace("* w[i,j]", "* w[2 * p[i],j]")))
    x, _ = data()
    p = np.arange(260)
    p[50] = 300
    arrays = {"x": x, "t": np.ones((len(x), 128)), "p": p}
    net.init(**arrays)
    with pytest.raises(wg.errors.DataError, match=r"leaves its range at i = 50"):
        net.train(**arrays, epochs=1, engine=engine)


# Steps


def compare_with_numpy(engine: NativeEngine, order: np.ndarray, size: int, dtype: str) -> None:
    """Steps of an engine, on sparse data in batches of a size, beside the same by hand."""
    system = step_system(wg.Network(dedent(TEXT)), wg.SGD(0.01), None, 1, 1)
    rng = np.random.default_rng(0)
    x, t, w = rng.normal(size=(80, 300)), rng.normal(size=(80, 128)), np.zeros((300, 128))
    x *= rng.random(x.shape) < 0.1
    program = engine.compile(system, {"i": 300, "j": 128}, ["J"], dtype)
    arrays = {"lr": np.array(0.01), "x": x, "t": t, "w": w}
    arrays = {name: array.astype(dtype) for name, array in arrays.items()}
    assert zeros.sparse(system, arrays) == {"x"}
    close = {"rtol": 1e-6 if dtype == "float32" else 1e-13, "atol": 1e-6}
    for k, cost in enumerate(program.epoch(arrays, order, size)["J"]):
        rows = order[size * k :][:size]
        off = x[rows] @ w - t[rows]
        np.testing.assert_allclose(cost, (off**2).sum() / len(rows), **close, err_msg=str(k))
        w -= 0.01 * 2 * x[rows].T @ off / len(rows)
    np.testing.assert_allclose(arrays["w"], w, **close)


@pytest.mark.parametrize("threads", [1, 2])
def test_no_row_is_looked_up_behind_the_order(threads: int) -> None:
    """What is asked for ahead is in the order, or else nothing is."""
    order = fenced(64 * 8, "behind").view(np.int64)
    order[:] = np.random.default_rng(1).permutation(80)[:64]
    compare_with_numpy(NativeEngine(threads), order, 16, "float32")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("threads", [1, 2])
def test_other_processors(target: jit.Target, threads: int, dtype: str) -> None:
    order = np.random.default_rng(1).permutation(80)
    compare_with_numpy(NativeEngine(threads, target), order, 21, dtype)
