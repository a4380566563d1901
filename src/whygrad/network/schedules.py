"""Schedules: how the learning rate changes, as equations of the step and of settings.

A schedule stands where a learning rate does, `SGD(lr=Cosine(0.1))`; a plain number is the
constant one. Everything that it takes is a setting, so that other values compile nothing new.
The equations count in steps; `steps` is how many of them make an epoch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from .arguments import whole_number
from .numbers import decimal, not_negative, positive

Naming = Callable[[str], str]


class Schedule(ABC):
    """Writes the equation of the learning rate."""

    @abstractmethod
    def lines(self, lr: str, own: Naming, epochs: int, steps: int) -> list[str]:
        """Lines that define `lr`; `own` turns a name into one that is free in the text."""


@dataclass(frozen=True)
class Step(Schedule):
    """Constant for `every` epochs, then multiplied by `factor`, and so on.

    lr = start · factor^⌊epoch / every⌋
    """

    start: float
    every: int = 10
    factor: float = 0.1

    def __post_init__(self) -> None:
        positive("start", self.start)
        whole_number("every", self.every, 1)
        positive("factor", self.factor)

    def lines(self, lr: str, own: Naming, epochs: int, steps: int) -> list[str]:
        """See `Schedule.lines`."""
        start, factor, period = own("lr.start"), own("lr.factor"), own("lr.period")
        age, drops, due = own("lr.age"), own("lr.drops"), own("lr.due")
        return [
            f"setting {start} = {decimal(self.start)}, {factor} = {decimal(self.factor)}, "
            f"{period} = {self.every * steps}",
            f"state {age} ~ zeros, {drops} ~ zeros",
            f"{due} = [{age} + 1 >= {period}]",
            f"{age} <- (1 - {due}) * ({age} + 1)",
            f"{drops} <- {drops} + {due}",
            f"{lr} = {start} * {factor}**{drops}",
        ]


@dataclass(frozen=True)
class Exponential(Schedule):
    """Multiplied by `factor` in the course of each epoch, a little at every step.

    lr = start · factor^epoch, where epoch is step / steps
    """

    start: float
    factor: float = 0.95

    def __post_init__(self) -> None:
        positive("start", self.start)
        positive("factor", self.factor)

    def lines(self, lr: str, own: Naming, epochs: int, steps: int) -> list[str]:
        """See `Schedule.lines`."""
        start, factor, period = own("lr.start"), own("lr.factor"), own("lr.period")
        return [
            f"setting {start} = {decimal(self.start)}, {factor} = {decimal(self.factor)}, "
            f"{period} = {steps}",
            *counter(own),
            f"{lr} = {start} * {factor}**({own('step')} / {period})",
        ]


@dataclass(frozen=True)
class Cosine(Schedule):
    """Half a wave from `start` down to `end` in so many epochs, by default in all of them.

    lr = end + (start − end) · (1 + cos(π · min(epoch / epochs, 1))) / 2
    (Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017,
    equation 5, without restarts), at every step.
    """

    start: float
    end: float = 0.0
    epochs: int | None = None

    def __post_init__(self) -> None:
        positive("start", self.start)
        not_negative("end", self.end)
        if self.epochs is not None:
            whole_number("epochs", self.epochs, 1)

    def lines(self, lr: str, own: Naming, epochs: int, steps: int) -> list[str]:
        """See `Schedule.lines`."""
        start, end, period = own("lr.start"), own("lr.end"), own("lr.period")
        return [
            f"setting {start} = {decimal(self.start)}, {end} = {decimal(self.end)}, "
            f"{period} = {(self.epochs or epochs) * steps}",
            *counter(own),
            f"{lr} = {end} + ({start} - {end}) * "
            f"(1 + cos(3.141592653589793 * min({own('step')} / {period}, 1))) / 2",
        ]


def counter(own: Naming) -> list[str]:
    """The lines that count the steps taken before this one."""
    step = own("step")
    return [f"state {step} ~ zeros", f"{step} <- {step} + 1"]
