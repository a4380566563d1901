"""`whygrad derive`: a derivation on the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from ..calculus.derivation import Derivation
from ..calculus.display import as_written
from ..calculus.route import route
from ..language.system import Equation
from .terminal import Terminal


def show(derivation: Derivation, terminal: Terminal) -> None:
    """Forward, every link of the chain and its simplified form, and the ways from the cost."""
    text = str(derivation)
    terminal.lines(text)
    routes = [str(equation) for equation in _routes(derivation)]
    longer = [line for line in routes if f"  {line}\n" not in f"{text}\n"]
    if longer:
        terminal.line()
        terminal.line("all the way from the cost")
        for line in longer:
            terminal.line(f"  {line}")


def _routes(derivation: Derivation) -> Iterator[Equation]:
    """The derivatives that were asked for, through every link that has one contribution."""
    for name in derivation.wanted:
        yield as_written(route(derivation, derivation.link(name)))
