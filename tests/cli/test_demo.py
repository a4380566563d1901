"""`make demo`, its commands run in a folder of their own."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_every_command_of_the_demo_works(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    rule = re.search(r"^demo:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert rule
    commands = rule[1].replace("$(BIN)", str(Path(sys.executable).parent))
    done = subprocess.run(
        ["sh", "-ec", commands], cwd=tmp_path, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    held_out = re.search(r"held out: (\d+) of (\d+) rows right", done.stdout)
    assert held_out and int(held_out[1]) >= 0.9 * int(held_out[2])
    for part in ("cultivar,cultivar=barbera", "∂J/∂w1[0,2] =", "in step 40", "δz2[n,k] ="):
        assert part in done.stdout
