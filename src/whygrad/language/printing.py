"""A system as text, in the notation in which it is read.

What is printed reads back as the same tree: every function here undoes the
parser, for whatever the constructors of `expression` build.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from .expression import (
    MINUS_ONE,
    Add,
    Bracket,
    Call,
    Compare,
    Expression,
    FloorDivide,
    Index,
    Logic,
    Modulo,
    Multiply,
    Number,
    Pad,
    Power,
    Reduce,
    Reference,
    Size,
    Softmax,
    Training,
    Value,
    Where,
    multiply,
    number,
)
from .system import (
    Batch,
    Declaration,
    Declare,
    Draw,
    Equation,
    Minimize,
    Predict,
    Sizes,
    Statement,
    System,
    Update,
)

# How tightly a form binds, as in Python: what binds less tightly than its
# place asks for is put in brackets.
OR, AND, NOT, COMPARE, SUM, PRODUCT, SIGN, POWER, ATOM = range(9)


def expression_text(e: Expression) -> str:
    """The expression in the notation of the language."""
    return _text(e, OR, tight=False)


def equation_text(e: Equation | Update) -> str:
    """One equation or update on a line, without its comment."""
    if isinstance(e, Update):
        return f"{_named(e.name, e.indices)} <- {expression_text(e.value)}"
    return f"{e.name}{_subscripts(e.subscripts)} = {expression_text(e.value)}"


def statement_text(s: Statement) -> str:
    """One statement on a line, with its comment."""
    body = _body(s)
    if s.comment is None:
        return body
    comment = " ".join(s.comment.splitlines())
    comment = f"# {comment}" if comment else "#"
    return f"{body}  {comment}" if body else comment


def system_text(s: System) -> str:
    """The whole system, a statement a line."""
    return "".join(f"{statement_text(statement)}\n" for statement in s.statements)


def number_text(value: Value) -> str:
    """A number as it is typed: 3, -1/2, 0.25, 1e-08."""
    simple = number(value).value
    if isinstance(simple, Fraction):
        return f"{simple.numerator}/{simple.denominator}"
    return repr(simple)


def _body(s: Statement) -> str:
    match s:
        case Declare():
            return f"{s.kind} {', '.join(_declaration(item) for item in s.items)}"
        case Batch():
            return f"batch {s.index}"
        case Sizes():
            return "size " + ", ".join(f"{i} = {expression_text(e)}" for i, e in s.items)
        case Equation() | Update():
            return equation_text(s)
        case Minimize():
            return f"minimize {s.name}"
        case Predict():
            return f"predict {', '.join(s.names)}"
        case _:
            return ""


def _declaration(d: Declaration) -> str:
    text = _named(d.name, d.indices)
    if d.within is not None:
        text += f" in {d.within}"
    if d.draw is not None:
        text += f" ~ {_draw(d.draw)}"
    if d.value is not None:
        text += f" = {number_text(d.value)}"
    return text


def _draw(d: Draw) -> str:
    arguments = ", ".join(number_text(a) for a in d.arguments)
    return f"{d.name}({arguments})" if arguments else d.name


def _named(name: str, indices: tuple[str, ...]) -> str:
    return f"{name}[{','.join(indices)}]" if indices else name


def _subscripts(subscripts: tuple[Expression, ...]) -> str:
    if not subscripts:
        return ""
    simple = all(isinstance(s, Index | Number) or _is_shifted(s) for s in subscripts)
    texts = [_text(s, OR, tight=True) for s in subscripts]
    return f"[{(',' if simple else ', ').join(texts)}]"


def _is_shifted(e: Expression) -> bool:
    """Whether it is an index a step away, as in `h[t-1,n]`."""
    return (
        isinstance(e, Add)
        and len(e.terms) == 2
        and isinstance(e.terms[0], Index)
        and isinstance(e.terms[1], Number)
    )


def _text(e: Expression, place: int, tight: bool) -> str:
    """The text of `e` in a place that asks for binding at least as tight as `place`."""
    text, level = _form(e, tight)
    return text if level >= place else f"({text})"


def _form(e: Expression, tight: bool) -> tuple[str, int]:
    """The text of `e` and how tightly it binds."""
    match e:
        case Number():
            return _number(e)
        case Index():
            return e.name, ATOM
        case Size():
            return f"size({e.index})", ATOM
        case Training():
            return "training", ATOM
        case Reference():
            return e.tensor + _subscripts(e.subscripts), ATOM
        case Add():
            return _sum(e, tight), SUM
        case Multiply():
            return _product(e, tight), PRODUCT
        case Power():
            return _power(e, tight)
        case FloorDivide():
            return _binary(e.left, "//", e.right, tight), PRODUCT
        case Modulo():
            return _binary(e.left, "%", e.right, tight), PRODUCT
        case Compare():
            sides = [_text(side, SUM, tight) for side in (e.left, e.right)]
            return f" {e.operator} ".join(sides), COMPARE
        case Logic():
            return _logic(e, tight)
        case _:
            return _applied(e, tight), ATOM


def _applied(e: Expression, tight: bool) -> str:
    """What is written like a call: functions, reductions, brackets."""
    match e:
        case Pad():
            return f"pad({_text(e.subscript, OR, tight)})"
        case Call():
            return f"{e.function}({_list(e.arguments, tight)})"
        case Reduce():
            return _reduction(e.operation, e.indices, e.condition, e.body)
        case Softmax():
            return _reduction("softmax", e.indices, e.condition, e.body)
        case Bracket():
            return f"[{expression_text(e.condition)}]"
        case Where():
            return f"where({_list((e.condition, e.yes, e.no), tight)})"
        case _:
            raise TypeError(f"{type(e).__name__} is no expression of the language")


def _list(parts: tuple[Expression, ...], tight: bool) -> str:
    return ", ".join(_text(p, OR, tight) for p in parts)


def _reduction(
    name: str, indices: tuple[str, ...], condition: Expression | None, body: Expression
) -> str:
    restriction = "" if condition is None else f" | {expression_text(condition)}"
    return f"{name}[{','.join(indices)}{restriction}]({expression_text(body)})"


def _number(e: Number) -> tuple[str, int]:
    text = number_text(e.value)
    if "/" in text:
        return text, PRODUCT
    return text, SIGN if text.startswith("-") else ATOM


def _sum(e: Add, tight: bool) -> str:
    text = _text(e.terms[0], PRODUCT, tight)
    for term in e.terms[1:]:
        positive = without_minus(term)
        sign = "+" if positive is None else "-"
        gap = "" if tight else " "
        text += f"{gap}{sign}{gap}{_text(positive or term, PRODUCT, tight)}"
    return text


def without_minus(term: Expression) -> Expression | None:
    """What is left of a term whose minus sign is written in front, or None."""
    if isinstance(term, Number):
        return number(-term.value) if term.value < 0 else None
    if isinstance(term, Multiply):
        first, *rest = term.factors
        if isinstance(first, Number) and first.value < 0:
            size = number(-first.value)
            return multiply(*rest, size) if is_unit_part(first) else multiply(size, *rest)
    return None


def is_unit_part(e: Number) -> bool:
    """Whether it is -1/2, -1/3, ...: such a coefficient is written behind, as `-b / 3`."""
    return isinstance(e.value, Fraction) and e.value.numerator == -1


def _product(e: Multiply, tight: bool) -> str:
    first, *rest = e.factors
    gap = "" if tight or all(isinstance(f, Number | Index | Size) for f in e.factors) else " "
    if isinstance(first, Number) and is_unit_part(first):
        first, rest = MINUS_ONE, [*rest, number(-first.value)]
    if first == MINUS_ONE and not is_reciprocal(rest[0]):
        text, rest = f"-{_text(rest[0], POWER, tight)}", rest[1:]
    else:
        text = _text(first, PRODUCT, tight)
    for factor in rest:
        if isinstance(factor, Power) and factor.exponent == MINUS_ONE:
            text += f"{gap}/{gap}{_text(factor.base, POWER, tight)}"
        elif isinstance(factor, Number) and isinstance(factor.value, Fraction) and factor.value > 0:
            top, bottom = factor.value.as_integer_ratio()
            text += f"{gap}/{gap}{bottom}" if top == 1 else f"{gap}*{gap}{top}/{bottom}"
        else:
            # A sign in the middle of a product is put in brackets for the eye.
            text += f"{gap}*{gap}{_text(factor, POWER, tight)}"
    return text


def is_reciprocal(e: Expression) -> bool:
    return isinstance(e, Power) and e.exponent == MINUS_ONE


def _power(e: Power, tight: bool) -> tuple[str, int]:
    if is_reciprocal(e):
        gap = "" if tight else " "
        return f"1{gap}/{gap}{_text(e.base, POWER, tight)}", PRODUCT
    exponent = ATOM if isinstance(e.exponent, Power) else SIGN
    return f"{_text(e.base, ATOM, tight)}**{_text(e.exponent, exponent, tight)}", POWER


def _binary(left: Expression, operator: str, right: Expression, tight: bool) -> str:
    gap = "" if tight else " "
    return f"{_text(left, PRODUCT, tight)}{gap}{operator}{gap}{_text(right, POWER, tight)}"


def _logic(e: Logic, tight: bool) -> tuple[str, int]:
    if e.operator == "not":
        return f"not {_text(e.arguments[0], NOT, tight)}", NOT
    if e.operator == "or":
        return " or ".join(_text(a, AND, tight) for a in e.arguments), OR
    return " and ".join(_chains(e.arguments, tight)), AND


def _chains(conditions: tuple[Expression, ...], tight: bool) -> list[str]:
    """The parts of an `and`; neighbours such as `0 <= p and p < 5` are written `0 <= p < 5`."""
    texts = [_part(conditions[0], tight)]
    for before, after in pairwise(conditions):
        if linked(before, after) and isinstance(after, Compare):
            texts[-1] += f" {after.operator} {_text(after.right, SUM, tight)}"
        else:
            texts.append(_part(after, tight))
    return texts


def _part(e: Expression, tight: bool) -> str:
    # An `and` within an `and` is spelt out, so that it is read back as one.
    if isinstance(e, Logic) and e.operator == "and":
        return f"({' and '.join(_part(a, tight) for a in e.arguments)})"
    return _text(e, NOT, tight)


def linked(before: Expression, after: Expression) -> bool:
    return (
        isinstance(before, Compare)
        and isinstance(after, Compare)
        and before.right == after.left
        and before.operator[0] == after.operator[0]
        and before.operator[0] in "<>"
    )
