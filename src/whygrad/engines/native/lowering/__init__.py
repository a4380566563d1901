"""The lowering: a system becomes a plan of loop nests, in small passes."""

from .lower import lower

__all__ = ["lower"]
