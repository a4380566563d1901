"""Names of tensors and indices that no text can have, since they hold a middle dot."""

from __future__ import annotations

ALL = "·all"
"""Ends the name of a given tensor with all its samples, and of the index that runs over them."""

ROWS = "rows·"
"""Begins the name of the tensor that says which samples the batch consists of."""


def whole(name: str) -> str:
    """The name of all samples of a tensor, or of the index that runs over them."""
    return name + ALL


def rows(batch: str) -> str:
    """The name of the tensor that holds the numbers of the batch's samples."""
    return ROWS + batch


def original(index: str) -> str:
    """The index of which one that was added is a copy."""
    return index.split("·")[0]
