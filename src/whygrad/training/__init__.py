"""The mini-batch loop: data in batches, one compiled step, how it went, and the record of it."""

from .history import History
from .loop import train
from .run import Run

__all__ = ["History", "Run", "train"]
