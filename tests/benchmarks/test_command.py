"""`python -m benchmarks`, and the fresh processes of its other parts."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from benchmarks.__main__ import main
from benchmarks.compiling import compiling
from benchmarks.contest import Contest, Result
from benchmarks.errors import Disagreement, WorkerError
from benchmarks.peers import OURS
from benchmarks.process import ROOT, Process, environment
from benchmarks.starting import first_step
from benchmarks.workloads import TABLE, Workload


def benchmarks(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_run_without_peers(tmp_path: Path):
    facts, tables = tmp_path / "facts.json", tmp_path / "tables.md"
    shape = ("--only", "digits,odd-1", "--random", "1", "--peers", "", "--parts", "contest")
    size = ("--rounds", "2", "--seconds", "0.001")
    done = benchmarks(*shape, *size, "--json", str(facts), "--markdown", str(tables))
    assert done.returncode == 0, done.stderr
    assert tables.read_text().strip() == done.stdout.strip()
    assert "| digits: 64-32-32-10 relu, 32 " in done.stdout
    first, second = json.loads(facts.read_text())["contest"]
    assert (first["workload"], second["workload"]) == ("digits", "odd-1")
    assert [c["title"] for c in first["contenders"]] == ["whygrad", "whygrad's engine"]
    assert all(len(c["seconds_a_step"]) == 2 for c in first["contenders"])
    assert first["ratio"] is None


@pytest.mark.parametrize("error", [Disagreement("they differ"), WorkerError("it diverges")])
def test_the_benchmark_fails_and_goes_on(error, monkeypatch, capsys):
    run = Contest.run

    def refuse(self: Contest, workload: Workload, *rest: object) -> Result:
        if workload.name == "seed":
            raise error
        return run(self, workload, *rest)

    monkeypatch.setattr("benchmarks.contest.Contest.run", refuse)
    monkeypatch.setattr("benchmarks.__main__.use_two_cores", lambda: None)
    asked = ["--only=seed,spiral", "--peers=", "--parts=contest", "--rounds=1", "--seconds=0.001"]
    monkeypatch.setattr("sys.argv", ["benchmarks", *asked])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    shown = capsys.readouterr().out
    assert f"seed: {error}" in shown
    assert "| spiral: 2-16-16-2 relu, 32 " in shown


@pytest.mark.parametrize("option", ["--only", "--peers", "--parts"])
def test_an_unknown_name_is_told(option):
    done = benchmarks(option, "spirals")
    assert done.returncode == 1
    assert done.stderr.startswith("unknown: 'spirals'; known are ")


def test_the_first_step_from_the_start_of_python(tmp_path: Path):
    cold, memory = first_step(OURS, str(tmp_path))
    assert list(tmp_path.iterdir())  # what was compiled
    assert 0 < cold < 60
    assert 20 < memory < 1000


def test_compiling_takes_time():
    assert compiling(OURS, Workload("", (8, 4, 3), "tanh", 32, 32)) > 0


def test_variables_that_slow_down_are_not_passed_on(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=nowhere")
    assert "OPENBLAS_CORETYPE" not in environment(2)
    assert environment(2)["OMP_NUM_THREADS"] == "2"
    one = environment(1)
    assert one["OPENBLAS_NUM_THREADS"] == "1"
    assert one["XLA_FLAGS"].startswith("--xla_dump_to=nowhere --xla_cpu_multi_thread_eigen=false")


def test_an_error_in_a_worker_comes_with_its_traceback():
    with Process(Workload, *fields_of(TABLE[0])) as process:
        short = process.ask("short", 3)
        assert short == replace(TABLE[0], rows=3 * TABLE[0].batch)
        with pytest.raises(WorkerError, match="TypeError"):
            process.ask("short", "three", "four")


def test_a_worker_that_dies_is_told():
    with Process(Workload, *fields_of(TABLE[0])) as process:
        process._child.kill()
        with pytest.raises(ChildProcessError, match="ended with -9"):
            process.ask("short", 3)


def fields_of(workload: Workload) -> list[object]:
    return list(vars(workload).values())
