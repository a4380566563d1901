"""The reference engine: NumPy, plain to read, the truth that other engines are compared with."""

from __future__ import annotations

from .evaluate import Evaluator
from .program import ReferenceEngine, ReferenceProgram, evaluate, evaluator

__all__ = ["Evaluator", "ReferenceEngine", "ReferenceProgram", "evaluate", "evaluator"]
