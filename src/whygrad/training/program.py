"""The training step that the native engine makes of a network, in words."""

from __future__ import annotations

from collections.abc import Mapping

from ..engines import find
from ..engines.request import Request
from ..network.arguments import check_kind, one_of, whole_number
from ..network.network import BaseNetwork
from ..network.optimizers import Adam, Optimizer
from .batches import BATCH_SIZE
from .run import DTYPES
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

    The arguments are those of `train`; raises WhygradError for one that makes no sense.
    """
    from ..engines.native.build import described

    optimizer = Adam() if optimizer is None else optimizer
    check_kind(optimizer, Optimizer, "whygrad.Adam(0.01)")
    whole_number("batch_size", batch_size, 1)
    one_of("dtype", dtype, DTYPES)
    find("native", threads)
    arrays = net.bind(data, named)
    score = score_of(net.system, arrays)
    system = step_system(net, optimizer, score, 1, 1)
    sizes = net.open_sizes_for(system, arrays)
    request = Request(system, sizes, wanted(system, score), dtype, True)
    return described(request, arrays, batch_size, threads)
