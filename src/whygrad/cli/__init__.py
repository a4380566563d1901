"""The command line: from a table to a trained model, and the reasons for its derivatives."""

from . import equations
from .app import main

__all__ = ["equations", "main"]
