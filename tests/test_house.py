"""What holds for the package as a whole."""

import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

import whygrad as wg


def test_every_public_name_is_there() -> None:
    assert all(callable(getattr(wg, name)) for name in wg.__all__)
    assert set(wg.__all__) <= set(dir(wg))
    with pytest.raises(AttributeError, match="no attribute 'Densee'"):
        _ = wg.Densee


def test_the_version_is_that_of_the_project() -> None:
    project = Path(__file__).parent.parent / "pyproject.toml"
    assert tomllib.loads(project.read_text())["project"]["version"] == wg.__version__


def test_the_package_says_that_it_is_typed() -> None:
    assert (files("whygrad") / "py.typed").is_file()


def test_importing_it_imports_nothing_heavy() -> None:
    code = """
import sys, whygrad
whygrad.Network, whygrad.Dense, whygrad.Adam
print([m for m in ("scipy", "jax", "torch", "sklearn", "sympy", "rich", "typer", "polars")
       if m in sys.modules])
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_importing_it_takes_under_a_third_of_a_second() -> None:
    code = """
import time
start = time.process_time()
import whygrad
whygrad.Network
print(time.process_time() - start)
"""
    run = [sys.executable, "-c", code]
    assert min(float(subprocess.check_output(run, text=True)) for _ in range(5)) < 0.3
