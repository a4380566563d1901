"""A program in words: what runs together, in which tiles, in how many threads, in which memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from ..memory import memory_shape, placed, size_of
from ..names import ALL
from ..plan import Assign, Scatter
from .module import Module
from .resident import OWN
from .schedule import Tiled
from .step import Event, Steps


def describe(module: Module, sizes: Mapping[str, int], threads: int, most: int = 0) -> str:
    """The step and its memory as text; `sizes` has those of all indices.

    It begins in so many threads, and goes on in up to `most` if that is faster.
    """
    step, _ = module.step()
    count = "one thread" if threads == 1 else f"{threads} threads"
    if most > threads:
        count += f" at first, up to {most} if that is faster"
    lines = [f"{count}, vectors of {module.lanes} numbers ({module.bits} bits)", ""]
    for event in step.events:
        if threads > 1 or event.what is not None:
            lines += ["  " * event.depth + line for line in _event(event, module, threads)]
    lines += ["", *_memory(module, step.lives, sizes, threads)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _event(event: Event, module: Module, threads: int) -> Iterator[str]:
    what = event.what
    if what is None:
        yield "-- the threads wait for each other"
    elif isinstance(what, Steps):
        way = "" if what.direction > 0 else ", downwards"
        yield f"for each {what.index} in turn{way}:"
    elif isinstance(what.part, Scatter):
        yield from str(what.part).split("\n")
    else:
        how = "; each thread for itself" if what.private else "; all threads"
        shared = how if threads > 1 and not what.single else ""
        yield f"{_head(what.part, module)}{shared}"
        yield from (f"  {line}" for line in what.part.nest.lines(partial(_step, module)))


def _head(tiled: Tiled, module: Module) -> str:
    """How the loops of a nest run."""
    indices = tiled.nest.indices
    if tiled.exchange:
        return f"copy with exchanged axes, over {', '.join(indices)}"
    over = f"over {', '.join(indices)}" if indices else "once"
    if tiled.lane is None:
        return over
    if tiled.row is None:
        return f"{over}: vectors along {tiled.lane}"
    across = tiled.vectors * module.lanes
    if tiled.lane not in indices:
        return f"{over}: {tiled.rows} {tiled.row} at a time, joined along {tiled.lane} in vectors"
    tiles = f"{over}: tiles of {tiled.rows} {tiled.row} by {across} {tiled.lane}"
    if tiled.skips:
        tiles += f", leaving out zeros of {tiled.skips.tensor.removesuffix(ALL)}"
    if tiled.transposed:
        tiles += f", {tiled.transposed.tensor.replace(OWN, '')} transposed in panels"
    return tiles


def _step(module: Module, step: Assign) -> str:
    kept = "" if step.name in module.memory else "    (in registers)"
    return f"{step}{kept}".replace(OWN, "")


def _memory(
    module: Module,
    lives: Mapping[str, tuple[int, int]],
    sizes: Mapping[str, int],
    threads: int,
) -> Iterator[str]:
    """The engine's own buffers, in the order of their places."""
    own = [b for b in module.buffers(lives) if not b.external]
    places = placed(own, sizes, threads)
    yield f"memory: {places.size:,} bytes"
    for buffer, place in sorted(zip(own, places.offsets, strict=True), key=lambda b: b[1]):
        shape = memory_shape(buffer, sizes)
        size = size_of(buffer, sizes)
        axes = ",".join(a.index for a in buffer.axes)
        name = buffer.name.replace(OWN, "")
        span = "always" if buffer.alive is None else f"phases {buffer.alive[0]}-{buffer.alive[1]}"
        each = " for each thread" if buffer.private and threads > 1 else ""
        yield f"  at {place:>10,}: {size:>10,} bytes{each}  {name}[{axes}] as {shape}, {span}"
