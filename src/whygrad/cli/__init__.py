"""The command line: from a table to a trained model, and the reasons for its derivatives."""

from . import equations, models, training
from .app import main

__all__ = ["equations", "main", "models", "training"]
