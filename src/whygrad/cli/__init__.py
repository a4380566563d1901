"""The command line: from a table to a trained model, and the reasons for its derivatives."""

from .app import main

__all__ = ["main"]
