"""Commands on a network's equations: `tour`, `derive` and `check`."""

from __future__ import annotations

import re
from math import isfinite
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import WhygradError
from .options import number, numbers
from .source import Net, check_wanted, faults_in, open_network

if TYPE_CHECKING:
    from ..model import Network
    from ..network.data import Arrays

COST_HELP = (
    "The cost J: half_squared_error, squared_error, absolute_error, huber, hinge or "
    "binary_cross_entropy."
)


def tour(
    x: Annotated[str, typer.Option(metavar="NUMBERS", help="One input, or several: 2,-1")] = "2",
    y: Annotated[str, typer.Option(metavar="NUMBERS", help="The right output for each.")] = "0",
    w1: Annotated[float, number("Weight of the first node.", "--w1")] = 0.4,
    b1: Annotated[float, number("Bias of the first node.", "--b1")] = -0.3,
    w2: Annotated[float, number("Weight of the second node.", "--w2")] = 1.2,
    b2: Annotated[float, number("Bias of the second node.", "--b2")] = 0.1,
    lr: Annotated[float, number("The learning rate η.", "--lr", "--eta")] = 0.5,
    cost: Annotated[str, typer.Option(metavar="NAME", help=COST_HELP)] = "half_squared_error",
    activation: Annotated[
        str, typer.Option(metavar="NAME", help="The function in both nodes.")
    ] = "sigmoid",
) -> None:
    """Back-propagation through two nodes in a row.

    Shows every derivative as its terms, each with its value, at numbers of your choice.
    """
    from .lecture import STYLES, give
    from .terminal import Terminal
    from .tour import Setting, Tour

    weights = {"w1": w1, "b1": b1, "w2": w2, "b2": b2}
    setting = Setting(numbers("--x", x), numbers("--y", y), weights, lr, cost, activation)
    give(Tour(setting), Terminal(styles=STYLES))


def derive(
    net: Annotated[str, Net],
    wrt: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Derive with respect to this tensor; may be repeated."),
    ] = None,
    latex: Annotated[bool, typer.Option("--latex", help="Write LaTeX.")] = False,
) -> None:
    """Derive a network's cost by the chain rule.

    Shows each derivative as the chain rule gives it, simplified, and all the way from the cost.
    """
    from .derivation import show
    from .terminal import Terminal

    with faults_in(net):
        derivation = open_network(net).derive(wrt or None)
    check_wanted(derivation)
    if latex:
        typer.echo(derivation.latex())
    else:
        show(derivation, Terminal())


def check(
    net: Annotated[str, Net],
    size: Annotated[
        list[str] | None, typer.Option(metavar="INDEX=N", help="The size of an index of the data.")
    ] = None,
    seed: Annotated[
        int, typer.Option(metavar="N", min=0, max=2**63 - 1, help="Of data, parameters and noise.")
    ] = 0,
    positive: Annotated[
        bool, typer.Option("--positive", help="Draw data between 0 and 1.")
    ] = False,
    training: Annotated[bool, typer.Option("--training", help="Check as in training.")] = False,
) -> None:
    """Check derivatives by finite differences.

    Data are drawn at random, and the parameters of a text as it says; a model has its own.

    The exit code is 0 if all agree, 1 if some do not and 2 if the check could not be made.
    """
    from .draw import draw

    sizes = dict(map(_size, size or ()))
    with faults_in(net):
        network = open_network(net)
        drawn = draw(network.system, {**network.sizes, **sizes}, seed, positive=positive)
        if not network.drawn:
            network.init(seed=seed, sizes=drawn.sizes, data=drawn.arrays)
        check_wanted(network.derive())
        _check_finite(network, drawn.arrays)
        report = network.check(training=training, seed=seed, data=drawn.arrays)
    if drawn.story:
        typer.echo(drawn.story)
    typer.echo(str(report))
    raise typer.Exit(0 if report.ok else 1)


def _check_finite(network: Network, arrays: Arrays) -> None:
    name = network.derive().cost
    cost = float(network.forward(data=arrays)[name])
    if not isfinite(cost):
        raise WhygradError(
            f"{name} is {cost} for the data drawn: try --positive, other sizes or another --seed"
        )


def _size(text: str) -> tuple[str, int]:
    """INDEX=N."""
    index, _, number = map(str.strip, text.partition("="))
    if not re.fullmatch("[1-9][0-9]{0,11}", number):
        raise WhygradError(f"--size takes an index and a whole number, as n=20; not {text!r}")
    return index, int(number)
