"""The mini-batch loop: data in batches, one compiled step, and how it went."""

from .history import History
from .loop import train

__all__ = ["History", "train"]
