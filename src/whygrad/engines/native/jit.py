"""From the text of LLVM IR to functions that can be called.

Two steps, so that what the first one makes can be kept on disk: `machine_code` translates, for any
processor, and `Library` loads what was translated for this one. Of LLVM's passes only that one is
run that puts functions where they are called, if the text says so: which vectors and which order
are meant stands there already.
"""

from __future__ import annotations

import ctypes
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llvmlite.binding import TargetMachine

OPTIMISATION = 2
"""The level of LLVM's code generation; 0 gives code three times slower."""


@dataclass(frozen=True, slots=True)
class Target:
    """A processor to generate code for, in LLVM's words.

    `features` is a list as in "+avx2,+fma"; it names all that the code may use beyond what every
    processor of the triple has.
    """

    triple: str
    cpu: str = ""
    features: str = ""

    @property
    def is_x86(self) -> bool:
        """Whether it is a 64-bit x86."""
        return self.triple.startswith("x86_64")

    @property
    def is_arm(self) -> bool:
        """Whether it is a 64-bit Arm."""
        return self.triple.startswith(("aarch64", "arm64"))

    def has(self, feature: str) -> bool:
        """Whether a feature is there, as "fma"."""
        return f"+{feature}" in self.features.split(",")

    @property
    def vector_bits(self) -> int:
        """The width of a vector register."""
        if self.has("avx512f") and self.has("avx512vl"):
            return 512
        return 256 if self.has("avx") else 128

    @property
    def vector_registers(self) -> int:
        """How many vector registers there are."""
        return 32 if self.is_arm or self.vector_bits == 512 else 16


X86 = Target("x86_64-unknown-linux-gnu", "x86-64")
AVX2 = Target("x86_64-unknown-linux-gnu", "x86-64", "+avx,+avx2,+fma")
ARM = Target("aarch64-unknown-linux-gnu", "generic", "+neon")


@cache
def host() -> Target:
    """The processor that this runs on."""
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features().flatten()
    return Target(llvm.get_process_triple(), llvm.get_host_cpu_name(), features)


def machine_code(text: str, target: Target) -> bytes:
    """An object file with the functions of the text; the same bytes for the same text."""
    machine = _machine(target)
    code: bytes = machine.emit_object(_module(text, machine))
    return code


def assembly(text: str, target: Target) -> str:
    """What `machine_code` makes of the text, to be read."""
    machine = _machine(target)
    read: str = machine.emit_assembly(_module(text, machine))
    return read


def externals(text: str) -> frozenset[str]:
    """The functions that a text declares and does not define, those of LLVM itself aside."""
    declared = re.findall(r"^declare [^@]*@([\w.]+)\(", text, re.MULTILINE)
    return frozenset(name for name in declared if not name.startswith("llvm."))


class Library:
    """Machine code in memory, for as long as this object lives.

    `names` are the functions that are wanted of it, `symbols` the external ones that it calls.
    Raises RuntimeError for one that is not there.
    """

    def __init__(self, code: bytes, names: Iterable[str], symbols: Iterable[str] = ()) -> None:
        import llvmlite.binding as llvm

        builder = llvm.JITLibraryBuilder().add_object_img(code)
        for name in names:
            builder.export_symbol(name)
        for name in symbols:
            builder.import_symbol(name, _address(name))
        self._tracker = builder.link(_linker(), f"library {next(_numbers)}")

    def address(self, name: str) -> int:
        """Where a function is."""
        address: int = self._tracker[name]
        return address


_numbers = count()


@cache
def _linker() -> Any:
    """The linker of this process; its libraries go when they are no longer used."""
    import llvmlite.binding as llvm

    machine = _machine(host())
    return llvm.create_lljit_compiler(machine, use_jit_link=_links_near(host()))


def _module(text: str, machine: TargetMachine) -> Any:
    import llvmlite.binding as llvm

    module = llvm.parse_assembly(text, llvm.create_context())
    module.verify()
    passes = llvm.create_new_module_pass_manager()
    passes.add_always_inliner_pass()
    options = llvm.create_pipeline_tuning_options()
    passes.run(module, llvm.create_pass_builder(machine, options))
    return module


def _machine(target: Target) -> TargetMachine:
    import llvmlite.binding as llvm

    if target == host():
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
    else:
        llvm.initialize_all_targets()
        llvm.initialize_all_asmprinters()
    near = _links_near(target)
    return llvm.Target.from_triple(target.triple).create_target_machine(
        cpu=target.cpu,
        features=target.features,
        opt=OPTIMISATION,
        reloc="pic" if near else "default",
        codemodel="small" if near else "jitdefault",
        jit=True,
    )


def _links_near(target: Target) -> bool:
    """Whether a library's parts lie side by side in memory.

    Then a distance of 32 bits is enough to get from one to the other, and the code is shorter. For
    Windows the linker that sees to it (JITLink) is not complete.
    """
    return "windows" not in target.triple


def _address(name: str) -> int:
    """The address of a C function; it differs from process to process, so code only names it."""
    for library in ("ucrtbase", "kernel32") if sys.platform == "win32" else (None, "libm.so.6"):
        try:
            function = getattr(ctypes.CDLL(library), name)
        except (OSError, AttributeError):
            continue
        return ctypes.cast(function, ctypes.c_void_p).value or 0
    raise RuntimeError(f"there is no C function {name}")
