"""`whygrad check`: every derivative against finite differences, on data that it draws."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.cli.conftest import Command

from whygrad.language.functions import FUNCTIONS

ROOT = Path(__file__).parents[2]
WINE = str(ROOT / "examples" / "wine.wg")

LOGARITHM = b"given x[n]\nbatch n\nparam w ~ ones\nJ = mean[n](w * log(x[n]))\nminimize J\n"
WORDS = b"""
given word[n,t], y[n] in k
batch n
size d = 3, k = 2
param table[v,d] ~ normal(0, 1), w[d,k] ~ glorot
z[n,k] = sum[t,d](table[word[n,t], d] * w[d,k])
J = mean[n](logsumexp[k](z[n,k]) - z[n, y[n]])
minimize J
"""


def test_says_what_was_drawn_and_compared(whygrad: Command) -> None:
    done = whygrad("check", WINE, "--size", "n=20", "--size", "i=13", "--size", "k=3")
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0] == "data drawn at random: x normal, y whole"
    assert lines[1] == "sizes: i = 13, j = 8, k = 3, n = 20"
    assert "every one of 139 entries" in lines[2]
    assert "w1: 104 compared" in done.out
    assert lines[-1] == "all agree"


def test_sizes_that_nothing_gives_are_chosen_and_said(whygrad: Command) -> None:
    done = whygrad("check", WINE)
    assert "sizes: i = 5, j = 8, k = 6, n = 4  (others by --size n=20)" in done.out


def test_the_seed_decides(whygrad: Command) -> None:
    one, other = (whygrad("check", WINE, "--seed", seed).out for seed in "12")
    assert one == whygrad("check", WINE, "--seed", "1").out
    assert one != other


@pytest.mark.parametrize("path", sorted((ROOT / "tests" / "systems").glob("*.wg")), ids=str)
def test_known_systems_need_no_option(whygrad: Command, path: Path) -> None:
    assert whygrad("check", str(path)).out.endswith("all agree\n")


def test_words_are_drawn_from_their_table(whygrad: Command) -> None:
    done = whygrad("check", "-", "--size", "v=9", given=WORDS)
    assert done.code == 0
    assert "word whole" in done.out
    assert "table: 27 compared" in done.out


def test_a_wrong_derivative_is_found_and_the_exit_code_is_1(
    whygrad: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = replace(FUNCTIONS["tanh"], derivatives=("1 - a",))
    monkeypatch.setitem(FUNCTIONS, "tanh", wrong)
    done = whygrad("check", WINE)
    assert done.code == 1
    assert "wrong" in done.out
    assert done.out.endswith("the derivatives do not agree\n")


def test_a_cost_that_is_not_finite_is_no_comparison(whygrad: Command) -> None:
    done = whygrad("check", "-", given=LOGARITHM)
    assert (done.code, done.out) == (2, "")
    assert "J is nan for the data drawn: try --positive" in done.err
    assert whygrad("check", "-", "--positive", given=LOGARITHM).code == 0


def test_training_draws_the_noise(whygrad: Command) -> None:
    dropout = str(ROOT / "tests" / "systems" / "dropout.wg")
    assert whygrad("check", dropout).out != whygrad("check", dropout, "--training").out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--size", "n"], "--size takes an index and a whole number"),
        (["--size", "n=0"], "not 'n=0'"),
        (["--size", "n=-3"], "not 'n=-3'"),
        (["--size", "n=2.5"], "not 'n=2.5'"),
        (["--size", "n=" + "9" * 5000], "--size takes an index"),
        (["--size", "n=999999999999"], "would hold"),
        (["--size", "q=3"], "the network has no index 'q'"),
        (["--size", "j=3"], "size"),
        (["--seed", "-1"], "--seed"),
        (["--seed", "one"], "--seed"),
    ],
)
def test_mistakes_are_one_message_and_exit_code_2(
    whygrad: Command, arguments: list[str], message: str
) -> None:
    done = whygrad("check", WINE, *arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert "Traceback" not in done.err


def test_a_size_that_is_left_open_is_asked_for(whygrad: Command) -> None:
    text = b"given x\nparam w[j] ~ ones\nJ = sum[j](w[j]) * x\nminimize J\n"
    done = whygrad("check", "-", given=text)
    assert done.code == 2
    assert "nothing gives the size of index j" in done.err
    assert whygrad("check", "-", "--size", "j=3", given=text).code == 0
