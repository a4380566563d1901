"""Tables: read from files, and made into the arrays that a network takes."""

from .preprocessing import Preprocessing
from .reading import read_table

__all__ = ["Preprocessing", "read_table"]
