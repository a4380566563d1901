"""What each pass of the lowering does, on texts that fit in a few lines, as plans print."""

from __future__ import annotations

from textwrap import dedent

from whygrad.engines.native.lowering import lower
from whygrad.language.parsing import parse


def plan(text: str, *, training: bool = True, in_place: bool = False, **sizes: int) -> str:
    """The plan of everything that a text computes."""
    system = parse(dedent(text))
    equations = [t.name for t in system.of_kind("equation")]
    wanted = [*equations, *(f"{u.name} <-" for u in system.updates)]
    return str(lower(system, sizes, wanted, training, in_place))


def lines(text: str) -> str:
    return dedent(text).lstrip("\n")
