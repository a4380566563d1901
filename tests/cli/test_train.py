"""`whygrad train`: from a table to a saved model."""

import errno
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.cli.conftest import Command
from tests.tabular.insects import insects

import whygrad as wg

SHORT = "dense:5:tanh,dense:3"


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pl.DataFrame:
    """`insects.csv` in the folder where the commands run."""
    monkeypatch.chdir(tmp_path)
    frame = insects()
    frame.write_csv("insects.csv")
    return frame


def arguments(net: str = SHORT, data: str = "insects.csv", **options: object) -> list[str]:
    named = {"target": "kind", "save": "net.safetensors", "epochs": 5, **options}
    given = [(f"--{name.replace('_', '-')}", str(value)) for name, value in named.items()]
    return ["train", net, data, *(part for pair in given for part in pair)]


def test_trains_saves_and_says_how_good_it_is(whygrad: Command, table: pl.DataFrame) -> None:
    done = whygrad(*arguments(epochs=30, lr=0.05))
    assert done.code == 0
    net = wg.load("net.safetensors")
    rows = net.held_out(table)
    right = round(net.score(rows) * 12)
    assert len(rows) == 12
    assert f"held out: {right} of 12 rows right, {right / 12:.1%}\n" in done.out
    assert done.out.endswith("\nsaved in net.safetensors\n")
    assert done.err.startswith("epoch 1/30: cost ")
    assert right >= 10


def test_it_is_what_python_trains(whygrad: Command, table: pl.DataFrame) -> None:
    options = {"batch_size": 7, "seed": 3, "validation": 0.3, "patience": 2, "dtype": "float32"}
    done = whygrad(*arguments(**options, optimizer="sgd", lr=0.05, momentum=0.8, weight_decay=0.1))
    assert done.code == 0
    net = wg.Sequential([wg.Dense(5, "tanh"), wg.Dense(3)], cost="cross_entropy")
    optimizer = wg.SGD(0.05, momentum=0.8, weight_decay=0.1)
    net.fit(table, target="kind", epochs=5, optimizer=optimizer, **options)
    saved = wg.load("net.safetensors")
    for name in net.params:
        np.testing.assert_array_equal(saved.params[name], net.params[name])


@pytest.mark.parametrize(
    ("name", "schedule"),
    [
        ("constant", 0.02),
        ("step", wg.Step(0.02)),
        ("exponential", wg.Exponential(0.02)),
        ("cosine", wg.Cosine(0.02)),
    ],
)
def test_schedules(
    whygrad: Command, table: pl.DataFrame, name: str, schedule: "float | wg.Step"
) -> None:
    assert whygrad(*arguments(schedule=name, lr=0.02, batch_size=32)).code == 0
    saved = wg.load("net.safetensors")
    assert saved.run is not None
    assert saved.run.optimizer == wg.Adam(schedule)


def test_the_same_call_gives_the_same_numbers(whygrad: Command, table: pl.DataFrame) -> None:
    outputs = [whygrad(*arguments(save=f"{name}.safetensors")).out for name in "ab"]
    assert outputs[0].replace("a.saf", "b.saf") == outputs[1]
    one, other = (wg.load(f"{name}.safetensors") for name in "ab")
    np.testing.assert_array_equal(one.params["w1"], other.params["w1"])


@pytest.mark.parametrize(
    ("net", "target", "option", "cost", "ending"),
    [
        (SHORT, "kind", {}, "logsumexp", r"held out: \d+ of 12 rows right"),
        ("dense:5:tanh,dense:6", "age", {}, "logsumexp", r"held out: \d+ of 12 rows right"),
        ("dense:5:tanh,dense:1", "age", {}, "**2 / 2", r"held out: R² = .* on 12 rows"),
        ("dense:1", "weight", {}, "**2 / 2", r"held out: R² = .* on 12 rows"),
        ("dense:1", "colour", {}, "softplus", r"held out: \d+ of 12 rows right"),
        ("dense:1", "weight", {"cost": "absolute_error"}, "abs(", r"held out: R² = "),
        ("dense:1", "side", {"cost": "hinge"}, "max(0, 1", r"held out: \d+ of 12 rows right"),
        ("dense:1", "side", {}, "**2 / 2", r"held out: \d+ of 12 rows right"),
        ("dense:3", "kind", {"cost": "hinge"}, "max(0, 1", r"held out: \d+ of 12 rows right"),
    ],
)
def test_the_cost_follows_from_outputs_and_target(
    whygrad: Command,
    table: pl.DataFrame,
    net: str,
    target: str,
    option: dict[str, str],
    cost: str,
    ending: str,
) -> None:
    age = np.arange(60) % 6
    table.with_columns(age=age, side=1 - 2 * (age < 2)).write_csv("insects.csv")
    done = whygrad(*arguments(net, target=target, **option))
    assert done.code == 0, done.err
    assert cost in str(wg.load("net.safetensors"))
    assert re.search(ending, done.out)


def test_a_text_is_trained_as_it_stands(whygrad: Command, table: pl.DataFrame) -> None:
    text = f"# my own\n{wg.Sequential([wg.Dense(4), wg.Dense(3)], cost='cross_entropy')}"
    Path("net.wg").write_text(text)
    assert whygrad(*arguments("net.wg")).code == 0
    assert str(wg.load("net.safetensors")) == text


def test_a_text_may_come_in(whygrad: Command, table: pl.DataFrame) -> None:
    assert whygrad(*arguments("-"), given=TEXT.encode()).code == 0
    assert str(wg.load("net.safetensors")) == TEXT


def test_a_saved_model_goes_on(whygrad: Command, table: pl.DataFrame) -> None:
    whygrad(*arguments(epochs=20))
    first = wg.load("net.safetensors")
    assert whygrad(*arguments("net.safetensors", epochs=20)).code == 0
    second = wg.load("net.safetensors")
    assert first.history is not None and second.history is not None
    assert second.history.cost[0] < first.history.cost[0] / 2


def test_without_validation_there_is_no_score(whygrad: Command, table: pl.DataFrame) -> None:
    done = whygrad(*arguments(validation=0))
    assert done.code == 0
    assert "held out" not in done.out


TEXT = str(wg.Sequential([wg.Dense(3)], cost="cross_entropy"))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (arguments(target="kinds"), "the table has no column 'kinds'"),
        (arguments(data="insekts.csv"), "insekts.csv"),
        (arguments(data="."), "the name of a table's file ends in .csv"),
        (arguments(data="net.wg"), "net.wg: the name of a table's file ends in .csv"),
        (arguments("dense:4:tanh,dense:2"), "the network needs 3 outputs, not 2"),
        (arguments("dense:4:tanh,dense:1"), "the network needs 3 outputs, not 1"),
        (arguments("dense:4:tahn,dense:3"), "did you mean 'tanh'?"),
        (arguments("dence:4,dense:3"), "did you mean 'dense'?"),
        (arguments("dense:4:softmax:he"), "a layer is written dense:WIDTH"),
        (arguments("dense"), "layers in short"),
        (arguments("nett.wg"), "there is no file 'nett.wg'"),
        (arguments("dense:3", target="weight"), "3 outputs tell classes apart"),
        (
            arguments("dense:1", target="colour", cost="half_squared_error"),
            "this network predicts numbers: to tell 2 classes apart",
        ),
        (arguments("dense:1", target="weight", cost="cross_entropy"), "needs an output for each"),
        (arguments("dense:1", target="weight", cost="binary_cross_entropy"), "of two classes"),
        (arguments("dense:1", target="weight", cost="hinge"), "the y of hinge is -1 or 1"),
        (arguments("dense:1:tanh", cost="binary_cross_entropy"), "tanh gives none"),
        (arguments(cost="cross"), "unknown cost 'cross'; did you mean 'cross_entropy'?"),
        (arguments("net.wg", cost="hinge"), "--cost goes with layers in short"),
        (arguments("wrong.wg"), "wrong.wg: there is no tensor 'z'"),
        (arguments("open.wg"), "open.wg: nothing gives the size of index j"),
        (arguments("no_table.wg"), "this network cannot be filled from a table"),
        (arguments("."), "cannot read .: "),
        (arguments(""), "a file's name is expected, not ''"),
        (arguments("binary.wg"), "no UTF-8 text"),
        (arguments(save="nowhere/net.safetensors"), "there is no folder 'nowhere'"),
        (arguments(save="."), "it is a folder"),
        (arguments(save="x" * 300), "it cannot be written: File name too long"),
        (arguments(save="locked.safetensors"), "it cannot be written: Permission denied"),
        (arguments(save=""), "--save is empty: name a file"),
        (arguments(save="insects.csv"), "would replace a file that is read"),
        (arguments("net.wg", save="net.wg"), "would replace a file that is read"),
        (arguments(epochs=0), "--epochs"),
        (arguments(epochs="many"), "--epochs"),
        (arguments(batch_size=0), "--batch-size"),
        (arguments(lr=0), "lr has to be a number above 0"),
        (arguments(lr="nan"), "--lr"),
        (arguments(lr="inf"), "--lr"),
        (arguments(momentum=0.9), "--momentum goes with --optimizer sgd"),
        (arguments(momentum=1, optimizer="sgd"), "momentum has to be"),
        (arguments(weight_decay=-1), "weight_decay"),
        (arguments(optimizer="adagrad"), "--optimizer"),
        (arguments(schedule="linear"), "--schedule"),
        (arguments(dtype="float16"), "--dtype"),
        (arguments(validation=1), "validation is a share from 0"),
        (arguments(validation=0.001), "both parts need at least one row"),
        (arguments(validation=0, patience=3), "patience needs rows to validate on"),
        (arguments(patience=0), "--patience"),
        (arguments(seed=-1), "--seed"),
        (arguments(seed=10**30), "seed has to be a whole number"),
        (
            arguments("dense:1", target="weight", lr=1e99, optimizer="sgd", batch_size=4),
            "whose cost was finite.\nNothing was saved.",
        ),
        (["train", SHORT], "Missing argument"),
        (["train", SHORT, "insects.csv", "--target", "kind"], "Missing option '--save'"),
        (["train", SHORT, "insects.csv", "--save", "m"], "Missing option '--target'"),
        ([*arguments(), "--epoch", "3"], "No such option"),
        ([*arguments(), "more"], "unexpected extra argument"),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(
    whygrad: Command,
    table: pl.DataFrame,
    monkeypatch: pytest.MonkeyPatch,
    call: list[str],
    message: str,
) -> None:
    Path("net.wg").write_text(TEXT)
    Path("wrong.wg").write_text(TEXT.replace("J = ", "J = z + "))
    Path("open.wg").write_text(f"param u[j] ~ ones\n{TEXT.replace('J = ', 'J = sum[j](u[j]) + ')}")
    Path("no_table.wg").write_text(TEXT.replace("predict yhat", ""))
    Path("binary.wg").write_bytes(b"\xff\xfe\x00")
    Path("locked.safetensors").touch()
    monkeypatch.setattr("os.access", lambda path, mode: Path(path).name != "locked.safetensors")
    files = {path: path.read_bytes() for path in Path().iterdir()}
    done = whygrad(*call)
    assert "epoch 1/" not in done.err or "training stopped" in done.err
    assert (done.code, message in done.err) == (2, True), done.err
    assert "Traceback" not in done.err
    assert {path: path.read_bytes() for path in Path().iterdir()} == files


def test_a_folder_that_takes_no_file_is_told_before_training(
    whygrad: Command, table: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(dir: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("whygrad.cli.source.TemporaryFile", refused)
    done = whygrad(*arguments())
    assert (done.code, done.err) == (
        2,
        "whygrad: --save net.safetensors: it cannot be written: Read-only file system\n",
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "insects.csv"),
        (b"a,kind\n", "no rows"),
        (b"a,kind\n1,ant\n", "insects.csv"),
        (b"a,kind\n1,ant\n2,ant\n3,ant\n", "two classes or more"),
        (b"a,kind\n1,ant\n2,bee\n,wasp\n", "row 3"),
        (b"a,kind\n1,ant\n2,bee\n3\n", "insects.csv"),
        (b"a,a,kind\n1,1,ant\n2,1,bee\n3,1,wasp\n", "'a'"),
        (b"kind\nant\nbee\nwasp\n", "no column besides the target"),
        (b"a,kind\n1,\xff\n2,bee\n", "UTF-8"),
        (b"\x00\x01\x02", "insects.csv"),
    ],
)
def test_bad_tables_are_one_message_and_exit_code_2(
    whygrad: Command, table: pl.DataFrame, content: bytes, message: str
) -> None:
    Path("insects.csv").write_bytes(content)
    done = whygrad(*arguments())
    assert done.code == 2
    assert "Traceback" not in done.err
    assert not Path("net.safetensors").exists()


def test_a_second_ctrl_c_does_not_lose_what_the_first_one_kept(
    whygrad: Command, table: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = wg.Network.save

    def interrupted(net: wg.Network, path: str) -> None:
        signal.raise_signal(signal.SIGINT)
        save(net, path)

    monkeypatch.setattr(wg.Network, "save", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        done = whygrad(*arguments())
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert (done.code, done.out.endswith("saved in net.safetensors\n")) == (0, True)
    assert wg.load("net.safetensors").history is not None


def test_too_little_memory_is_one_message_and_exit_code_2(
    whygrad: Command, table: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fit(*arguments: object, **options: object) -> None:
        np.empty(2**50)

    monkeypatch.setattr(wg.Network, "fit", fit)
    done = whygrad(*arguments())
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("whygrad: this takes more memory than there is: Unable to allocate")


def test_ctrl_c_saves_what_was_reached(table: pl.DataFrame) -> None:
    command = [sys.executable, "-m", "whygrad", *arguments(epochs=10**6)]
    pipe = subprocess.PIPE
    running = subprocess.Popen(command, stdout=pipe, stderr=pipe, encoding="utf-8")
    assert running.stderr is not None
    assert running.stderr.readline().startswith("epoch 1/1000000")
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in err
    assert out.startswith("interrupted after epoch ")
    assert out.endswith("saved in net.safetensors\n")
    net = wg.load("net.safetensors")
    assert net.history is not None and net.history.interrupted
    assert 1 <= len(net.history) < 10**6
