"""Tables: read from files, and made into the arrays that a network takes."""

from .preprocessing import Preprocessing, class_numbers
from .reading import read_table

__all__ = ["Preprocessing", "class_numbers", "read_table"]
