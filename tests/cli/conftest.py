"""The command line, run in this process."""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from pathlib import Path
from shutil import copytree

import pytest
from tests.tabular.insects import insects

import whygrad as wg
from whygrad.cli import main


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit code and what it wrote."""

    code: int
    out: str
    err: str


Command = Callable[..., Outcome]


@pytest.fixture
def whygrad(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """`whygrad("derive", "net.wg")` runs the command; `given` is its standard input."""

    def run(*arguments: str, given: bytes = b"") -> Outcome:
        monkeypatch.setattr("sys.argv", ["whygrad", *arguments])
        monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(given)))
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        return Outcome(int(end.value.code or 0), out, err)

    return run


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of insects in a file, with the table `insects.csv` beside it."""
    folder = tmp_path_factory.mktemp("model")
    insects().write_csv(folder / "insects.csv")
    net = wg.Sequential([wg.Dense(5, "tanh"), wg.Dense(3)], cost="cross_entropy")
    net.fit(folder / "insects.csv", target="kind", epochs=10, optimizer=wg.Adam(0.05))
    net.save(folder / "net.safetensors")
    return folder / "net.safetensors"


@pytest.fixture
def folder(model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which the commands run, with `net.safetensors` and `insects.csv` in it."""
    copytree(model_file.parent, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path
