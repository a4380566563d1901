"""The reference engine: NumPy, plain to read, the truth that other engines are compared with."""

from __future__ import annotations

from .evaluate import Evaluator
from .points import evaluate, evaluator
from .program import ReferenceEngine, ReferenceProgram

__all__ = ["Evaluator", "ReferenceEngine", "ReferenceProgram", "evaluate", "evaluator"]
