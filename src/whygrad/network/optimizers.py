"""Optimisers: functions that write how each parameter is updated.

An optimiser adds lines of text to a system that has its derivatives δw: a `setting` for each
of its numbers, so that other numbers compile nothing new; a `state` for what it remembers; and
an update for each parameter. Every right side reads the values from before the step.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..language.system import System, Tensor
from .numbers import decimal, fraction, not_negative, positive
from .schedules import Naming, Schedule, counter


@dataclass(frozen=True)
class Optimizer(ABC):
    """What optimisers share: the learning rate, a number or a schedule, and three penalties.

    Args:
        lr: the learning rate.
        weight_decay: w loses lr·weight_decay·w in each step, beside what the derivative does
            (decoupled; Loshchilov and Hutter, "Decoupled weight decay regularization", 2019).
        l1: adds l1·sign(w) to the derivative, that of the penalty l1·Σ|w|.
        l2: adds l2·w to the derivative, that of the penalty l2/2·Σw².

    The penalties touch the parameters of two axes or more. Those of one axis or none, such as
    biases, are left alone. The cost that a history shows is without penalties.
    """

    lr: float | Schedule
    weight_decay: float = field(default=0.0, kw_only=True)
    l1: float = field(default=0.0, kw_only=True)
    l2: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.lr, Schedule):
            positive("lr", self.lr)
        for name in ("weight_decay", "l1", "l2"):
            not_negative(name, getattr(self, name))

    @abstractmethod
    def settings(self, own: Naming) -> list[str]:
        """The lines that are written once; `own` turns a name into one free in the text."""

    @abstractmethod
    def direction(self, w: Tensor, slope: str, own: Naming) -> tuple[list[str], str]:
        """Lines for one parameter, and what the learning rate then multiplies.

        `slope` is the derivative with its subscripts.
        """

    def lines(
        self, system: System, slopes: Mapping[str, str], epochs: int = 1, steps: int = 1
    ) -> list[str]:
        """The lines that update these parameters, to be added to a system.

        `slopes` gives the name of each parameter's derivative. `epochs` and `steps`, so many to
        an epoch, are what the training is to take: schedules count by them.
        """

        def own(name: str) -> str:
            return f"optimizer.{name}" if name in system.tensors else name

        lr = own("lr")
        rate = (
            self.lr.lines(lr, own, epochs, steps)
            if isinstance(self.lr, Schedule)
            else [f"setting {lr} = {decimal(self.lr)}"]
        )
        penalties = [
            f"setting {own(name)} = {decimal(getattr(self, name))}"
            for name in ("weight_decay", "l1", "l2")
            if getattr(self, name)
        ]
        lines = [*rate, *penalties, *self.settings(own)]
        for name, slope in slopes.items():
            lines += self._update(system.tensors[name], slope, lr, own)
        return list(dict.fromkeys(lines))  # the counter of steps only once

    def _update(self, tensor: Tensor, slope: str, lr: str, own: Naming) -> list[str]:
        at = axes(tensor)
        w, slope = tensor.name + at, slope + at
        penalised = len(tensor.indices) > 1
        lines = []
        if penalised and (self.l1 or self.l2):
            l2 = f" + {own('l2')} * {w}" if self.l2 else ""
            l1 = f" + {own('l1')} * ([{w} > 0] - [{w} < 0])" if self.l1 else ""
            lines.append(f"{own(f'{tensor.name}.slope')}{at} = {slope}{l2}{l1}")
            slope = own(f"{tensor.name}.slope") + at
        remembered, direction = self.direction(tensor, slope, own)
        decay = f" - {lr} * {own('weight_decay')} * {w}" if penalised and self.weight_decay else ""
        return [*lines, *remembered, f"{w} <- {w} - {lr} * {direction}{decay}"]


@dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if asked (Polyak, 1964).

    v ← momentum·v + ∂J/∂w        w ← w - lr·v
    """

    lr: float | Schedule = 0.01
    momentum: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        fraction("momentum", self.momentum)

    def settings(self, own: Naming) -> list[str]:
        """See `Optimizer.settings`."""
        return [f"setting {own('momentum')} = {decimal(self.momentum)}"] if self.momentum else []

    def direction(self, w: Tensor, slope: str, own: Naming) -> tuple[list[str], str]:
        """See `Optimizer.direction`."""
        if not self.momentum:
            return [], slope
        at = axes(w)
        v, v_next = own(f"{w.name}.v") + at, own(f"{w.name}.v_next") + at
        lines = [
            f"state {v} ~ zeros",
            f"{v_next} = {own('momentum')} * {v} + {slope}",
            f"{v} <- {v_next}",
        ]
        return lines, v_next


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam (Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1).

    With `weight_decay` it is AdamW.
    """

    lr: float | Schedule = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        fraction("beta1", self.beta1)
        fraction("beta2", self.beta2)
        positive("eps", self.eps)

    def settings(self, own: Naming) -> list[str]:
        """See `Optimizer.settings`."""
        beta1, beta2, step = own("beta1"), own("beta2"), own("step")
        return [
            f"setting {beta1} = {decimal(self.beta1)}, {beta2} = {decimal(self.beta2)}, "
            f"{own('eps')} = {decimal(self.eps)}",
            *counter(own),
            f"{own('adam.share1')} = 1 - {beta1}**({step} + 1)",
            f"{own('adam.share2')} = 1 - {beta2}**({step} + 1)",
        ]

    def direction(self, w: Tensor, slope: str, own: Naming) -> tuple[list[str], str]:
        """See `Optimizer.direction`."""
        at = axes(w)
        beta1, beta2 = own("beta1"), own("beta2")
        m, m_next = own(f"{w.name}.m") + at, own(f"{w.name}.m_next") + at
        v, v_next = own(f"{w.name}.v") + at, own(f"{w.name}.v_next") + at
        lines = [
            f"state {m} ~ zeros, {v} ~ zeros",
            f"{m_next} = {beta1} * {m} + (1 - {beta1}) * {slope}",
            f"{v_next} = {beta2} * {v} + (1 - {beta2}) * {slope}**2",
            f"{m} <- {m_next}",
            f"{v} <- {v_next}",
        ]
        mean, square = f"{m_next} / {own('adam.share1')}", f"{v_next} / {own('adam.share2')}"
        return lines, f"({mean}) / (sqrt({square}) + {own('eps')})"


def axes(tensor: Tensor) -> str:
    """The subscripts of a tensor as its declaration has them."""
    return f"[{','.join(tensor.indices)}]" if tensor.indices else ""
