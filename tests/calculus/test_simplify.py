"""The algebra, against SymPy as an independent oracle."""

from __future__ import annotations

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from whygrad.calculus.simplify import Simplifier
from whygrad.language.expression import (
    Add,
    Expression,
    Multiply,
    Number,
    Power,
    Reference,
    add,
    multiply,
    number,
    power,
)
from whygrad.language.parsing import parse_expression
from whygrad.language.substitution import Names

LEAVES = st.sampled_from([Reference(name, ()) for name in "abcd"]) | st.integers(-3, 3).map(number)


def products_and_sums(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    some = st.lists(inner, min_size=2, max_size=3)
    return st.one_of(
        some.map(lambda parts: add(*parts)),
        some.map(lambda parts: multiply(*parts)),
        st.tuples(inner, st.sampled_from([-2, -1, 2, 3])).map(
            lambda pair: pair[0] if isinstance(pair[0], Number) else power(pair[0], Number(pair[1]))
        ),
    )


EXPRESSIONS = st.recursive(LEAVES, products_and_sums, max_leaves=10)


def in_sympy(e: Expression) -> sympy.Expr:
    match e:
        case Number():
            return sympy.Rational(e.value)
        case Reference():
            return sympy.Symbol(e.tensor)
        case Add():
            return sympy.Add(*map(in_sympy, e.terms))
        case Multiply():
            return sympy.Mul(*map(in_sympy, e.factors))
        case Power():
            return sympy.Pow(in_sympy(e.base), in_sympy(e.exponent))
    raise AssertionError(e)


def simplified(e: Expression) -> Expression:
    return Simplifier(Names((), {"k2": "k"}), {"y": "k"}, {})(e)


@settings(max_examples=150, deadline=None)
@given(EXPRESSIONS)
def test_simplifying_changes_no_value(e: Expression) -> None:
    before, after = in_sympy(e), in_sympy(simplified(e))
    if before.has(sympy.zoo, sympy.nan):  # 1/0 has no value to keep
        return
    assert sympy.simplify(before - after) == 0


@pytest.mark.parametrize(
    "source",
    [
        "a * (a + b) + (a + b)**2",
        "(a + b)**2 + a * (a + b)",
        "(a + b)**2 + b * (a + b)",
        "a * (a - b) + (a - b)**2",
        "a * (a - b) + (b - a)**2",
        "(a + a + b) / (a + b)",
        "(a + a - b) * (b - a)",
    ],
)
def test_a_sum_with_a_term_twice_is_another_sum(source: str) -> None:
    e = parse_expression(source, [])
    assert sympy.simplify(in_sympy(e) - in_sympy(simplified(e))) == 0


def text(source: str) -> str:
    return str(simplified(parse_expression(source, ["n", "k", "j", "k2"])))


def test_what_a_lecturer_would_write() -> None:
    assert text("a * (1 - a**2)") == "a * (1 - a**2)"
    assert text("-(b - a)") == "a - b"
    assert text("1 - a") == "1 - a"
    assert text("b * a / b") == "a"
    assert text("(y / a - (1 - y) / (1 - a)) * a * (1 - a)") == "y - a"
    assert text("[k == y[n]] * p[n, y[n]] / p[n,k]") == "[k == y[n]]"
    assert text("a * [k == 1] + a * [not k == 1]") == "a"
    assert text("sum[j](a * b[j])") == "a * sum[j](b[j])"
    assert text("sum[k2]([k2 == k] * b[k2])") == "b[k]"
    assert text("sum[j](sum[k](b[j,k]))") == "sum[j,k](b[j,k])"
