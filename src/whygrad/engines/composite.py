"""Composite functions replaced by their formulas."""

from __future__ import annotations

from functools import lru_cache

from ..language import functions
from ..language.expression import Call, Expression
from ..language.substitution import fill


@lru_cache(maxsize=8192)
def expand(e: Expression) -> Expression:
    """The expression with composite functions replaced by their formulas."""
    e = e.map(expand)
    if isinstance(e, Call) and (formula := functions.FUNCTIONS[e.function].value) is not None:
        return fill(_formula(formula), dict(zip("xy", e.arguments, strict=False)))
    return e


@lru_cache
def _formula(text: str) -> Expression:
    from ..language.parsing import parse_expression

    return expand(parse_expression(text))
