"""The lowering: a system becomes a plan of loop nests, in small passes."""

from .batch import rows, whole
from .indices import runtime_sizes
from .lower import lower

__all__ = ["lower", "rows", "runtime_sizes", "whole"]
