"""The command line: `whygrad tour`, `whygrad derive`, `whygrad check`."""

from .commands import main

__all__ = ["main"]
