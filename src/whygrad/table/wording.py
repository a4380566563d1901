"""How what a table holds is shown in a message: unmistakable, and never long."""

from __future__ import annotations

from collections.abc import Sequence
from reprlib import Repr

LISTED = 12

_short = Repr()
_short.maxstring = _short.maxother = 60


def shown(value: object) -> str:
    """A value or a name; text is in quotation marks, its control characters escaped."""
    return _short.repr(value)


def listed(names: Sequence[str]) -> str:
    """The first of many names, and how many there are."""
    some = ", ".join(map(shown, names[:LISTED]))
    return f"{some}, ... ({len(names):,} in all)" if len(names) > LISTED else some
