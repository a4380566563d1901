"""The training step that the native engine makes of a network, in words."""

from __future__ import annotations

from collections.abc import Mapping

from ..engines.request import Request
from ..network.network import BaseNetwork
from ..network.optimizers import Adam, Optimizer
from .batches import BATCH_SIZE
from .score import score_of
from .step import step_system, wanted


def program(
    net: BaseNetwork,
    *,
    batch_size: int = BATCH_SIZE,
    optimizer: Optimizer | None = None,
    dtype: str = "float64",
    threads: int | None = None,
    data: Mapping[str, object] | None = None,
    **named: object,
) -> str:
    """What runs in a training step: which equations together, in which tiles, in which memory.

    The arguments are those of `train`.
    """
    from ..engines.native.build import described

    arrays = net.bind(data, named)
    score = score_of(net.system, arrays)
    system = step_system(net, Adam() if optimizer is None else optimizer, score, 1, 1)
    sizes = net.open_sizes_for(system, arrays)
    request = Request(system, sizes, wanted(system, score), dtype, True)
    return described(request, batch_size, threads)
