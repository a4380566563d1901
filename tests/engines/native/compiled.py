"""Compiles one emitted function and applies it to NumPy arrays."""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Callable
from functools import cache
from itertools import count
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from numpy.typing import NDArray

from whygrad.engines.native.functions import arguments, beside, lines
from whygrad.engines.native.jit import Library

Array = NDArray[Any]

# Processors, by name and features; the empty one is the one that runs this.
HOST = ("", "")
AVX2 = ("haswell", "")
SSE2 = ("x86-64", "")


def module_text(name: str, element: str, lanes: int, again: int = 1) -> str:
    """An external `loop(out, x, y, blocks)` over whole blocks of lanes, done `again` times."""
    kind = element if lanes == 1 else f"<{lanes} x {element}>"
    size = {"float": 4, "double": 8}[element]
    numbers = count()
    args = ["%x", "%y"][: arguments(name)]
    values = [f"%value{arg[1:]}" for arg in args]
    spliced, result = lines(name, values, lambda: f"%t{next(numbers)}", element, lanes)
    loads = [
        f"{value} = load {kind}, ptr %at{arg[1:]}, align {size}"
        for value, arg in zip(values, args, strict=True)
    ]
    places = [
        f"%at{arg[1:]} = getelementptr {element}, ptr {arg}, i64 %at" for arg in [*args, "%out"]
    ]
    body = "\n  ".join([*places, *loads, *spliced])
    return f"""{"".join(beside(name, element, lanes).values())}
define void @loop(ptr noalias %out, ptr noalias %x, ptr noalias %y, i64 %n) {{
entry:
  br label %outer
outer:
  %round = phi i64 [0, %entry], [%nextround, %inner]
  br label %body
body:
  %i = phi i64 [0, %outer], [%next, %body]
  %at = mul i64 %i, {lanes}
  {body}
  store {kind} {result}, ptr %atout, align {size}
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %n
  br i1 %more, label %body, label %inner
inner:
  %nextround = add i64 %round, 1
  %again = icmp slt i64 %nextround, {again}
  br i1 %again, label %outer, label %end
end:
  ret void
}}
"""


def machine(processor: tuple[str, str], triple: str = "") -> llvm.TargetMachine:
    """A target machine that may be used once."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    target = llvm.Target.from_triple(triple) if triple else llvm.Target.from_default_triple()
    cpu, features = processor
    if processor == HOST and not triple:
        cpu, features = llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()
    return target.create_target_machine(
        cpu=cpu, features=features, opt=3, reloc="pic", codemodel="small"
    )


def can_run(processor: tuple[str, str]) -> bool:
    """Whether this machine runs code for a processor."""
    x86 = platform.machine().lower() in ("x86_64", "amd64")
    features = llvm.get_host_cpu_features()
    return {
        HOST: True,
        AVX2: x86 and features.get("avx2", False) and features.get("fma", False),
        SSE2: x86,
    }[processor]


def assembly(
    name: str, element: str, lanes: int, processor: tuple[str, str], triple: str = ""
) -> str:
    """The assembly of the loop over a function."""
    module = llvm.parse_assembly(module_text(name, element, lanes))
    return machine(processor, triple).emit_assembly(module)


@cache
def engine(
    name: str, element: str, lanes: int, processor: tuple[str, str] = HOST, again: int = 1
) -> tuple[Library, Callable[..., None]]:
    """Loaded as the engine loads its code: MCJIT may lay constants too far away to be reached."""
    module = llvm.parse_assembly(module_text(name, element, lanes, again))
    module.verify()
    library = Library(machine(processor).emit_object(module), ["loop"])
    kind = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, ctypes.c_int64)
    return library, kind(library.address("loop"))


def apply(name: str, *args: Array, lanes: int = 0, processor: tuple[str, str] = HOST) -> Array:
    """The function of arrays of float32 or float64; lanes fill 64 bytes if they are not given."""
    element = {4: "float", 8: "double"}[args[0].itemsize]
    lanes = lanes or 64 // args[0].itemsize
    blocks = -(-args[0].size // lanes)
    padded = [np.concatenate([a.ravel(), np.ones(blocks * lanes - a.size, a.dtype)]) for a in args]
    out = np.empty_like(padded[0])
    pointers = [a.ctypes.data for a in (out, padded[0], padded[-1])]
    engine(name, element, lanes, processor)[1](*pointers, blocks)
    return out[: args[0].size].reshape(args[0].shape)
