"""Layers in a row, in short: `dense:16:tanh,dense:3`."""

from __future__ import annotations

from ..errors import WhygradError, nearest
from .layers import Dense, Layer

EXAMPLE = "dense:16:tanh,dense:3"
KINDS = {"dense": Dense}
DIGITS = 9


def short_layers(text: str) -> list[Layer]:
    """The layers of a short form, which stand between commas: `dense:WIDTH[:ACTIVATION]`.

    Raises WhygradError, which names the layer at fault.
    """
    return [_layer(part.strip()) for part in text.split(",")]


def _layer(text: str) -> Layer:
    kind, *details = (part.strip() for part in text.split(":"))
    try:
        if not kind:
            raise WhygradError("there is no layer between these commas")
        if kind not in KINDS:
            raise WhygradError(f"there is no layer '{kind}'; {nearest(kind, KINDS)}")
        if len(details) not in (1, 2):
            raise WhygradError(f"a layer is written {kind}:WIDTH or {kind}:WIDTH:ACTIVATION")
        width, activation = details[0], details[1] if len(details) == 2 else None
        if not (width.isascii() and width.isdecimal() and len(width) <= DIGITS):
            raise WhygradError(
                f"a layer's width is a whole number of up to {DIGITS} digits, not '{width}'"
            )
        return KINDS[kind](int(width), activation)
    except WhygradError as error:
        raise WhygradError(f"'{text}': {error}; for example {EXAMPLE}") from None


def usual_cost(outputs: int, *, text: bool, whole: bool) -> str:
    """The cost that goes with so many outputs and a target column of this kind.

    Args:
        outputs: the width of the last layer.
        text: whether the column holds names.
        whole: whether it holds whole numbers.

    Raises WhygradError where several outputs face a column of decimal numbers.
    """
    if outputs == 1:
        return "binary_cross_entropy" if text else "half_squared_error"
    if not (text or whole):
        raise WhygradError(
            f"{outputs} outputs tell classes apart, which are named by text or whole numbers, but "
            "the target holds decimal numbers: a regression ends in one output, as in "
            "dense:16:tanh,dense:1"
        )
    return "cross_entropy"
