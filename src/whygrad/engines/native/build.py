"""From a request to an executable: lowered, generated, translated; or found in the cache."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..request import Request
from .code import Code
from .driver import DRIVER
from .executable import Executable
from .jit import Target, externals, host, machine_code
from .plan import Plan
from .threads import barrier_ir
from .work import Work, work


@dataclass(frozen=True, slots=True)
class Build:
    """A program in machine code, with all that is needed to run it.

    The text of `code` is left out; `results` gives the tensor that holds each wanted name.
    """

    code: Code
    results: Mapping[str, str]
    machine_code: bytes
    symbols: tuple[str, ...]
    work: Work

    def executable(self) -> Executable:
        """The program in memory."""
        return Executable(self.code, self.machine_code, self.symbols)


def build(request: Request, in_place: bool) -> Build:
    """The program of a request for this processor."""
    return made(request, in_place, host())


def made(request: Request, in_place: bool, target: Target) -> Build:
    """The program of a request for any processor; `in_place` makes it a training step."""
    from .codegen.module import generate

    plan = planned(request, in_place)
    updated = [u.name for u in request.whole.updates] if in_place else []
    code = generate(plan, request.whole, request.dtype.name, target, updated)
    text = "\n".join((barrier_ir(target), code.text, DRIVER))
    return Build(
        replace(code, text=""),
        dict(plan.results),
        machine_code(text, target),
        tuple(sorted(externals(text))),
        work(plan),
    )


def planned(request: Request, in_place: bool) -> Plan:
    """The middle form of a request."""
    from .lowering import lower

    return lower(request.whole, request.sizes, request.wanted, request.training, in_place)
