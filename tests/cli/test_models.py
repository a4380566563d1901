"""`whygrad predict`, `why` and `show`, and what `derive` and `check` make of a saved model."""

import csv
import io
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.cli.conftest import Command
from tests.tabular.insects import NAMES, insects

import whygrad as wg
from whygrad.insight.display import number_text

MODEL, DATA = "net.safetensors", "insects.csv"


def test_predict_writes_names_and_probabilities(whygrad: Command, folder: Path) -> None:
    done = whygrad("predict", MODEL, DATA, "--out", "out.csv")
    assert (done.code, done.out, done.err) == (0, "", "")
    with open("out.csv", encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["kind", "kind=ant", "kind=bee", "kind=wasp"]
    net = wg.load(MODEL)
    expected = net.predict(x=net.arrays(DATA)["x"])
    np.testing.assert_array_equal([[float(p) for p in row[1:]] for row in rows], expected)
    assert [row[0] for row in rows] == [NAMES[k] for k in np.argmax(expected, axis=1)]


def test_without_a_file_predictions_go_to_the_output(whygrad: Command, folder: Path) -> None:
    whygrad("predict", MODEL, DATA, "--out", "out.csv")
    assert whygrad("predict", MODEL, DATA).out == Path("out.csv").read_text()


def test_the_target_may_be_absent(whygrad: Command, folder: Path) -> None:
    insects().drop("kind").write_parquet("new.parquet")
    assert whygrad("predict", MODEL, "new.parquet").out == whygrad("predict", MODEL, DATA).out


def test_predictions_of_numbers_are_one_column(whygrad: Command, folder: Path) -> None:
    whygrad("train", "dense:1", DATA, "--target", "weight", "--save", "w.safetensors")
    found = pl.read_csv(io.StringIO(whygrad("predict", "w.safetensors", DATA).out))
    assert found.columns == ["weight"]
    assert np.corrcoef(found["weight"], insects()["weight"])[0, 1] > 0.8


def test_predictions_that_cannot_be_made_leave_the_file(whygrad: Command, folder: Path) -> None:
    Path("out.csv").write_text("old")
    os.chmod("out.csv", 0o640)
    insects().drop("legs").write_csv("less.csv")
    assert whygrad("predict", MODEL, "less.csv", "--out", "out.csv").code == 2
    assert Path("out.csv").read_text() == "old"
    assert whygrad("predict", MODEL, DATA, "--out", "out.csv").code == 0
    assert stat.S_IMODE(os.stat("out.csv").st_mode) == 0o640
    assert sorted(os.listdir()) == ["insects.csv", "less.csv", MODEL, "out.csv"]


def test_names_of_any_kind_come_back(whygrad: Command, folder: Path) -> None:
    names = {"ant": "señor, «x»", "bee": 'say "b"', "wasp": "w=1"}
    frame = insects().with_columns(pl.col("kind").replace(names))
    frame.write_csv("odd.csv")
    save = ("--target", "kind", "--save", "odd.safetensors", "--epochs", "3")
    assert whygrad("train", "dense:3", "odd.csv", *save).code == 0
    assert whygrad("predict", "odd.safetensors", "odd.csv", "--out", "out.csv").code == 0
    with open("out.csv", encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["kind", *(f"kind={name}" for name in sorted(names.values()))]
    assert {row[0] for row in rows} <= set(names.values())


def test_why_is_the_answer_of_python_with_a_legend(whygrad: Command, folder: Path) -> None:
    net = wg.load(MODEL)
    answer = net.why("w1[3,2]", data=net.arrays(DATA))
    done = whygrad("why", MODEL, "w1[3,2]", "--data", DATA)
    legend = "i = 3: colour=red\nk: 0 ant, 1 bee, 2 wasp\nn: the rows of insects.csv, from 0\n"
    assert (done.code, done.out) == (0, f"{answer}\n{legend}")


def test_why_shows_as_many_terms_as_asked_for(whygrad: Command, folder: Path) -> None:
    pages = [whygrad("why", MODEL, "b1[2]", "--data", DATA, "--top", n).out for n in ("1", "60")]
    assert "the other 59 terms together" in pages[0]
    assert "the other" not in pages[1]
    assert pages[1].count("\n  n = ") == 60


def test_why_names_the_class_of_an_output(whygrad: Command, folder: Path) -> None:
    assert "k = 1: bee\n" in whygrad("why", MODEL, "b2[1]", "--data", DATA).out
    assert "i = 0: length\n" in whygrad("why", MODEL, "x[7,0]", "--data", DATA).out


def test_why_a_step_corrected_a_weight(whygrad: Command, folder: Path) -> None:
    net = wg.load(MODEL)
    done = whygrad("why", MODEL, "w1[0,2]", "--data", DATA, "--step", "7")
    answer = net.why("w1[0,2]", step=7, data=net.arrays(DATA))
    assert done.out.startswith(f"{answer}\ni = 0: length\n")
    assert done.out.endswith("row: the rows of insects.csv, from 0\n")
    assert number_text(answer.value) in done.out


def test_another_table_is_not_that_of_the_training(whygrad: Command, folder: Path) -> None:
    insects()[1:].write_csv("other.csv")
    done = whygrad("why", MODEL, "w1[0,2]", "--data", "other.csv", "--step", "7")
    assert (done.code, done.out) == (2, "")
    assert "data" in done.err


def test_show_says_what_is_in_a_model(whygrad: Command, folder: Path) -> None:
    net = wg.load(MODEL)
    assert net.history is not None
    page = whygrad("show", MODEL).out
    lines = [" ".join(line.split()) for line in page.splitlines()]
    assert "target kind: ant, bee, wasp" in lines
    assert "inputs 5: length, weight, colour=black, colour=red, legs" in lines
    assert "sizes i = 5, j = 5, k = 3" in lines
    assert "training 20 steps of 32 rows by Adam(lr=0.05)" in lines
    assert f"score accuracy {net.history.validation_score[-1]:.1%} on the rows held out" in lines
    low, high = (number_text(float(f(net.params["w2"]))) for f in (np.min, np.max))
    assert f"w2[j,k] 5 × 3 15 {low} to {high}" in lines
    assert f"together {25 + 5 + 15 + 3}" in lines
    assert str(net.history) in page
    assert page.endswith(f"\n\n{net}")


def test_show_a_network_that_saw_no_table(whygrad: Command, folder: Path) -> None:
    text = "param w ~ constant(2)\ngiven x\nJ = (w * x)**2\nminimize J\n"
    wg.Network(text).init().save("bare.safetensors")
    assert (
        whygrad("show", "bare.safetensors").out
        == f"w         1  1  2 to 2\ntogether     1\n\n{text}"
    )


@pytest.mark.parametrize(
    ("optimizer", "words"),
    [
        (wg.SGD(0.1, momentum=0.5), "SGD(lr=0.1, momentum=0.5)"),
        (wg.Adam(wg.Cosine(0.1), l2=0.5), "Adam(lr=Cosine(start=0.1), l2=0.5)"),
    ],
)
def test_show_writes_the_optimizer_as_one_would(
    whygrad: Command, folder: Path, optimizer: wg.Adam, words: str
) -> None:
    net = wg.Sequential([wg.Dense(3)], cost="cross_entropy")
    net.fit(DATA, target="kind", epochs=1, optimizer=optimizer)
    net.save("own.safetensors")
    assert f"by {words}\n" in whygrad("show", "own.safetensors").out


def test_derive_takes_a_model(whygrad: Command, folder: Path) -> None:
    Path("net.wg").write_text(str(wg.load(MODEL)))
    assert whygrad("derive", MODEL).out == whygrad("derive", "net.wg").out


def test_check_takes_a_model_with_its_own_weights(whygrad: Command, folder: Path) -> None:
    net = wg.Sequential([wg.Dense(2), wg.Dense(3)], cost="cross_entropy")
    net.fit(insects().drop("legs"), target="kind", epochs=1)
    net.save("four.safetensors")
    done = whygrad("check", "four.safetensors")
    assert done.code == 0
    assert "sizes: i = 4, j = 2, k = 3, n = 4" in done.out
    assert whygrad("check", "four.safetensors", "--size", "i=6").code == 2


def test_a_model_is_known_by_its_content(whygrad: Command, folder: Path) -> None:
    Path(MODEL).rename("model.wg")
    assert whygrad("derive", "model.wg").code == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (["predict"], "Missing argument 'MODEL'"),
        (["predict", MODEL], "Missing argument 'DATA'"),
        (["predict", "gone.safetensors", DATA], "cannot read gone.safetensors: No such file"),
        (["predict", DATA, DATA], "insects.csv"),
        (["predict", "net.wg", DATA], "net.wg"),
        (["predict", ".", DATA], "cannot read ."),
        (["predict", "short.safetensors", DATA], "short.safetensors"),
        (["predict", "changed.safetensors", DATA], "changed.safetensors"),
        (["predict", "bare.safetensors", DATA], "not trained on a table"),
        (["predict", MODEL, "gone.csv"], "gone.csv"),
        (["predict", MODEL, "less.csv"], "the table has no column 'legs'"),
        (["predict", MODEL, "green.csv"], "'green' is not among the values in training"),
        (["predict", MODEL, "holes.csv"], "row 3"),
        (["predict", MODEL, DATA, "--out", "gone/out.csv"], "there is no folder 'gone'"),
        (["predict", MODEL, DATA, "--out", "."], "it is a folder"),
        (["predict", MODEL, DATA, "--out", DATA], "would replace a file that is read"),
        (["predict", MODEL, DATA, "--out", f"./{MODEL}"], "would replace a file that is read"),
        (["predict", MODEL, DATA, "--to", "x"], "No such option"),
        (["why", MODEL, "w1[0,2]"], "Missing option '--data'"),
        (["why", MODEL, "--data", DATA], "Missing argument 'ELEMENT'"),
        (["why", MODEL, "w3[0,2]", "--data", DATA], "the network has no tensor 'w3'"),
        (["why", MODEL, "w1[0,9]", "--data", DATA], "there is no w1[0,9]: i goes from 0 to 4"),
        (["why", MODEL, "w1[0]", "--data", DATA], "w1 has 2 indices, 1 is given"),
        (["why", MODEL, "w1[0,", "--data", DATA], "w1[0,"),
        (["why", MODEL, "", "--data", DATA], "whygrad: "),
        (["why", MODEL, "J", "--data", DATA], "J is the cost itself"),
        (["why", MODEL, "y[3]", "--data", DATA], "y"),
        (["why", MODEL, "w1[0,2]", "--data", "unknown.csv"], "'kind'"),
        (["why", MODEL, "w1[0,2]", "--data", DATA, "--step", "-1"], "--step"),
        (["why", MODEL, "w1[0,2]", "--data", DATA, "--step", "20"], "from 0 to 19"),
        (["why", MODEL, "w1[0,2]", "--data", DATA, "--step", "9" * 30], "from 0 to 19"),
        (["why", MODEL, "w1[0,2]", "--data", DATA, "--top", "0"], "--top"),
        (["why", MODEL, "w1[0,2]", "--data", DATA, "--step", "last"], "--step"),
        (
            ["why", MODEL, "x[0,2]", "--data", DATA, "--step", "3"],
            "no step of the training changes",
        ),
        (["why", "bare.safetensors", "w", "--data", DATA], "not trained on a table"),
        (["show"], "Missing argument 'MODEL'"),
        (["show", DATA], "insects.csv"),
        (["show", "gone.safetensors"], "cannot read gone.safetensors"),
        (["show", "short.safetensors"], "short.safetensors"),
        (["show", "changed.safetensors"], "changed.safetensors"),
        (["show", MODEL, "more"], "unexpected extra argument"),
        (["derive", "short.safetensors"], "short.safetensors"),
        (["check", "changed.safetensors"], "changed.safetensors"),
        (["check", MODEL, "--size", "j=9"], "j"),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(
    whygrad: Command, folder: Path, call: list[str], message: str
) -> None:
    frame, model = insects(), Path(MODEL).read_bytes()
    frame.drop("legs").write_csv("less.csv")
    frame.drop("kind").write_csv("unknown.csv")
    frame.with_columns(colour=pl.lit("green")).write_csv("green.csv")
    frame.with_columns(length=pl.Series([1.0, 2.0, None] * 20)).write_csv("holes.csv")
    wg.Network("param w ~ ones\ngiven x\nJ = (w*x)**2\nminimize J\n").init().save(
        "bare.safetensors"
    )
    Path("net.wg").write_text(str(wg.load(MODEL)))
    Path("short.safetensors").write_bytes(model[:-3])
    Path("changed.safetensors").write_bytes(model[:-1] + bytes([model[-1] ^ 1]))
    before = {path: path.read_bytes() for path in Path().iterdir()}
    done = whygrad(*call)
    assert (done.code, done.out, message in done.err) == (2, "", True), done.err
    assert "Traceback" not in done.err
    assert {path: path.read_bytes() for path in Path().iterdir()} == before


def test_a_reader_who_leaves_is_no_error(folder: Path) -> None:
    command = f"{sys.executable} -m whygrad predict {MODEL} {DATA} | true"
    done = subprocess.run(["sh", "-c", command], capture_output=True, encoding="utf-8")
    assert done.stderr == ""
