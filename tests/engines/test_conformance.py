"""What every engine must do: the same tests for each of them."""

from __future__ import annotations

import numpy as np
import pytest
from tests.engines.cases import CASES, Case
from tests.oracle.loops import Loops

from whygrad.engines.base import Engine, Program
from whygrad.engines.native import NativeEngine
from whygrad.engines.reference import ReferenceEngine
from whygrad.errors import DataError, TrainingError
from whygrad.language.parsing import parse

ENGINES: dict[str, Engine] = {
    "reference": ReferenceEngine(),
    "native": NativeEngine(threads=1),
    "native on two threads": NativeEngine(threads=2),
}


@pytest.fixture(params=ENGINES.values(), ids=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    return request.param


def compiled(
    engine: Engine, text: str, *wanted: str, dtype: str = "float64", **sizes: int
) -> Program:
    return engine.compile(parse(text), sizes, wanted, dtype)


def wanted(case: Case) -> list[str]:
    return [*case.system.definitions, *(f"{u.name} <-" for u in case.system.updates)]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.name)
def test_every_element_is_what_plain_loops_give(engine: Engine, case: Case, dtype: str) -> None:
    found = engine.compile(case.system, case.all_sizes, wanted(case), dtype).run(case.arrays)
    loops = Loops(case.system, case.all_sizes, case.arrays)
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    for name in wanted(case):
        with np.errstate(all="ignore"):
            update = name.endswith(" <-")
            expected = loops.update(name[:-3]) if update else loops.tensor(name)
        assert found[name].shape == expected.shape
        assert found[name].dtype == dtype
        assert found[name] == pytest.approx(expected, rel=tolerance, abs=tolerance, nan_ok=True), (
            name
        )


# Numbers worked by hand


def test_the_two_nodes_of_the_first_lecture(engine: Engine) -> None:
    program = compiled(
        engine,
        """
        given x, y
        param w1 ~ ones, b1 ~ zeros, w2 ~ ones, b2 ~ zeros
        a1 = sigmoid(w1*x + b1)
        yhat = sigmoid(w2*a1 + b2)
        J = (yhat - y)**2 / 2
        """,
        "a1",
        "yhat",
        "J",
    )
    found = program.run({"x": 0.0, "y": 0.5, "w1": 3.0, "b1": 0.0, "w2": 2.0, "b2": -1.0})
    assert found == {"a1": 0.5, "yhat": 0.5, "J": 0.0}


def test_a_strided_convolution_and_its_scatter(engine: Engine) -> None:
    program = compiled(
        engine,
        """
        given x[u], w[r], d[p]
        size a = 5, p = 2
        y[p] = sum[r](x[2*p + r] * w[r])
        dx[a] = sum[p,r | 2*p + r == a](d[p] * w[r])
        """,
        "y",
        "dx",
        u=5,
        r=3,
    )
    found = program.run({"x": [1.0, 2, 3, 4, 5], "w": [1.0, 10, 100], "d": [1.0, 2]})
    assert found["y"].tolist() == [321.0, 543.0]
    assert found["dx"].tolist() == [1.0, 10.0, 102.0, 20.0, 200.0]


def test_starts_are_stored_with_the_tensor_from_the_first_on(engine: Engine) -> None:
    program = compiled(
        engine,
        """
        given x[t]
        s[t] = s[t-1] + x[t]
        s[-1] = 10
        r[t] = 2 * r[t+1]
        r[size(t)] = 1
        """,
        "s",
        "r",
        t=3,
    )
    found = program.run({"x": [1.0, 2, 3]})
    assert found["s"].tolist() == [10, 11, 13, 16]
    assert found["r"].tolist() == [8, 4, 2, 1]


def test_the_first_of_equals_wins(engine: Engine) -> None:
    program = compiled(engine, "given x[i,j]\nm = argmax[i,j](x[i,j])", "m", i=2, j=3)
    assert program.run({"x": [[0.0, 1, 0], [1, 0, 1]]})["m"] == 1


def test_a_false_bracket_beside_infinity_is_zero(engine: Engine) -> None:
    program = compiled(
        engine,
        """
        given x[n]
        a[n] = [n == 1] * x[n]
        b = sum[n]([n == 1] * x[n])
        c = sum[n | n == 1](1 / x[n])
        """,
        *"abc",
        n=3,
    )
    found = program.run({"x": [np.inf, 2.0, np.nan]})
    assert found["a"].tolist() == [0, 2, 0]
    assert (found["b"], found["c"]) == (2.0, 0.5)


def test_whole_numbers_stay_exact_in_float32(engine: Engine) -> None:
    """Also where a float32 cannot hold them: it would make 16777216 of 2**24 + 1."""
    text = "given x[n], k\na[n] = x[(n * 20000001) % 3]\nb = x[k % 3]"
    program = compiled(engine, text, "a", "b", dtype="float32", n=3)
    found = program.run({"x": [1.0, 2.0, 3.0], "k": np.array(2**24 + 1)})
    assert found["a"].tolist() == [1.0, 1.0, 1.0]
    assert found["b"] == 3.0


def test_what_a_condition_excludes_is_not_read(engine: Engine) -> None:
    """A subscript from data may leave its range where nothing depends on it."""
    program = compiled(
        engine,
        """
        given x[i], k[n]
        a[n] = where(k[n] < 2, x[k[n]], -1)
        b[n] = [k[n] < 2] * x[k[n]]
        c = sum[n | k[n] < 2](x[k[n]])
        d[n] = [k[n] < 2] * [x[k[n]] > 5]
        e = sum[n | k[n] < 2 and x[k[n]] > 5](1)
        f[n] = where(k[n] >= 2 or x[k[n]] > 5, 1, 0)
        g[n] = where(k[n] >= 2, -1, x[k[n]])
        h[n] = h[pad(n-1)] + where(k[n] < 2, sum[j](x[k[n]] * j), 0)
        l[i] = sum[n | k[n] == i](x[i])
        """,
        *"abcdefghl",
        j=3,
        i=2,
        n=3,
    )
    found = program.run({"x": [5.0, 6.0], "k": np.array([1, 0, 7])})
    assert found["a"].tolist() == [6, 5, -1]
    assert found["b"].tolist() == [6, 5, 0]
    assert found["c"] == 11
    assert found["d"].tolist() == [1, 0, 0]
    assert found["e"] == 1
    assert found["f"].tolist() == [1, 0, 1]
    assert found["g"].tolist() == [6, 5, -1]
    assert found["h"].tolist() == [18, 33, 33]
    assert found["l"].tolist() == [5, 6]


# Training, settings, noise


TEXT = """
given x[n], y[n]
batch n
param w ~ ones
setting rate = 0.25
state steps ~ zeros
e[n] = w * x[n] - y[n]
J = mean[n](e[n]**2) / 2
g = mean[n](e[n] * x[n])
w <- w - rate * g
steps <- steps + 1
minimize J
"""


def test_the_batch_may_have_another_size_in_each_run(engine: Engine) -> None:
    program = compiled(engine, TEXT, "J")
    assert program.run({"x": [1.0, 2.0], "y": [0.0, 0.0], "w": 2.0})["J"] == 5.0
    assert program.run({"x": [1.0, 2.0, 2.0], "y": [0.0, 0.0, 0.0], "w": 2.0})["J"] == 6.0


def test_a_setting_has_its_value_from_the_text_or_from_the_caller(engine: Engine) -> None:
    program = compiled(engine, TEXT, "w <-")
    arrays = {"x": [1.0], "y": [0.0], "w": 2.0}
    assert program.run(arrays)["w <-"] == 1.5
    assert program.run({**arrays, "rate": 1.0})["w <-"] == 0.0


def test_an_epoch_updates_in_place_batch_by_batch(engine: Engine) -> None:
    program = compiled(engine, TEXT, "J")
    arrays = {
        "x": np.array([1.0, 2.0, 3.0]),
        "y": np.zeros(3),
        "w": np.array(2.0),
        "steps": np.array(0.0),
    }
    w, steps = arrays["w"], arrays["steps"]
    values = program.epoch(arrays, np.array([2, 0, 1]), 2)
    # first x = 3, 1: J = 4·(9+1)/2/2 = 10, g = 2·5 = 10, w = -0.5; then x = 2: g = -2, w = 0
    assert list(values) == ["J"] and values["J"].tolist() == [10.0, 0.5]
    assert arrays["w"] is w and arrays["steps"] is steps
    assert (w.item(), steps.item()) == (0.0, 2.0)


FOLLOWED = """
given x[n,i], y[n]
batch n
param w[i] ~ zeros
noise e[i] ~ normal(0, 1)
z[n] = sum[i](w[i] * x[n,i])
J = mean[n]((z[n] - y[n])**2)
right = sum[n]([z[n] > 0])
power[i] = sum[n](z[n] * x[n,i])**4
w[i] <- w[i] + 1
minimize J
"""


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_epoch_tells_what_the_wanted_equations_gave(engine: Engine, dtype: str) -> None:
    """Nothing of parameters, of noise and of what has the batch index."""
    wanted = ("w <-", "power", "w", "e", "z", "right")
    program = compiled(engine, FOLLOWED, *wanted, dtype=dtype, i=2)
    x = np.array([[1.0, 0], [-1, 2], [0, 1], [3, 0], [1, 1]]).astype(dtype)
    arrays = {"x": x, "y": np.zeros(5, dtype), "w": np.zeros(2, dtype)}
    values = program.epoch(arrays, np.arange(5), 2)
    # w = 0: z = 0, 0; w = 1: z = 1, 3; w = 2: z = 4
    assert list(values) == ["J", "power", "right"]
    assert values["J"].tolist() == [0, 5, 16]
    assert values["right"].tolist() == [0, 2, 1]
    assert values["power"].tolist() == [[0, 0], [9.0**4, 1], [4.0**4, 4.0**4]]
    assert all(v.dtype == np.float64 for v in values.values())


def test_what_is_only_followed_may_be_infinite(engine: Engine) -> None:
    text = FOLLOWED.replace("**4", "**400")
    program = compiled(engine, text, "power", i=2)
    arrays = {"x": np.full((2, 2), 9.0), "y": np.zeros(2), "w": np.ones(2)}
    assert np.isinf(program.epoch(arrays, np.arange(2), 2)["power"]).all()
    arrays["x"][1] = 1e300
    with pytest.raises(TrainingError, match="the first to go bad was J"):
        program.epoch(arrays, np.arange(2), 1)


def test_the_first_to_go_bad_is_one_that_the_cost_needs(engine: Engine) -> None:
    """Also if it is followed, and not what is followed alone and was infinite all along."""
    text = """
        param w ~ zeros
        alone = exp(1000 - w)
        s = exp(w)
        J = s**2
        w <- w + 300
        minimize J
        """
    program = compiled(engine, text, "alone", "s")
    with pytest.raises(TrainingError, match=r"step 2: J is inf; the first to go bad was J"):
        program.epoch({"w": np.array(0.0)}, np.arange(5), 1)
    with pytest.raises(TrainingError, match=r"step 0: J is inf; the first to go bad was s"):
        program.epoch({"w": np.array(800.0)}, np.arange(5), 1)


def test_a_cost_that_is_a_parameter_as_it_stands_is_told_as_it_was(engine: Engine) -> None:
    program = compiled(engine, "param w ~ ones\nJ = w\nw <- w - 1\nminimize J", "J")
    assert program.epoch({"w": np.array(5.0)}, np.arange(3), 1)["J"].tolist() == [5, 4, 3]


def test_an_epoch_stops_before_the_step_that_is_not_finite(engine: Engine) -> None:
    program = compiled(engine, TEXT, "J")
    arrays = {
        "x": np.array([1.0, 1e200]),
        "y": np.zeros(2),
        "w": np.array(1.0),
        "steps": np.array(0.0),
    }
    with pytest.raises(TrainingError, match=r"step 8.*J is inf.*first to go bad was J"):
        program.epoch(arrays, np.array([0, 1]), 1, step=7)
    assert (arrays["w"].item(), arrays["steps"].item()) == (0.75, 1.0)


NOISY = """
given x[n]
batch n
noise m[n] ~ bernoulli(0.5), g[n] ~ normal(1, 2), u[n] ~ uniform(3, 4)
a[n] = where(training, m[n] * x[n], x[n])
b[n] = g[n]
c[n] = u[n]
"""


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_noise_may_stand_in_a_subscript(engine: Engine, dtype: str) -> None:
    text = """
        given x[n], g[v]
        batch n
        param w ~ ones
        noise q[n] ~ bernoulli(0.5)
        J = mean[n](g[pad(2 * q[n])] * x[n]) + w
        w <- w - mean[n](g[pad(q[n])])
        minimize J
        """
    results = []
    for each in (engine, ReferenceEngine()):
        arrays = {"x": np.arange(1.0, 20), "g": np.array([3.0, 5, 11]), "w": np.array(1.0)}
        arrays = {name: array.astype(dtype) for name, array in arrays.items()}
        program = compiled(each, text, "J", dtype=dtype, v=3)
        told = program.epoch(arrays, np.arange(19), 7, seed=4)
        results.append([*told["J"], arrays["w"].item()])
    np.testing.assert_allclose(results[0], results[1], rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_product_is_formed_in_the_order_of_the_text(engine: Engine, dtype: str) -> None:
    """Two large factors first would be infinite."""
    text = "given x[n], y[n]\nz[n] = exp(x[n]) * y[n] * y[n]"
    program = compiled(engine, text, "z", dtype=dtype, n=9)
    x, y = {"float32": (-60.0, 1e20), "float64": (-600.0, 1e200)}[dtype]
    arrays = {"x": np.full(9, x, dtype), "y": np.full(9, y, dtype)}
    assert np.isfinite(program.run(arrays)["z"]).all()


def test_noise_depends_on_seed_step_and_name_alone(engine: Engine) -> None:
    program = compiled(engine, NOISY, *"abc", n=1000)
    arrays = {"x": np.ones(1000)}
    found = program.run(arrays, seed=1, step=2)
    again = program.run(arrays, seed=1, step=2)
    assert all(np.array_equal(found[n], again[n]) for n in "abc")
    for other in (program.run(arrays, seed=2, step=2), program.run(arrays, seed=1, step=3)):
        assert not any(np.array_equal(found[n], other[n]) for n in "abc")
    assert set(found["a"]) == {0.0, 1.0}
    assert found["a"].mean() == pytest.approx(0.5, abs=0.06)
    assert (found["b"].mean(), found["b"].std()) == pytest.approx((1, 2), abs=0.2)
    assert 3 <= found["c"].min() < 3.05 < 3.95 < found["c"].max() < 4


def test_in_prediction_the_noise_is_not_drawn(engine: Engine) -> None:
    program = engine.compile(parse(NOISY), {"n": 3}, ["a"], training=False)
    assert program.run({"x": [1.0, 2.0, 3.0]})["a"].tolist() == [1, 2, 3]


def test_what_only_the_other_mode_reads_does_not_have_to_be_there(engine: Engine) -> None:
    text = "given x\nstate m ~ zeros\na = x - where(training, x / 2, m)"
    train = engine.compile(parse(text), {}, ["a"], training=True)
    predict = engine.compile(parse(text), {}, ["a"], training=False)
    assert train.run({"x": 3.0})["a"] == 1.5
    assert predict.run({"x": 3.0, "m": 1.0})["a"] == 2.0
    with pytest.raises(DataError, match="m \\(state\\)"):
        predict.run({"x": 3.0})


def test_results_do_not_share_memory_with_the_arrays_given(engine: Engine) -> None:
    program = compiled(engine, "given x[n], s\na[n] = x[n]\nb = s\nc[n] = a[n]", *"abc", n=2)
    arrays = {"x": np.ones(2), "s": np.array(1.0)}
    found = program.run(arrays)
    arrays["x"][:] = 7
    arrays["s"][...] = 7
    found["a"][:] = 8
    assert (found["b"], found["c"].tolist()) == (1.0, [1.0, 1.0])


# Errors


def test_a_missing_array_is_named(engine: Engine) -> None:
    with pytest.raises(DataError, match=r"no array was given for w \(param\)"):
        compiled(engine, TEXT, "J").run({"x": [1.0], "y": [1.0]})


def test_only_what_is_needed_has_to_be_there(engine: Engine) -> None:
    program = compiled(engine, "given x, y\na = x\nb = y", "a")
    assert program.run({"x": 3.0}) == {"a": 3.0}


def test_a_wrong_shape_is_shown_beside_the_right_one(engine: Engine) -> None:
    program = compiled(engine, "given x[i,j]\na = sum[i,j](x[i,j])", "a", i=2, j=3)
    with pytest.raises(DataError, match=r"x\[i, j\] has shape \(3, 2\).*\(2, 3\) \(i = 2, j = 3\)"):
        program.run({"x": np.ones((3, 2))})


@pytest.mark.parametrize("wrong", [3, -1, 0.5])
def test_class_numbers_are_checked(engine: Engine, wrong: float) -> None:
    program = compiled(engine, "given y[n] in k\nsize k = 3\na[n] = y[n]", "a", n=2)
    with pytest.raises(DataError, match=rf"y\[1\] is {wrong}.*whole numbers from 0 to 2"):
        program.run({"y": [0, wrong]})


def test_a_subscript_from_data_that_leaves_its_range_is_refused(engine: Engine) -> None:
    program = compiled(engine, "given x[i], k[n]\na[n] = x[k[n]]", "a", i=2, n=3)
    with pytest.raises(DataError, match=r"x\[k\[n\]\].* n = 2: k\[n\] is -1.* from 0 to 1"):
        program.run({"x": [5.0, 6.0], "k": np.array([1, 0, -1])})


def test_an_unknown_wish_is_refused(engine: Engine) -> None:
    with pytest.raises(DataError, match="nothing_else is wanted"):
        compiled(engine, "given x\nnothing = x", "nothing_else")
