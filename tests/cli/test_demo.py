"""The demo's second half: a network trained on a real table."""

import re
import subprocess
import sys
from pathlib import Path

import pytest


def test_the_wines_are_told_apart_and_explained() -> None:
    pytest.importorskip("sklearn")
    example = Path(__file__).parents[2] / "examples" / "wine.py"
    done = subprocess.run([sys.executable, str(example)], capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    held_out = re.search(r"Of (\d+) wines held out, (\d+) are told right", done.stdout)
    assert held_out and int(held_out[2]) >= 0.9 * int(held_out[1])
    for part in ("δz2[n,k] =", "Why w1[", "wines push it down"):
        assert part in done.stdout
