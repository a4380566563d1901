"""From a plan to LLVM IR: schedule, buffers, a function for each part, and the step."""

from __future__ import annotations

from .module import generate

__all__ = ["generate"]
