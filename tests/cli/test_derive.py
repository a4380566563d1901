"""`whygrad derive`: the derivation of a text, forward, backward and all the way from the cost."""

from pathlib import Path

import pytest
from tests.cli.conftest import Command

EXAMPLES = Path(__file__).parents[2] / "examples"
TWO_NODES = str(EXAMPLES / "two_nodes.wg")


def test_shows_each_derivative_as_chain_simplified_and_route(whygrad: Command) -> None:
    page = whygrad("derive", TWO_NODES).out
    forward, backward = page.split("backward")
    backward, routes = backward.split("all the way from the cost")
    assert "  z2 = w2 * a1 + b2\n" in forward
    assert "  δz2 = δŷ * σ'(z2)\n      = (ŷ - y) * ŷ * (1 - ŷ)\n" in backward
    assert "  δw2 = δz2 * a1\n" in backward
    assert "  δw2 = δŷ * σ'(z2) * a1\n" in routes
    assert "  δw1 = δŷ * σ'(z2) * w2 * σ'(z1) * x\n" in routes


def test_wrt_derives_what_is_named_and_nothing_else(whygrad: Command) -> None:
    page = whygrad("derive", TWO_NODES, "--wrt", "x").out
    assert "  δx = δz1 * w1\n" in page
    assert "δw1" not in page


def test_latex_is_an_aligned_environment(whygrad: Command) -> None:
    page = whygrad("derive", TWO_NODES, "--latex").out
    assert page.startswith("\\begin{aligned}\n")
    assert page.endswith("\\end{aligned}\n")
    assert "\\hat{y}" in page


def test_a_dash_reads_the_text_from_the_input(whygrad: Command) -> None:
    text = Path(TWO_NODES).read_bytes()
    assert whygrad("derive", "-", given=text).out == whygrad("derive", TWO_NODES).out


def test_a_fault_in_the_text_is_shown_at_its_place(whygrad: Command, tmp_path: Path) -> None:
    path = tmp_path / "typo.wg"
    path.write_text("given x\nparam w ~ ones\nJ = (w*xx)**2\nminimize J\n")
    done = whygrad("derive", str(path))
    assert done.code == 2
    assert done.out == ""
    assert done.err == (
        f"whygrad: {path}: there is no tensor 'xx'\n"
        "  3 | J = (w*xx)**2\n"
        "    |        ^^\n"
        "  did you mean 'x'?\n"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file or directory"),
        (b"\xff\xfe\x00\x80", "it is no UTF-8 text"),
        (b"", "the text has no line 'minimize J'"),
        (b"\x00\x00", "has no meaning here"),
        (b"given x\nJ = x**2\nminimize J\n", "there is no parameter by which to derive J"),
        (b"x" * 1000, "an equation has one '='"),
    ],
)
@pytest.mark.parametrize("command", ["derive", "check"])
def test_unfit_files_are_one_message_and_exit_code_2(
    whygrad: Command, tmp_path: Path, command: str, content: bytes | None, message: str
) -> None:
    path = tmp_path / "net.wg"
    if content is not None:
        path.write_bytes(content)
    done = whygrad(command, str(path))
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert "Traceback" not in done.err


def test_a_directory_is_no_network(whygrad: Command, tmp_path: Path) -> None:
    done = whygrad("derive", str(tmp_path))
    assert done.code == 2
    assert "Is a directory" in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([TWO_NODES, "--wrt", "w3"], "the network has no tensor 'w3'"),
        ([str(EXAMPLES / "wine.wg"), "--wrt", "y"], "'y' holds whole numbers"),
        ([TWO_NODES, "--latecks"], "No such option"),
        ([], "Missing argument"),
        (["-"], "the text has no line 'minimize J'"),
    ],
)
def test_mistakes_are_one_message_and_exit_code_2(
    whygrad: Command, arguments: list[str], message: str
) -> None:
    done = whygrad("derive", *arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_input_that_is_no_text_is_refused(whygrad: Command) -> None:
    done = whygrad("derive", "-", given=b"\xff\xfe")
    assert done.code == 2
    assert "no UTF-8 text" in done.err
