"""Documents whose output is real.

In a document, a `console` block holds commands (`$ whygrad tour`), each with what it
prints below it. A `python` block is run, and if a `text` block follows it directly, that is
what it prints; the blocks of a document share their names, and a folder of their own in which
`examples` is that of the project. `refreshed` runs all of them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import chdir, redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
DOCUMENTS = (
    "README.md",
    "CONTRIBUTING.md",
    "docs/chain-rule.md",
    "docs/tables.md",
    "docs/training.md",
)

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def refreshed(document: str) -> str:
    """The document with the output that its commands and its Python blocks have now."""
    with TemporaryDirectory() as folder, chdir(folder):
        Path("examples").symlink_to(ROOT / "examples")
        return _refreshed(document)


def _refreshed(document: str) -> str:
    names: dict[str, object] = {"__name__": "__main__"}
    parts: list[str] = []
    end, output = 0, None
    for fence in _FENCE.finditer(document):
        between, language, body = document[end : fence.start()], fence[1], fence[2]
        if language == "console":
            body = _console(body)
        elif language == "text" and output is not None and not between.strip():
            body = output
        output = _python(body, names) if language == "python" else None
        parts.append(f"{between}```{language}\n{body}```")
        end = fence.end()
    return "".join(parts) + document[end:]


def _console(body: str) -> str:
    """The commands of a block, each with its output."""
    commands = [line for line in body.splitlines() if line.startswith("$ ")]
    return "".join(f"{line}\n{_run(line.removeprefix('$ '))}" for line in commands)


def _run(command: str) -> str:
    """What a command prints, errors included, where this Python's scripts come first."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONIOENCODING": "utf-8", "NO_COLOR": "1"}
    done = subprocess.run(
        command,
        shell=True,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    return _ended(done.stdout)


def _python(code: str, names: dict[str, object]) -> str:
    printed = StringIO()
    with redirect_stdout(printed):
        exec(compile(code, "<document>", "exec"), names)
    return _ended(printed.getvalue())


def _ended(output: str) -> str:
    """Output as it stands in a block: no empty lines around it, no spaces at the ends of lines."""
    lines = [line.rstrip() for line in output.strip("\n").splitlines()]
    return "".join(f"{line}\n" for line in lines)
