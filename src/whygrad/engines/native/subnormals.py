"""Numbers too small for full precision, taken for 0 while an epoch runs.

Arithmetic with such a number takes most processors some hundred cycles, and training makes many of
them: the averages that momentum or Adam keep of a derivative that is always 0 get there by halves.
They lie below 1.2e-38 in float32, and below 2.3e-308 in float64.
"""

from __future__ import annotations

from .jit import Target

_X86 = """
declare void @llvm.x86.sse.stmxcsr(ptr)
declare void @llvm.x86.sse.ldmxcsr(ptr)

define internal i64 @flush() {
  %place = alloca i32
  call void @llvm.x86.sse.stmxcsr(ptr %place)
  %old = load i32, ptr %place
  %new = or i32 %old, 32832
  store i32 %new, ptr %place
  call void @llvm.x86.sse.ldmxcsr(ptr %place)
  %mode = zext i32 %old to i64
  ret i64 %mode
}

define internal void @unflush(i64 %mode) {
  %place = alloca i32
  %old = trunc i64 %mode to i32
  store i32 %old, ptr %place
  call void @llvm.x86.sse.ldmxcsr(ptr %place)
  ret void
}
"""
"""Bits 15 and 6 of the register MXCSR: flush what comes out, and take what goes in for 0."""

_ARM = """
declare i64 @llvm.aarch64.get.fpcr()
declare void @llvm.aarch64.set.fpcr(i64)

define internal i64 @flush() {
  %old = call i64 @llvm.aarch64.get.fpcr()
  %new = or i64 %old, 16777216
  call void @llvm.aarch64.set.fpcr(i64 %new)
  ret i64 %old
}

define internal void @unflush(i64 %mode) {
  call void @llvm.aarch64.set.fpcr(i64 %mode)
  ret void
}
"""
"""Bit 24 of the register FPCR: both ways."""

_OTHER = """
define internal i64 @flush() {
  ret i64 0
}

define internal void @unflush(i64 %mode) {
  ret void
}
"""


def flush_ir(target: Target | None) -> str:
    """`@flush`, which sets the thread's mode and returns the old one, and `@unflush`.

    Without a target they do nothing: one evaluation keeps all numbers.
    """
    if target is None:
        return _OTHER
    return _X86 if target.is_x86 else _ARM if target.is_arm else _OTHER
