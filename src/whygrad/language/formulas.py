"""From tokens to one expression.

Python's own parser does the work. Its tree is then read node by node against
a white list; nothing is ever evaluated. `sum[i | condition](...)` reaches it
with a ':' in the place of the '|', which makes the condition part of a slice
and leaves every column where it was.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from itertools import pairwise

from ..errors import LanguageError, resembling
from .expression import (
    MINUS_ONE,
    Bracket,
    Call,
    Compare,
    Expression,
    FloorDivide,
    Index,
    Logic,
    Modulo,
    Number,
    Pad,
    Reduce,
    Reference,
    Size,
    Softmax,
    Span,
    Training,
    Value,
    Where,
    add,
    multiply,
    negate,
    number,
    power,
    walk,
)
from .functions import ALIASES, FUNCTIONS, REDUCTIONS, RESERVED
from .scanning import LOGICAL, Token

# How deep expressions may be nested, so that no walk down a tree overflows the stack.
MAX_DEPTH = 60

# Exact numbers beyond the range of a float are refused rather than computed.
MAX_BITS = 1_000

COMPARISONS = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}

BINDERS = (*REDUCTIONS, "softmax")

# What users of other libraries write, and its name here.
ELSEWHERE = {
    "ln": "log",
    "pow": "x**y",
    "sgn": "[x > 0] - [x < 0]",
    "sign": "[x > 0] - [x < 0]",
    "square": "x**2",
    "logistic": "sigmoid",
    "swish": "silu",
    "maximum": "max",
    "minimum": "min",
    "matmul": "sum[j](a[i,j] * b[j,k])",
    "dot": "sum[i](a[i] * b[i])",
    "swapaxes": "a change of subscripts",
    "norm": "sqrt(sum[i](x[i]**2))",
    "var": "mean[i]((x[i] - m)**2) with m = mean[i](x[i])",
    "prod": "exp(sum[i](log(x[i])))",
}


def read_formula(
    tokens: Sequence[Token],
    source: str,
    scope: Iterable[str] = (),
    resolve: Callable[[str], str] = str,
) -> Expression:
    """The expression that the tokens spell.

    `scope` are the names that are indices there; `resolve` gives the name of
    the tensor that a name means.
    """
    _check_neighbours(tokens, source)
    text = _laid_out(tokens)
    reader = _Reader(text, tokens[0].span.line, source, resolve)
    try:
        tree = ast.parse(f"(\n{text}\n)", mode="eval")
    except SyntaxError as error:
        raise _unreadable(error, tokens, source) from None
    except (RecursionError, MemoryError):
        raise LanguageError(
            "this expression is nested too deeply",
            span=tokens[0].span,
            source=source,
            hint="give parts of it a name of their own",
        ) from None
    try:
        e = reader.read(tree.body, frozenset(scope))
    except OverflowError:
        raise _too_large(tokens[0].span, source) from None
    for node in walk(e):
        if isinstance(node, Number) and not _is_moderate(node.value):
            raise _too_large(node.span or tokens[0].span, source)
    return e


def _laid_out(tokens: Sequence[Token]) -> str:
    """The tokens as text, each at its own line and column."""
    rows: list[str] = [""]
    line = tokens[0].span.line
    for token in tokens:
        rows += [""] * (token.span.line - line)
        line = token.span.line
        text = ":" if token.text == "|" else token.text
        rows[-1] += " " * (token.span.column - len(rows[-1])) + text
    return "\n".join(rows)


def _check_neighbours(tokens: Sequence[Token], source: str) -> None:
    """Refuse two operands without an operator between them, and '=' and '~' anywhere."""
    for token in tokens:
        if token.text in ("=", "~"):
            raise LanguageError(
                f"'{token.text}' cannot stand inside an expression",
                span=token.span,
                source=source,
                hint="equality is written ==" if token.text == "=" else "",
            )
        if token.text == "in":
            raise LanguageError(
                "'in' cannot stand inside an expression",
                span=token.span,
                source=source,
                hint="it belongs in a line such as: given y[n] in k",
            )
    for left, right in pairwise(tokens):
        ends = (left.kind != "operator" and left.text not in LOGICAL) or left.text in ")]"
        starts = right.kind != "operator" and right.text not in LOGICAL
        if (ends and starts) or (left.kind == "number" and right.text == "("):
            raise LanguageError(
                f"an operator is missing before '{right.text}'",
                span=right.span,
                source=source,
                hint="a product is written a * b, one statement a line",
            )


def _unreadable(error: SyntaxError, tokens: Sequence[Token], source: str) -> LanguageError:
    """Python's syntax error, at the token at which it was found."""
    line = tokens[0].span.line + (error.lineno or 2) - 2
    column = (error.offset or 1) - 1
    place = (line, column)
    at = next((t for t in tokens if (t.span.line, t.span.end) > place), None)
    if at is None:
        last = tokens[-1]
        message, span = f"the expression breaks off after '{last.text}'", last.span
    else:
        message, span = f"'{at.text}' is not expected here", at.span
    hint = "a condition stands in sum[i | condition](...)" if at and at.text == "|" else ""
    return LanguageError(message, span=span, source=source, hint=hint)


def _too_large(span: Span, source: str) -> LanguageError:
    return LanguageError(
        "a number here is too large",
        span=span,
        source=source,
        hint="numbers go up to about 1e300",
    )


def _is_moderate(value: Value) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return max(abs(value.numerator), value.denominator).bit_length() <= MAX_BITS


class _Reader:
    """Turns the nodes of Python's tree into ours."""

    def __init__(self, text: str, line: int, source: str, resolve: Callable[[str], str]) -> None:
        self.rows = text.split("\n")
        self.encoded = [row.encode() for row in self.rows]
        self.line = line
        self.source = source
        self.resolve = resolve
        self.depth = 0

    def read(self, node: ast.expr, scope: frozenset[str]) -> Expression:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.fault(node, "this expression is nested too deeply", "give parts a name")
        e = self.read_node(node, scope)
        self.depth -= 1
        return self.placed(e, node)

    def placed(self, e: Expression, node: ast.expr) -> Expression:
        return e if e.span is not None else e.at(self.span(node))

    def read_node(self, node: ast.expr, scope: frozenset[str]) -> Expression:
        match node:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return number(value)
            case ast.Name() | ast.Attribute():
                return self.read_name(node, scope)
            case ast.BinOp():
                return self.read_binary(node, scope)
            case ast.UnaryOp():
                return self.read_unary(node, scope)
            case ast.BoolOp():
                return self.read_logic(node, scope)
            case ast.Compare():
                return self.read_comparison(node, scope)
            case ast.List():
                return self.read_bracket(node, scope)
            case ast.Subscript():
                return self.read_reference(node, scope)
            case ast.Call():
                return self.read_call(node, scope)
            case ast.Tuple():
                raise self.fault(node, "a list of expressions cannot stand here")
            case _:
                raise self.fault(node, "this is not part of the notation")

    def span(self, node: ast.expr) -> Span:
        """Where the node stands in the source. Python counts columns in bytes of UTF-8."""
        row = node.lineno - 2
        column = self.characters(row, node.col_offset)
        if node.end_lineno != node.lineno or node.end_col_offset is None:
            return Span(self.line + row, column, len(self.rows[row]))
        return Span(self.line + row, column, self.characters(row, node.end_col_offset))

    def characters(self, row: int, offset: int) -> int:
        if len(self.rows[row]) == len(self.encoded[row]):
            return offset
        return len(self.encoded[row][:offset].decode())

    def fault(self, node: ast.expr, message: str, hint: str = "") -> LanguageError:
        return LanguageError(message, span=self.span(node), source=self.source, hint=hint)

    def name(self, node: ast.expr) -> str | None:
        """The dotted name that the node is, or None."""
        match node:
            case ast.Name(id=name):
                return name
            case ast.Attribute(value=value, attr=attribute):
                before = self.name(value)
                return None if before is None else f"{before}.{attribute}"
            case _:
                return None

    def read_name(self, node: ast.expr, scope: frozenset[str]) -> Expression:
        name = self.name(node)
        if name is None:
            raise self.fault(node, "a dot can only stand inside a name")
        if name in scope:
            return Index(name)
        if name == "training":
            return Training()
        if name in BINDERS:
            raise self.fault(node, f"'{name}' needs an index and brackets", f"{name}[i](...)")
        if name in RESERVED:
            raise self.fault(node, f"'{name}' is a word of the language and not a value here")
        return Reference(self.resolve(name), ())

    def read_binary(self, node: ast.BinOp, scope: frozenset[str]) -> Expression:
        match node.op:
            case ast.Add() | ast.Sub():
                return add(*self.operands(node, (ast.Add, ast.Sub), scope))
            case ast.Mult() | ast.Div():
                return multiply(*self.operands(node, (ast.Mult, ast.Div), scope))
            case ast.Pow():
                return self.power(self.read(node.left, scope), self.read(node.right, scope), node)
            case ast.FloorDiv():
                return FloorDivide(self.read(node.left, scope), self.read(node.right, scope))
            case ast.Mod():
                return Modulo(self.read(node.left, scope), self.read(node.right, scope))
            case _:
                raise self.fault(node, "this operator is not part of the notation")

    def operands(
        self, node: ast.expr, operators: tuple[type[ast.operator], ...], scope: frozenset[str]
    ) -> list[Expression]:
        """The terms of a + b - c, or the factors of a * b / c, however long the row is."""
        found: list[Expression] = []
        while isinstance(node, ast.BinOp) and isinstance(node.op, operators):
            right = self.read(node.right, scope)
            if isinstance(node.op, ast.Sub):
                right = negate(right)
            elif isinstance(node.op, ast.Div):
                right = power(right, MINUS_ONE)
            found.append(self.placed(right, node.right))
            node = node.left
        found.append(self.read(node, scope))
        return found[::-1]

    def power(self, base: Expression, exponent: Expression, node: ast.BinOp) -> Expression:
        if isinstance(base, Number) and isinstance(exponent, Number):
            value, times = base.value, exponent.value
            if isinstance(value, int | Fraction) and isinstance(times, int) and abs(times) <= 64:
                bits = max(abs(value.numerator), value.denominator).bit_length()
                if bits * abs(times) > MAX_BITS:
                    raise _too_large(self.span(node), self.source)
        return power(base, exponent)

    def read_unary(self, node: ast.UnaryOp, scope: frozenset[str]) -> Expression:
        operand = self.read(node.operand, scope)
        match node.op:
            case ast.USub():
                return negate(operand)
            case ast.UAdd():
                return operand
            case ast.Not():
                return Logic("not", (operand,))
            case _:
                raise self.fault(node, "this operator is not part of the notation")

    def read_logic(self, node: ast.BoolOp, scope: frozenset[str]) -> Expression:
        operator = "and" if isinstance(node.op, ast.And) else "or"
        parts: list[Expression] = []
        for value in node.values:
            part = self.read(value, scope)
            if operator == "and" and isinstance(value, ast.Compare) and isinstance(part, Logic):
                parts.extend(part.arguments)
            else:
                parts.append(part)
        return Logic(operator, tuple(parts))

    def read_comparison(self, node: ast.Compare, scope: frozenset[str]) -> Expression:
        """`a < b`; `a <= b < c` becomes `a <= b and b < c`."""
        sides = [self.read(side, scope) for side in (node.left, *node.comparators)]
        parts: list[Expression] = []
        for left, operator, right in zip(sides, node.ops, sides[1:], strict=False):
            symbol = COMPARISONS.get(type(operator))
            if symbol is None:
                raise self.fault(node, "this comparison is not part of the notation")
            parts.append(Compare(symbol, left, right).at(self.span(node)))
        return parts[0] if len(parts) == 1 else Logic("and", tuple(parts))

    def read_bracket(self, node: ast.List, scope: frozenset[str]) -> Expression:
        if len(node.elts) != 1:
            message = "a bracket holds one condition"
            raise self.fault(node, message, "it is 1 where the condition is true: [i == j]")
        return Bracket(self.read(node.elts[0], scope))

    def read_reference(self, node: ast.Subscript, scope: frozenset[str]) -> Expression:
        name = self.name(node.value)
        if name is None:
            hint = "all subscripts stand in one pair of brackets: a[i,j]"
            raise self.fault(node, "only a name can have subscripts", hint)
        if ALIASES.get(name, name) in BINDERS:
            message = f"'{name}[...]' needs what it runs over in round brackets"
            raise self.fault(node, message, f"{name}[i](...)")
        if name in RESERVED:
            raise self.fault(node.value, f"'{name}' is a word of the language, not a tensor")
        parts = self.parts(node.slice)
        if not parts:
            raise self.fault(node, "the subscripts are missing", f"a scalar is written {name}")
        for part in parts:
            if isinstance(part, ast.Slice):
                message = "a condition belongs to a reduction, not to subscripts"
                raise self.fault(part, message, "sum[i | condition](...)")
        subscripts = tuple(self.read(part, scope) for part in parts)
        return Reference(self.resolve(name), subscripts)

    def parts(self, node: ast.expr) -> list[ast.expr]:
        return node.elts if isinstance(node, ast.Tuple) else [node]

    def read_call(self, node: ast.Call, scope: frozenset[str]) -> Expression:
        if node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
            raise self.fault(node, "arguments have no names or stars here")
        if isinstance(node.func, ast.Subscript):
            return self.read_reduction(node, node.func, scope)
        name = self.name(node.func)
        if name is None:
            raise self.fault(node, "only a function can be called", "a product is written a * b")
        name = ALIASES.get(name, name)
        if name == "size":
            return Size(self.bare(node.args, node, "size(i)"))
        if name in BINDERS and name not in FUNCTIONS:
            raise self.fault(node.func, f"'{name}' needs its index", f"{name}[i](...)")
        arity = 3 if name == "where" else 1 if name == "pad" else 0
        if name in FUNCTIONS:
            arity = FUNCTIONS[name].arity
        if not arity:
            raise self.unknown(node.func, name, [*FUNCTIONS, *BINDERS, "where", "pad", "size"])
        self.check_arguments(node, name, arity)
        arguments = tuple(self.read(argument, scope) for argument in node.args)
        if name == "where":
            return Where(*arguments)
        return Pad(*arguments) if name == "pad" else Call(name, arguments)

    def check_arguments(self, node: ast.Call, name: str, arity: int) -> None:
        if len(node.args) != arity:
            hint = f"over an index: {name}[i](...)" if name in BINDERS else ""
            hint = "where(condition, a, b)" if name == "where" else hint
            plural = "" if arity == 1 else "s"
            message = f"'{name}' takes {arity} argument{plural}, not {len(node.args)}"
            raise self.fault(node, message, hint)

    def read_reduction(
        self, node: ast.Call, head: ast.Subscript, scope: frozenset[str]
    ) -> Expression:
        name = self.name(head.value) or ""
        name = ALIASES.get(name, name)
        if name not in BINDERS:
            raise self.unknown(head.value, name, BINDERS)
        *before, last = self.parts(head.slice) or [head]
        condition = None
        if isinstance(last, ast.Slice):
            if last.lower is None or last.upper is None or last.step is not None:
                raise self.fault(head, "the condition is not complete", f"{name}[i | i < 3](...)")
            condition, last = last.upper, last.lower
        indices = tuple(self.bare([part], part, f"{name}[i](...)") for part in (*before, last))
        inner = scope | frozenset(indices)
        restriction = None if condition is None else self.read(condition, inner)
        if len(node.args) != 1:
            message = f"'{name}[...]' takes one expression, not {len(node.args)}"
            raise self.fault(node, message, f"{name}[i](a[i] * b[i])")
        body = self.read(node.args[0], inner)
        if name == "softmax":
            return Softmax(indices, restriction, body)
        return Reduce(name, indices, restriction, body)

    def bare(self, nodes: list[ast.expr], place: ast.expr, example: str) -> str:
        """The name of the index that stands alone here."""
        if len(nodes) != 1 or not isinstance(nodes[0], ast.Name):
            raise self.fault(place, "the name of an index is expected here", example)
        return nodes[0].id

    def unknown(self, node: ast.expr, name: str, known: Iterable[str]) -> LanguageError:
        kind = "reduction" if isinstance(node, ast.Name) and known is BINDERS else "function"
        if name == "min" and kind == "reduction":
            hint = "the smallest is -max[i](-(...))"
        elif name in ELSEWHERE:
            hint = f"here it is written {ELSEWHERE[name]}"
        else:
            misspelt = resembling(name, known) if len(name) > 2 else ""  # shorter: a tensor
            hint = misspelt or "subscripts stand in square brackets: a[i,j]"
        return self.fault(node, f"there is no {kind} '{name}'", hint)
