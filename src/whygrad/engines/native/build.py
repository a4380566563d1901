"""From a request to machine code: lowered, generated, translated; or found in the cache."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields, replace
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..base import Array
from ..request import Request
from . import zeros
from .cache import read, write
from .code import Axis, Buffer, Code
from .driver import DRIVER
from .jit import Target, externals, host, machine_code
from .names import original
from .subnormals import flush_ir
from .threads import barrier_ir
from .work import ENOUGH, LEAST, Work, operations, worthwhile

if TYPE_CHECKING:
    from .plan import Plan


@dataclass(frozen=True, slots=True)
class Build:
    """A program in machine code, with all that is needed to run it.

    The text of `code` is left out; `results` gives the tensor that holds each wanted name.
    """

    code: Code
    results: Mapping[str, str]
    symbols: tuple[str, ...]
    work: Work
    machine_code: bytes


def build(
    request: Request, in_place: bool, target: Target, sparse: frozenset[str] = frozenset()
) -> Build:
    """The program of a request for a processor; `in_place` makes it a training step.

    `sparse` are given tensors in which many numbers are 0. Raises SizeError for sizes that do not
    fit the system.
    """
    key = _key(request, in_place, target, sparse)
    kept = read(key)
    if kept is not None:
        return _unpacked(kept)
    new = made(request, in_place, target, sparse)
    write(key, _packed(new))
    return new


def made(
    request: Request, in_place: bool, target: Target, sparse: frozenset[str] = frozenset()
) -> Build:
    """The program of a request, compiled."""
    from .counting import work

    plan = planned(request, in_place, sparse)
    text, code = module(request, plan, in_place, target)
    return Build(
        replace(code, text=""),
        dict(plan.results),
        tuple(sorted(externals(text))),
        work(plan),
        machine_code(text, target),
    )


def planned(request: Request, in_place: bool, sparse: frozenset[str] = frozenset()) -> Plan:
    """The middle form of a request."""
    from .lowering import lower

    plan = lower(request.whole, request.sizes, request.wanted, request.training, in_place)
    return replace(plan, sparse=sparse)


def described(
    request: Request, arrays: Mapping[str, Array], samples: int, threads: int | None = None
) -> str:
    """The training step of a request on some data, for batches of so many samples, in words."""
    from .codegen.describe import describe
    from .codegen.module import Module
    from .counting import work

    step = request.with_open_batch().step()
    plan = planned(step, True, zeros.sparse(step.whole, arrays))
    known = step.sizes_with(samples)
    sizes = {i: known.get(original(i), samples) for i in plan.sizes}
    updated = [u.name for u in step.whole.updates]
    module = Module(plan, step.whole, step.dtype.name, host(), updated)
    much = operations(work(plan), sizes)
    usual, most = (threads or worthwhile(much, each) for each in (ENOUGH, LEAST))
    return describe(module, sizes, usual, most)


def module(request: Request, plan: Plan, in_place: bool, target: Target) -> tuple[str, Code]:
    """The whole text in LLVM's language, and the code that is its heart."""
    from .codegen import generate

    updated = [u.name for u in request.whole.updates] if in_place else []
    code = generate(plan, request.whole, request.dtype.name, target, updated)
    return "\n".join(
        (barrier_ir(target), flush_ir(target if in_place else None), code.text, DRIVER)
    ), code


def _key(request: Request, in_place: bool, target: Target, sparse: frozenset[str]) -> str:
    """A name for all that a program is made from, the compiler included."""
    parts = (
        *_compiler(),
        astuple(target),
        str(request.whole),
        sorted(request.sizes.items()),
        request.wanted,
        request.dtype.name,
        request.training,
        in_place,
        sorted(sparse),
    )
    return blake2b(repr(parts).encode(), digest_size=20).hexdigest()


@cache
def _compiler() -> tuple[object, ...]:
    """What compiles: the version of LLVM, and all that stands before it."""
    import llvmlite
    import numpy
    from llvmlite.binding import llvm_version_info

    package = Path(__file__).parent.parent.parent
    text = blake2b()
    for folder in ("engines", "language"):
        for path in sorted((package / folder).rglob("*.py")):
            text.update(path.read_bytes())
    return llvmlite.__version__, llvm_version_info, numpy.__version__, text.hexdigest()


def _packed(build: Build) -> bytes:
    """A program as bytes: its tables in JSON, a line end, and the machine code."""
    *tables, _ = _values(build)
    return json.dumps(tables, default=_values).encode() + b"\n" + build.machine_code


def _values(table: Any) -> list[Any]:
    return [getattr(table, f.name) for f in fields(table)]


def _unpacked(content: bytes) -> Build:
    head, _, code = content.partition(b"\n")
    (text, buffers, runtime_sizes), results, symbols, counts = _tuples(json.loads(head))
    found = tuple(
        Buffer(n, t, e, tuple(Axis(*a) for a in axes), *r) for n, t, e, axes, *r in buffers
    )
    return Build(Code(text, found, runtime_sizes), results, symbols, counts, code)


def _tuples(value: Any) -> Any:
    """The value with tuples where JSON knows lists only."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
