"""The command line's frame: the application, its errors, and what commands have in common."""

from __future__ import annotations

import sys
from math import nan
from typing import Annotated

import typer

from ..errors import WhygradError

LARGEST = 1e100
INTERRUPTED = 130  # the exit code of what Ctrl-C ended

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)


def main() -> None:
    """Run the command line. A user's mistake is one message on stderr and exit code 2."""
    import warnings

    from .terminal import complain, tolerate_narrow_encodings

    tolerate_narrow_encodings()
    warnings.showwarning = lambda message, *_: complain(f"warning: {message}")
    try:
        app(prog_name="whygrad")
    except WhygradError as error:
        complain(str(error))
        sys.exit(2)
    except OSError as error:
        complain(f"cannot write: {error.strerror}")
        sys.exit(1)


def _say_version(wanted: bool) -> None:
    if wanted:
        from .. import __version__

        typer.echo(f"whygrad {__version__}")
        raise typer.Exit


@app.callback()
def whygrad(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Say the version."),
    ] = False,
) -> None:
    """A network is the equations on a whiteboard: trained on a table, explained term by term."""


def moderate(value: float) -> float:
    """A callback for an option that takes a number: NaN, infinity and the like are refused."""
    if not abs(value) <= LARGEST:
        raise typer.BadParameter(f"{value} is no number up to {LARGEST:g}")
    return value


def numbers(option: str, text: str) -> tuple[float, ...]:
    """The numbers of an option that takes several, between commas."""
    found = []
    for part in text.split(","):
        try:
            number = float(part)
        except ValueError:
            number = nan
        if not abs(number) <= LARGEST:
            hint = f"numbers up to {LARGEST:g}, such as 0.5 or 0.5,-1,2"
            raise WhygradError(f"{option} takes {hint}; not {part.strip()!r}")
        found.append(number)
    return tuple(found)
