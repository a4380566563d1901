"""What holds for every command: help, version, widths, colours, and a quick start."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import Command

import whygrad as wg

COMMANDS = ("train", "predict", "why", "show", "derive", "check", "tour")
ROOT = Path(__file__).parents[2]
LSTM = str(ROOT / "tests" / "systems" / "lstm.wg")
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 80 columns."""
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")


@pytest.mark.usefixtures("narrow")
def test_formulas_are_folded_between_terms_on_a_terminal(whygrad: Command) -> None:
    lines = ESCAPES.sub("", whygrad("derive", LSTM).out).splitlines()
    assert max(map(len, lines)) <= 80
    assert "      + sum[j2 | t + 1 < size(t)](δo.z[n, pad(t+1), j2] * uo[j,j2])" in lines


def test_nothing_is_folded_in_a_pipe(whygrad: Command) -> None:
    assert max(map(len, whygrad("derive", LSTM).out.splitlines())) > 200


def test_folding_changes_nothing_but_spaces(
    whygrad: Command, request: pytest.FixtureRequest
) -> None:
    piped = whygrad("derive", LSTM).out
    request.getfixturevalue("narrow")
    folded = ESCAPES.sub("", whygrad("derive", LSTM).out)
    assert folded.split() == piped.split()


@pytest.mark.usefixtures("narrow")
def test_colours_on_a_terminal_unless_they_are_not_wanted(
    whygrad: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    coloured = re.compile(r"\x1b\[[0-9;]*3[0-9]m")
    assert coloured.search(whygrad("tour").out)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not coloured.search(whygrad("tour").out)


def test_no_escapes_in_a_pipe(whygrad: Command) -> None:
    assert "\x1b" not in whygrad("tour").out


@pytest.fixture(scope="module")
def wines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `examples`, the wines as a table and a model of them."""
    pytest.importorskip("sklearn")
    folder = tmp_path_factory.mktemp("wines")
    (folder / "examples").symlink_to(ROOT / "examples")
    table = folder / "wine.csv"
    subprocess.run([sys.executable, ROOT / "examples" / "wine_table.py", table], check=True)
    net = wg.Sequential([wg.Dense(4), wg.Dense(3)], cost="cross_entropy")
    net.fit(table, target="cultivar", epochs=1)
    net.save(folder / "wine.safetensors")
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_that_works(
    whygrad: Command, command: str, wines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(wines)
    page = whygrad(command, "--help").out
    example = re.search(r"Example: whygrad (.*)", " ".join(page.split()))
    assert example is not None
    words = shlex.split(example[1])
    assert words[0] == command
    assert whygrad(*words).code == 0


def test_without_a_command_the_help_is_shown(whygrad: Command) -> None:
    done = whygrad()
    assert all(name in done.out + done.err for name in COMMANDS)


def test_version(whygrad: Command) -> None:
    from whygrad import __version__

    assert whygrad("--version").out == f"whygrad {__version__}\n"


def test_unknown_command(whygrad: Command) -> None:
    done = whygrad("toor")
    assert done.code == 2
    assert "No such command" in done.err


def run(
    *command: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, encoding="utf-8", env=environment, check=False
    )


def test_the_command_starts_without_what_it_does_not_need() -> None:
    code = "import sys, whygrad.cli; print([m for m in ('numpy', 'scipy') if m in sys.modules])"
    assert run(sys.executable, "-c", code).stdout == "[]\n"


def test_the_module_is_the_command() -> None:
    done = run(sys.executable, "-m", "whygrad", "--version")
    assert done.stdout.startswith("whygrad ")


def test_a_terminal_without_greek_letters_is_no_reason_to_stop() -> None:
    done = run(sys.executable, "-m", "whygrad", "tour", environment={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert done.stderr == ""


def test_a_reader_who_leaves_is_no_error() -> None:
    done = run("sh", "-c", f"{sys.executable} -m whygrad tour | true")
    assert "Traceback" not in done.stderr
