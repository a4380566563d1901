"""The chain rule: from a network's equations to the equations of its derivatives."""

from .derivation import Derivation, Derivative, derive

__all__ = ["Derivation", "Derivative", "derive"]
