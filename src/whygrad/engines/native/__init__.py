"""The native engine: a system compiled to machine code, the whole training step and its loop."""

from __future__ import annotations

from .program import NativeEngine, NativeProgram

__all__ = ["NativeEngine", "NativeProgram"]
