"""One training step as one system: the forward equations, their derivatives and the updates."""

from __future__ import annotations

from ..errors import WhygradError
from ..language.system import System
from ..network.network import BaseNetwork
from ..network.optimizers import Optimizer, with_lines
from .score import Score


def step_system(net: BaseNetwork, optimizer: Optimizer, score: Score | None) -> System:
    """The equations of a step: the network's own, δ for each parameter, and its update.

    A parameter that the text itself updates is left to the text.
    """
    system = net.system
    updated = {u.name for u in system.updates}
    trained = [t.name for t in system.of_kind("param") if t.name not in updated]
    if not trained and not system.updates:
        raise WhygradError("there is nothing to train: the text has no line 'param ...'")
    derivation = net.derive()
    slopes = {name: derivation.mark + name for name in trained}
    step = optimizer.extend(derivation.simplified_system, slopes)
    return with_lines(step, score.lines(system)) if score else step
