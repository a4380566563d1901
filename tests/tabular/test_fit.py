"""From a table to a trained network, and predictions in the table's own terms."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.tabular.insects import NAMES, insects

import whygrad as wg

TRAINING = {"target": "kind", "epochs": 5, "batch_size": 8, "optimizer": wg.Adam(0.05)}


def classifier() -> wg.Network:
    return wg.Sequential([wg.Dense(5, "tanh"), wg.Dense(3)], cost="cross_entropy")


def regressor() -> wg.Network:
    return wg.Sequential([wg.Dense(5, "tanh"), wg.Dense(1)], cost="half_squared_error")


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def scores(net: wg.Network, x: np.ndarray) -> np.ndarray:
    """What a network of two dense layers gives, by hand."""
    p = net.params
    return np.tanh(x @ p["w1"] + p["b1"]) @ p["w2"] + p["b2"]


def by_hand(frame: pl.DataFrame, trained: pl.DataFrame) -> np.ndarray:
    """The inputs, standardised as the rows trained on have them."""
    columns = []
    for name in ("length", "weight", "colour", "legs"):
        if name == "colour":
            columns += [(frame[name] == value).to_numpy() for value in ("black", "red")]
        else:
            mean, spread = np.mean(trained[name].to_numpy()), np.std(trained[name].to_numpy())
            columns.append((frame[name].to_numpy() - mean) / (spread or 1))
    return np.stack(columns, axis=1).astype(float)


def trained_on(net: wg.Network, frame: pl.DataFrame) -> pl.DataFrame:
    return frame.join(net.held_out(frame), on=frame.columns, how="anti", maintain_order="left")


def test_predictions_are_names_and_probabilities_by_hand() -> None:
    frame, net = insects(), classifier()
    net.fit(frame, **TRAINING)
    expected = softmax(scores(net, by_hand(frame, trained_on(net, frame))))
    found = net.predict_table(frame)
    assert found.columns == ["kind", "kind=ant", "kind=bee", "kind=wasp"]
    np.testing.assert_allclose(found[:, 1:].to_numpy(), expected, rtol=1e-9)
    assert found["kind"].to_list() == [NAMES[k] for k in expected.argmax(axis=1)]
    assert net.score(frame) == np.mean(found["kind"].to_numpy() == frame["kind"].to_numpy())


def test_numbers_are_predicted_in_their_own_units() -> None:
    frame, net = insects().drop("kind"), regressor()
    net.fit(frame, **{**TRAINING, "target": "weight"})
    rows = trained_on(net, frame)["weight"].to_numpy()
    x = net.arrays(frame)["x"]
    expected = scores(net, x)[:, 0] * rows.std() + rows.mean()
    found = net.predict_table(frame)
    assert found.columns == ["weight"]
    np.testing.assert_allclose(found["weight"].to_numpy(), expected, rtol=1e-9)
    error, spread = expected - frame["weight"].to_numpy(), frame["weight"].to_numpy()
    r2 = 1 - np.sum(error**2) / np.sum((spread - spread.mean()) ** 2)
    np.testing.assert_allclose(net.score(frame), r2, rtol=1e-9)


def test_held_out_rows_have_no_part_in_the_standardisation() -> None:
    frame, net = insects(), classifier()
    net.fit(frame, **TRAINING)
    rows = net.held_out(frame)
    changed = frame.with_columns(
        weight=pl.when(pl.col("weight").is_in(rows["weight"].implode()))
        .then(1e9)
        .otherwise(pl.col("weight"))
    )
    other = classifier()
    other.fit(changed, **TRAINING)
    for name in net.params:
        np.testing.assert_array_equal(net.params[name], other.params[name])


def test_each_class_is_held_out_to_its_share() -> None:
    frame = pl.DataFrame(
        {"a": np.arange(50.0), "kind": ["ant"] * 30 + ["bee"] * 10 + ["wasp"] * 10}
    )
    net = classifier()
    net.fit(frame, **{**TRAINING, "validation": 0.2})
    assert net.held_out(frame)["kind"].value_counts(sort=True)["count"].to_list() == [6, 2, 2]


@pytest.mark.parametrize("seed", [0, 3])
def test_fit_is_init_and_train_on_the_arrays(seed: int) -> None:
    frame, net, other = insects(), classifier(), classifier()
    net.fit(frame, **TRAINING, seed=seed, validation=0.3)
    data = net.arrays(frame)
    other.init(seed=seed, data=data)
    options = {name: value for name, value in TRAINING.items() if name != "target"}
    other.train(data=data, seed=seed, validation=0.3, **options)
    for name in net.params:
        np.testing.assert_array_equal(net.params[name], other.params[name])


def test_a_second_fit_goes_on() -> None:
    frame, net = insects(), classifier()
    net.fit(frame, **TRAINING)
    before, fitted = net.params["w1"].copy(), net.preprocessing
    net.fit(frame, **{**TRAINING, "epochs": 1, "optimizer": wg.SGD(1e-12)})
    np.testing.assert_allclose(net.params["w1"], before, atol=1e-9)
    assert net.preprocessing is fitted


@pytest.mark.parametrize("numbers", [False, True])
def test_one_output_tells_two_classes_apart(numbers: bool) -> None:
    frame = insects(kinds=2)
    if numbers:
        frame = frame.with_columns(kind=(pl.col("kind") == "bee").cast(pl.Int64))
    net = wg.Sequential([wg.Dense(5, "tanh"), wg.Dense(1)], cost="binary_cross_entropy")
    net.fit(frame, **TRAINING)
    second = 1 / (1 + np.exp(-scores(net, net.arrays(frame)["x"])[:, 0]))
    found = net.predict_table(frame)
    names = ["0", "1"] if numbers else ["ant", "bee"]
    assert found.columns == ["kind", *(f"kind={name}" for name in names)]
    np.testing.assert_allclose(found[:, 2].to_numpy(), second, rtol=1e-9)
    np.testing.assert_allclose(found[:, 1].to_numpy(), 1 - second, rtol=1e-9)
    assert found["kind"].to_list() == [names[int(p > 0.5)] for p in second]
    right = found["kind"].to_numpy() == frame["kind"].cast(pl.String).to_numpy()
    assert net.score(frame) == np.mean(right)


def test_whole_numbers_are_classes_where_the_text_says_so() -> None:
    frame = insects().with_columns(kind=pl.col("length").round().cast(pl.Int64).clip(9, 11))
    net = classifier()
    net.fit(frame, **TRAINING)
    assert net.predict_table(frame).columns[1:] == ["kind=9", "kind=10", "kind=11"]


def test_a_text_names_its_tensors_as_it_likes() -> None:
    net = wg.Network("""
        given label[row] in c, cell[row,f]
        batch row
        param weight[f,c] ~ glorot
        p[row,c] = softmax[c](sum[f](cell[row,f] * weight[f,c]))
        loss = mean[row](-log(p[row, label[row]]))
        minimize loss
        predict p
    """)
    frame = insects()
    net.fit(frame, **TRAINING)
    assert net.params["weight"].shape == (5, 3)
    expected = softmax(by_hand(frame, trained_on(net, frame)) @ net.params["weight"])
    np.testing.assert_allclose(net.predict_table(frame)[:, 1:].to_numpy(), expected, rtol=1e-9)
    assert net.check(data=net.arrays(frame)).ok


def test_a_prediction_needs_no_target_and_no_other_column() -> None:
    frame, net = insects(), classifier()
    net.fit(frame, **TRAINING)
    whole = net.predict_table(frame)
    assert net.predict_table(frame.drop("kind")).equals(whole)
    turned = frame.select(reversed(frame.columns)).with_columns(extra=pl.lit("new"))
    assert net.predict_table(turned).equals(whole)
    assert net.predict_table(frame[:1]).height == 1


def test_a_loaded_network_predicts_and_knows_what_was_held_out(tmp_path: Path) -> None:
    frame, net = insects(), classifier()
    net.fit(frame, **TRAINING)
    net.save(tmp_path / "net.safetensors")
    loaded = wg.load(tmp_path / "net.safetensors")
    assert loaded.predict_table(frame).equals(net.predict_table(frame))
    assert loaded.held_out(frame).equals(net.held_out(frame))
    assert loaded.score(loaded.held_out(frame)) == net.score(net.held_out(frame))


def test_files_and_frames_are_the_same(tmp_path: Path) -> None:
    frame = insects()
    frame.write_csv(tmp_path / "t.csv")
    frame.write_parquet(tmp_path / "t.parquet")
    nets = []
    for table in (frame, tmp_path / "t.csv", str(tmp_path / "t.parquet")):
        nets.append(classifier())
        nets[-1].fit(table, **TRAINING)
    for net in nets[1:]:
        np.testing.assert_array_equal(net.params["w1"], nets[0].params["w1"])


WIDE = wg.Sequential([wg.Dense(4)], cost="cross_entropy")
TWO = wg.Sequential([wg.Dense(2)], cost="cross_entropy")
ONE = wg.Sequential([wg.Dense(1)], cost="binary_cross_entropy")


@pytest.mark.parametrize(
    ("net", "change", "message"),
    [
        (
            WIDE,
            {},
            r"'kind' has 3 classes \('ant', 'bee', 'wasp'\), so the network needs 3 outputs, not 4",
        ),
        (TWO, {}, "the network needs 3 outputs, not 2"),
        (ONE, {}, "the network needs 3 outputs, not 1"),
        (
            ONE,
            {"target": "weight"},
            "a sigmoid, the probability of one of two classes, but 'weight",
        ),
        (
            regressor(),
            {"target": "kinds"},
            "no column 'kinds' to be the target; did you mean 'kind",
        ),
        (regressor(), {"target": None}, "no column 'None' to be the target"),
        (regressor(), {}, "tell 3 classes apart it takes 3 outputs and the cost cross_entropy"),
        (classifier(), {"target": "weight"}, "column .weight., row 1"),
        (classifier(), {"validation": 1.5}, "validation"),
        (classifier(), {"epochs": 0}, "epochs"),
        (classifier(), {"seed": -1}, "seed"),
        (classifier(), {"patients": 3}, "fit takes no 'patients'; did you mean 'patience'"),
        (classifier(), {"lr": 0.1}, "fit takes no 'lr'; known: batch_size, .*, optimizer,"),
        (classifier(), {"data": {}}, "fit takes no 'data'"),
        (
            wg.Sequential([wg.Dense(2)], cost="squared_error"),
            {"target": "weight"},
            "predicts 2 num",
        ),
    ],
)
def test_what_does_not_fit_is_said(
    net: wg.Network, change: dict[str, object], message: str
) -> None:
    with pytest.raises(wg.WhygradError, match=message):
        net.fit(insects(), **{**TRAINING, **change})


def test_a_network_of_so_many_inputs_says_which_it_got() -> None:
    net = wg.Network(f"size i = 7\n{classifier()}")
    with pytest.raises(
        wg.DataError, match=r"reads 7 inputs \(i = 7\), but the table has 5: 'length'"
    ):
        net.fit(insects(), **TRAINING)
    net = classifier().init(sizes={"i": 2})
    with pytest.raises(wg.DataError, match="reads 2 inputs"):
        net.fit(insects(), **TRAINING)


def test_another_target_takes_another_network() -> None:
    net = classifier()
    net.fit(insects(), **TRAINING)
    with pytest.raises(wg.DataError, match="learned to predict 'kind', not 'colour'"):
        net.fit(insects(), **{**TRAINING, "target": "colour"})


def test_held_out_rows_are_those_of_its_own_table() -> None:
    frame, net = insects(), classifier()
    net.fit(frame, **TRAINING)
    with pytest.raises(wg.DataError, match="not the data that the network was trained on"):
        net.held_out(frame[1:])
    net.fit(frame, **{**TRAINING, "validation": 0})
    with pytest.raises(wg.WhygradError, match="no rows are held out"):
        net.held_out(frame)


@pytest.mark.parametrize("question", ["predict_table", "score", "arrays", "held_out"])
def test_before_it_has_seen_a_table_there_is_nothing_to_ask(question: str) -> None:
    with pytest.raises(wg.WhygradError, match="not trained"):
        getattr(classifier(), question)(insects())


@pytest.mark.parametrize("question", ["score", "arrays"])
def test_what_needs_the_target_asks_for_it(question: str) -> None:
    net = classifier()
    net.fit(insects(), **TRAINING)
    with pytest.raises(wg.DataError, match="'kind'"):
        getattr(net, question)(insects().drop("kind"))


def test_a_network_that_no_table_fits_refuses() -> None:
    two = "given x[n,i], u[n], y[n]\nbatch n\nparam w[i] ~ ones\n"
    net = wg.Network(
        two + "p[n] = sum[i](x[n,i]*w[i]) * u[n]\nJ = mean[n]((p[n]-y[n])**2)\n"
        "minimize J\npredict p\n"
    )
    with pytest.raises(wg.DataError, match="cannot be filled from a table"):
        net.fit(insects(), **{**TRAINING, "target": "weight"})
