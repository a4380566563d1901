"""How text reaches the terminal: colours and folding there, plain lines in a pipe."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from io import TextIOWrapper
from itertools import pairwise, zip_longest
from textwrap import wrap
from typing import IO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

PAGE = 80
DEEPEST = 5
GLUE = "\N{NO-BREAK SPACE}"


class Terminal:
    """Writes lines. On a terminal they are folded at spaces and coloured; else left as they are.

    `styles` maps words to the colour in which they stand wherever they occur.
    NO_COLOR is respected.
    """

    def __init__(
        self, stream: IO[str] | None = None, styles: Mapping[str, str] | None = None
    ) -> None:
        self.console = Console(file=stream, highlight=False, soft_wrap=True)
        self.styles = dict(styles or {})

    def line(self, text: str = "", style: str = "") -> None:
        """One line; where it is too long for the terminal, its rest is indented."""
        for part in self._folded(text):
            painted = Text(part, style)
            for word, colour in self.styles.items():
                painted.highlight_words([word], colour)
            self.console.print(painted)

    def lines(self, text: str) -> None:
        """A block of lines."""
        for line in text.split("\n"):
            self.line(line)

    def heading(self, text: str) -> None:
        """A heading, with an empty line before it."""
        self.line()
        self.console.print(Text(text, "bold"))
        self.line()

    def remarks(self, lines: Sequence[str], remarks: Sequence[str]) -> None:
        """A remark behind each line, or below each where that is too wide for a page."""
        width = max(map(cell_len, lines))
        behind = width + 3 + max(map(cell_len, remarks)) <= PAGE
        for line, remark in zip(lines, remarks, strict=True):
            if behind:
                self.line(f"{line}{' ' * (width - cell_len(line) + 3)}{remark}")
            else:
                self.line(line)
                self.line(f"        {remark}")

    def note(self, text: str) -> None:
        """A paragraph of prose, no wider than a page; formulas in it stay in one piece."""
        glued = re.sub(r" ([=·+−/]) ", f"{GLUE}\\1{GLUE}", text)
        for part in _wrapped(glued, min(PAGE - 2, self.console.width), "  ", "  "):
            self.line(part)

    def table(self, rows: Sequence[Sequence[str]], indent: int = 4, gap: int = 1) -> None:
        """Cells under each other; the columns are as wide as they need to be."""
        for row in aligned(rows, gap):
            self.line(" " * indent + row)

    def _folded(self, text: str) -> list[str]:
        width = self.console.width
        if not self.console.is_terminal or cell_len(text) <= width:
            return [text]
        formula = text.lstrip()
        first = " " * (len(text) - len(formula))
        others = first + " " * 4
        for depth in range(-1, DEEPEST):
            parts = _wrapped(_glued(formula, depth), width, first, others)
            if all(cell_len(part) <= width for part in parts):
                return parts
        return _wrapped(formula, width, first, others)


def _wrapped(text: str, width: int, first: str, others: str) -> list[str]:
    parts = wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [part.replace(GLUE, " ") for part in parts]


def _glued(formula: str, most: int) -> str:
    """The formula in pieces that stay whole.

    What is inside of more than `most` brackets is not broken, nor is a sign from what follows
    it; with -1 no product is broken either.
    """
    depth, glued = 0, ""
    for before, character in pairwise(f" {formula}"):
        depth += (character in "([") - (character in ")]")
        stays = character == " " and (depth > max(most, 0) or before in "+-*")
        glued += GLUE if stays else character
    return glued.replace(" *", f"{GLUE}*") if most < 0 else glued


def aligned(rows: Iterable[Sequence[str]], gap: int = 1) -> list[str]:
    """Each row as a line, every column as wide as its widest cell."""
    columns = list(zip_longest(*rows, fillvalue=""))
    widths = [max(map(cell_len, column)) for column in columns]
    padded = [
        [cell + " " * (width - cell_len(cell)) for cell in column]
        for column, width in zip(columns, widths, strict=True)
    ]
    return [(" " * gap).join(row).rstrip() for row in zip(*padded, strict=True)]


def complain(message: str) -> None:
    """One message on stderr about something that the user can put right."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(Text.assemble(("whygrad: ", "bold red"), message))


def tolerate_narrow_encodings() -> None:
    """A terminal that cannot show σ shows a question mark, rather than stop with an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
