"""What holds for the package as a whole."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

import whygrad as wg

# An import may only point to what stands further to the left.
ARROWS = [
    "errors",
    "language",
    "calculus",
    "engines",
    "network",
    "table",
    "training",
    "storage",
    "insight",
    "interop",
    "tabular",
    "model",
    "__init__",
    "cli",
    "__main__",
]


def imports(path: Path, package: Path) -> Iterator[str]:
    """The packages of whygrad that a module imports when it runs, type checking aside."""
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    here = path.relative_to(package.parent).with_suffix("").parts
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.ImportFrom) and node.level:
            target = (*here[: len(here) - node.level], *(node.module or "").split("."))
            yield target[1] or "__init__"
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)


def test_imports_point_one_way() -> None:
    package = Path(str(files("whygrad")))
    wrong = []
    for path in sorted(package.rglob("*.py")):
        own = path.relative_to(package).with_suffix("").parts[0]
        for other in imports(path, package):
            if ARROWS.index(other) > ARROWS.index(own):
                wrong.append(f"{path.relative_to(package)} imports {other}")
    assert wrong == []


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


def test_training_imports_nothing_heavy() -> None:
    code = """
import sys, numpy, whygrad
x = numpy.ones((3, 1))
net = whygrad.Sequential([whygrad.Dense(1)], cost="half_squared_error").init(x=x, y=x)
net.train(x=x, y=x, epochs=1, optimizer=whygrad.Adam(0.1))
print([m for m in ("scipy", "jax", "torch", "sklearn", "sympy", "rich", "typer", "polars",
    "safetensors", "numpy.ma")
       if m in sys.modules])
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_importing_it_takes_little_more_than_importing_numpy() -> None:
    """Beside each other, since machines differ: a third of a second on a slow one."""
    code = """
import time
start = time.process_time()
import numpy
middle = time.process_time()
import whygrad
whygrad.Network
print((time.process_time() - middle) / (middle - start))
"""
    run = [sys.executable, "-c", code]
    assert min(float(subprocess.check_output(run, text=True)) for _ in range(5)) < 1
