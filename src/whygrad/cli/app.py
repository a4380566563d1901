"""The command line's frame: its commands, each with an example, and how an error ends one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from ..errors import WhygradError
from .equations import check, derive, tour
from .models import predict, show, why
from .training import train

COMMANDS: dict[Callable[..., None], str] = {
    train: "train dense:16:tanh,dense:3 wine.csv --target cultivar --save wine.safetensors",
    predict: "predict wine.safetensors wine.csv --out predictions.csv",
    why: "why wine.safetensors 'w1[0,2]' --data wine.csv",
    show: "show wine.safetensors",
    derive: "derive examples/two_nodes.wg --latex",
    check: "check examples/wine.wg --size n=20 --size i=13",
    tour: "tour --x 2,-1 --y 0,1 --cost binary_cross_entropy",
}

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)


for command, example in COMMANDS.items():
    app.command(epilog=f"Example: whygrad {example}")(command)


def run() -> None:
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
    except MemoryError as error:
        complain(f"this takes more memory than there is: {error}".removesuffix(": "))
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
