"""Affine forms: a constant plus whole multiples of indices and sizes."""

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from whygrad.language.affine import affine
from whygrad.language.expression import Index, Size
from whygrad.language.parsing import parse_expression

SIZES = {"a": 5, "b": 4}


def form(text: str, sizes: dict[str, int] | None = None) -> dict[str, int] | None:
    """The coefficients by name, that of the constant by ""; None where it is not affine."""
    found = affine(parse_expression(text, indices=("a", "b")), sizes)
    return found and {
        str(node): c for node, c in [("", found.constant), *found.coefficients.items()]
    }


def test_indices_and_sizes_are_counted() -> None:
    assert form("2*a - b + 3 + 4*(a - 1)") == {"": -1, "a": 6, "b": -1}
    assert form("size(a) - 1 - a") == {"": -1, "size(a)": 1, "a": -1}
    assert form("a - a + 7") == {"": 7}


def test_known_sizes_are_numbers() -> None:
    assert form("size(a)*b + size(a)//2 + size(b)%3", SIZES) == {"": 3, "b": 5}
    assert form("(size(b) - 4)*a", SIZES) == {"": 0}


def test_what_is_not_affine() -> None:
    for text in ("a*b", "a//2", "a%2", "a/2", "1.5", "a + 0.5", "size(a)*b", "w[a]", "7//(2 - 2)"):
        assert form(text) is None


@st.composite
def formulas(draw: st.DrawFn, depth: int = 4) -> str:
    if depth == 0 or draw(st.booleans()):
        return draw(st.sampled_from(["a", "b", "size(a)", "1", "2", "3"]))
    operation = draw(st.sampled_from(["+", "-", "*", "//", "%"]))
    return f"({draw(formulas(depth - 1))} {operation} {draw(formulas(depth - 1))})"


@settings(deadline=None)
@given(formulas())
def test_the_form_has_the_value_of_the_expression(text: str) -> None:
    found = affine(parse_expression(text, indices=("a", "b")), SIZES)
    if found is None:
        return
    assert all(found.coefficients.values())
    code = compile(text.replace("size(a)", "5"), text, "eval")
    for a in range(5):
        for b in range(4):
            values = {Index("a"): a, Index("b"): b, Size("a"): 5}
            total = sum(c * values[node] for node, c in found.coefficients.items())
            with suppress(ZeroDivisionError):  # in the language, 0 times such a thing is 0
                assert found.constant + total == eval(code, {"a": a, "b": b})
