"""Networks in files: saved whole or not at all, and loaded to the bit."""

from .models import load, save

__all__ = ["load", "save"]
