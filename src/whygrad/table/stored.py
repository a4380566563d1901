"""Columns as JSON and back; nothing that comes back is trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from math import isfinite
from typing import Any

from ..errors import DataError
from .columns import Categories, Numbers


def to_json(column: Numbers | Categories) -> dict[str, Any]:
    """A column as a dict that JSON can hold."""
    stored = asdict(column)
    return {key: list(v) if isinstance(v, tuple) else v for key, v in stored.items()}


def columns_from_json(stored: Mapping[str, Any]) -> tuple[tuple[Numbers | Categories, ...], Any]:
    """The inputs' columns and the target's. Raises DataError for what `to_json` never writes."""
    match stored:
        case {"columns": [*columns], "target": target} if columns and len(stored) == 2:
            fitted = tuple(_column(c) for c in columns)
            answer = _column(target)
            names = [c.name for c in (*fitted, answer)]
            if len(set(names)) == len(names):
                return fitted, answer
    raise _damaged("columns and a target, each of another name")


def _column(stored: Mapping[str, Any]) -> Numbers | Categories:
    match stored:
        case {"name": str(name), "mean": float(mean), "scale": float(scale)} if len(stored) == 3:
            if isfinite(mean) and isfinite(scale) and scale > 0:
                return Numbers(name, mean, scale)
        case {"name": str(name), "values": [*values]} if len(stored) == 2 and values:
            if all(isinstance(v, str) for v in values) and len(set(values)) == len(values):
                return Categories(name, tuple(values))
    raise _damaged("a name with a mean and a scale, or with different values")


def _damaged(expected: str) -> DataError:
    return DataError(f"the stored preprocessing is damaged: expected {expected}")
