"""Optimisers: functions that write how each parameter is updated.

An optimiser adds lines of text to a system that has its derivatives δw: a
`setting` for the learning rate, a `state` for what it remembers, and an update
for each parameter. Every right side reads the values from before the step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol, runtime_checkable

from ..errors import WhygradError
from ..language.parsing import parse
from ..language.system import System, Tensor
from .arguments import is_number


@runtime_checkable
class Optimizer(Protocol):
    """Anything that writes updates."""

    def extend(self, system: System, slopes: Mapping[str, str]) -> System:
        """The system with the updates of these parameters.

        `slopes` gives the name of each parameter's derivative.
        """


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent, with momentum if asked (Polyak, 1964).

    v ← momentum·v + ∂J/∂w        w ← w - lr·v
    """

    lr: float = 0.01
    momentum: float = 0.0

    def __post_init__(self) -> None:
        _positive("lr", self.lr)
        _fraction("momentum", self.momentum)

    def extend(self, system: System, slopes: Mapping[str, str]) -> System:
        """The system with the updates of these parameters.

        `slopes` gives the name of each parameter's derivative.
        """
        lr = _free(system, "lr", "sgd.lr")
        lines = [f"setting {lr} = {_decimal(self.lr)}"]
        for w, slope in slopes.items():
            at = _axes(system.tensors[w])
            if self.momentum == 0:
                lines.append(f"{w}{at} <- {w}{at} - {lr} * {slope}{at}")
                continue
            lines += [
                f"state {w}.v{at} ~ zeros",
                f"{w}.v_next{at} = {_decimal(self.momentum)} * {w}.v{at} + {slope}{at}",
                f"{w}.v{at} <- {w}.v_next{at}",
                f"{w}{at} <- {w}{at} - {lr} * {w}.v_next{at}",
            ]
        return with_lines(system, lines)


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1)."""

    lr: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    def __post_init__(self) -> None:
        _positive("lr", self.lr)
        _fraction("beta1", self.beta1)
        _fraction("beta2", self.beta2)
        _positive("eps", self.eps)

    def extend(self, system: System, slopes: Mapping[str, str]) -> System:
        """The system with the updates of these parameters.

        `slopes` gives the name of each parameter's derivative.
        """
        lr = _free(system, "lr", "adam.lr")
        beta1, beta2, eps = _decimal(self.beta1), _decimal(self.beta2), _decimal(self.eps)
        rest1, rest2 = _complement(self.beta1), _complement(self.beta2)
        lines = [
            f"setting {lr} = {_decimal(self.lr)}",
            "state adam.t ~ zeros",
            "adam.t_next = adam.t + 1",
            "adam.t <- adam.t_next",
        ]
        for w, slope in slopes.items():
            at = _axes(system.tensors[w])
            mean = f"{w}.m_next{at} / (1 - {beta1}**adam.t_next)"
            scale = f"sqrt({w}.v_next{at} / (1 - {beta2}**adam.t_next))"
            lines += [
                f"state {w}.m{at} ~ zeros, {w}.v{at} ~ zeros",
                f"{w}.m_next{at} = {beta1} * {w}.m{at} + {rest1} * {slope}{at}",
                f"{w}.v_next{at} = {beta2} * {w}.v{at} + {rest2} * {slope}{at}**2",
                f"{w}.m{at} <- {w}.m_next{at}",
                f"{w}.v{at} <- {w}.v_next{at}",
                f"{w}{at} <- {w}{at} - {lr} * ({mean}) / ({scale} + {eps})",
            ]
        return with_lines(system, lines)


def with_lines(system: System, lines: Iterable[str]) -> System:
    """The system with lines of text at its end."""
    return parse(str(system).rstrip("\n") + "\n\n" + "\n".join(lines) + "\n")


def _axes(tensor: Tensor) -> str:
    return f"[{','.join(tensor.indices)}]" if tensor.indices else ""


def _free(system: System, name: str, instead: str) -> str:
    """The name, unless the text uses it already."""
    return instead if name in system.tensors else name


def _decimal(value: float) -> str:
    """The shortest decimal that is this number, without an exponent."""
    return format(Decimal(str(value)), "f")


def _complement(value: float) -> str:
    """1 - value, as one would do it by hand on the decimals."""
    return format(1 - Decimal(str(value)), "f")


def _positive(name: str, value: float) -> None:
    if not (is_number(value) and 0 < value < float("inf")):
        raise WhygradError(f"{name} has to be a number above 0, not {value!r}")


def _fraction(name: str, value: float) -> None:
    if not (is_number(value) and 0 <= value < 1):
        raise WhygradError(
            f"{name} has to be a number from 0 up to, but not including, 1; not {value!r}"
        )
