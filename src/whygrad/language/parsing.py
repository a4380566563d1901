"""From a text to a system."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TypeVar

from ..errors import LanguageError, resembling
from .checking import check
from .expression import Expression, Index, Number, Span
from .formulas import read_formula
from .scanning import OPENING, Line, Token, normalise, scan
from .system import (
    KINDS,
    Batch,
    Comment,
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

T = TypeVar("T")

WORDS = (*KINDS, "batch", "size", "minimize", "predict")

EXAMPLES = {
    "given": "given x[n,i], y[n] in k",
    "param": "param w[i,j] ~ glorot",
    "setting": "setting lr = 0.01",
    "state": "state v[i,j] ~ zeros",
    "noise": "noise m[n,j] ~ bernoulli(0.9)",
}


def parse(text: str) -> System:
    """The system that the text describes, checked.

    Raises LanguageError, which shows the line, the place and what would be
    right, for whatever is not a system.
    """
    if not isinstance(text, str):
        kind = type(text).__name__
        raise LanguageError(f"the text of a network is expected, and this is of type {kind}")
    source = normalise(text)
    lines = list(scan(source))
    resolve = _derivative_names(lines)
    statements: list[Statement] = []
    for line in lines:
        statements += [Comment(comment=earlier) for earlier in line.earlier]
        statements.append(_Parser(line, source, resolve).statement())
    system = System(tuple(statements), source)
    check(system)
    return system


def parse_expression(
    text: str, indices: Iterable[str] = (), tensors: Collection[str] = ()
) -> Expression:
    """One expression on its own.

    `indices` are the names that are indices in it; any other bare name is a
    scalar tensor. `d_w` means `δw` where w is one of `tensors`.
    """
    source = normalise(text)
    tokens = _only_line(source).tokens
    return read_formula(tokens, source, indices, _resolver(tensors, ()))


def parse_equation(text: str, tensors: Collection[str] = ()) -> Equation:
    """One equation on its own, not checked; `d_w` means `δw` where w is one of `tensors`."""
    source = normalise(text)
    line = _only_line(source)
    statement = _Parser(line, source, _resolver(tensors, ())).statement()
    if not isinstance(statement, Equation):
        raise LanguageError(
            "an equation is expected here",
            span=line.tokens[0].span,
            source=source,
            hint="for instance: δz[n,j] = δa[n,j] * (1 - a[n,j]**2)",
        )
    return statement


def _only_line(source: str) -> Line:
    filled = [line for line in scan(source) if line.tokens]
    if not filled:
        raise LanguageError("there is nothing to read", hint="an expression is expected")
    if len(filled) > 1:
        span = filled[1].tokens[0].span
        raise LanguageError("one line is expected", span=span, source=source)
    return filled[0]


def _derivative_names(lines: Sequence[Line]) -> Callable[[str], str]:
    """What each name of the text means: its own tensor, or a derivative typed as `d_w`."""
    declared: set[str] = set()
    defined: set[str] = set()
    for line in lines:
        texts = [token.text for token in line.tokens]
        if texts and texts[0] in KINDS:
            declared.update(
                token.text
                for before, token in zip(line.tokens, line.tokens[1:], strict=False)
                if token.kind == "name" and before.text in (texts[0], ",")
            )
        elif texts and texts[0] not in WORDS:
            defined.add(texts[0])
    return _resolver(declared | defined, declared)


def _resolver(tensors: Collection[str], declared: Collection[str]) -> Callable[[str], str]:
    def resolve(name: str) -> str:
        if name.startswith("d_") and name not in declared:
            base = resolve(name[2:])
            if base in tensors or base.startswith("δ"):
                return f"δ{base}"
        return name

    return resolve


class _Parser:
    """Reads one logical line, from left to right."""

    def __init__(self, line: Line, source: str, resolve: Callable[[str], str]) -> None:
        self.tokens = line.tokens
        self.comment = line.comment
        self.source = source
        self.resolve = resolve
        self.position = 0

    def statement(self) -> Statement:
        if not self.tokens:
            return Comment(comment=self.comment)
        word = self.tokens[0].text
        if word in WORDS:
            return self.worded(word)
        return self.equation()

    def worded(self, word: str) -> Statement:
        """A statement that begins with a word of the language."""
        first = self.take()
        if self.peek() in ("=", "[", "<"):
            hint = "another name will do"
            raise self.fault(first, f"'{word}' is a word of the language, not a name", hint)
        span, comment = _span(self.tokens), self.comment
        if word in KINDS:
            items = self.listed(lambda: self.declaration(word))
            return Declare(word, items, comment=comment, span=span)
        if word == "size":
            return Sizes(self.listed(self.size), comment=comment, span=span)
        if word == "predict":
            names = self.listed(lambda: self.resolve(self.name("the name of a tensor").text))
            return Predict(names, comment=comment, span=span)
        if word == "batch":
            index = self.index("the index that runs over samples: batch n")
            self.end()
            return Batch(index, comment=comment, span=span)
        name = self.resolve(self.name("the name of the cost: minimize J").text)
        self.end()
        return Minimize(name, comment=comment, span=span)

    def listed(self, item: Callable[[], T]) -> tuple[T, ...]:
        """One item or more, with commas between, up to the end of the line."""
        items = [item()]
        while self.peek() == ",":
            self.take()
            items.append(item())
        self.end()
        return tuple(items)

    def declaration(self, kind: str) -> Declaration:
        """`w[i,j]`, and what its kind asks for: `in k`, `~ draw` or `= number`."""
        start = self.position
        first = self.name(f"the name of a tensor: {EXAMPLES[kind]}")
        indices: tuple[str, ...] = ()
        if self.peek() == "[":
            indices = self.axes()
        within, draw, value = None, None, None
        if kind == "given":
            if self.peek() == "in":
                self.take()
                within = self.index(f"the index of whose values it is one: {EXAMPLES[kind]}")
        else:
            mark = "=" if kind == "setting" else "~"
            self.expect(mark, f"'{mark}' is missing", EXAMPLES[kind])
            if kind == "setting":
                value = self.constant()
            else:
                draw = self.draw(kind)
        span = self.span_from(start)
        return Declaration(first.text, indices, within, draw, value, span)

    def draw(self, kind: str) -> Draw:
        """`glorot`, or `normal(0, 0.1)`."""
        start = self.position
        first = self.name(f"how it is drawn: {EXAMPLES[kind]}")
        arguments: list[float] = []
        if self.peek() == "(":
            self.take()
            while self.peek() != ")":
                arguments.append(self.constant())
                if self.peek() != ")":
                    self.expect(",", "',' is missing", "for instance: normal(0, 0.1)")
            self.take()
        return Draw(first.text, tuple(arguments), self.span_from(start))

    def constant(self) -> float:
        """A number; it may be computed from numbers."""
        tokens = self.region((",", ")"))
        e = read_formula(tokens, self.source)
        if not isinstance(e, Number):
            span = e.span or tokens[0].span
            raise LanguageError("a number is expected here", span=span, source=self.source)
        return float(e.value)

    def size(self) -> tuple[str, Expression]:
        """`j = 16`."""
        index = self.index("the name of an index: size j = 16")
        self.expect("=", "'=' is missing", "size j = 16")
        return index, read_formula(self.region((",",)), self.source)

    def equation(self) -> Equation | Update:
        """`name[subscripts] = value` or `name[indices] <- value`."""
        first = self.tokens[0]
        if first.kind != "name":
            hint = "a statement begins with a name or a word such as given, param or minimize"
            raise self.fault(first, "this begins no statement", hint)
        self.take()
        brackets = self.bracketed() if self.peek() == "[" else []
        span = self.span_from(0)
        update = self.is_arrow()
        if update:
            self.take()
            self.take()
        else:
            hint = "" if self.peek() == "=" else self.hint_without_equals(first)
            self.expect("=", "an equation has one '='", hint)
        name = self.resolve(first.text)
        if update:
            axes = tuple(self.axis(tokens) for tokens in brackets)
            value = read_formula(self.region(()), self.source, axes, self.resolve)
            return Update(name, axes, value, comment=self.comment, span=span)
        subscripts = tuple(self.subscript(tokens) for tokens in brackets)
        scope = [s.name for s in subscripts if isinstance(s, Index)]
        value = read_formula(self.region(()), self.source, scope, self.resolve)
        return Equation(name, subscripts, value, comment=self.comment, span=span)

    def hint_without_equals(self, first: Token) -> str:
        if self.peek() == "==":
            return "an equation is written with one '=': a[i] = 2 * b[i]"
        return resembling(first.text, WORDS) or "for instance: z[n,j] = sum[i](x[n,i] * w[i,j])"

    def is_arrow(self) -> bool:
        """Whether `<-` comes next."""
        pair = self.tokens[self.position : self.position + 2]
        return [token.text for token in pair] == ["<", "-"]

    def axes(self) -> tuple[str, ...]:
        """`[i,j]`: the names of axes."""
        return tuple(self.axis(tokens) for tokens in self.bracketed())

    def axis(self, tokens: Sequence[Token]) -> str:
        (first, *rest) = tokens
        if rest or first.kind != "name" or "." in first.text:
            raise self.fault(first, "an axis is named by an index", "for instance: w[i,j]")
        return first.text

    def subscript(self, tokens: Sequence[Token]) -> Expression:
        """A subscript on the left: every name in it is an index."""
        names = {token.text for token in tokens if token.kind == "name"}
        return read_formula(tokens, self.source, names - {"size", "pad"})

    def bracketed(self) -> list[list[Token]]:
        """The parts between the commas of `[a, b, c]`."""
        opened = self.take()
        parts: list[list[Token]] = []
        while True:
            if self.peek() == "]" and not parts:
                raise self.fault(opened, "the subscripts are missing", "a scalar has no brackets")
            parts.append(self.region((",", "]")))
            if self.take().text == "]":
                return parts

    def region(self, stops: tuple[str, ...]) -> list[Token]:
        """The tokens up to one of `stops` outside all brackets, or to the end; never none."""
        start, depth = self.position, 0
        while self.position < len(self.tokens):
            text = self.tokens[self.position].text
            if depth == 0 and text in stops:
                break
            depth += (text in OPENING) - (text in OPENING.values())
            self.position += 1
        if start == self.position:
            raise self.missing("an expression is missing")
        return self.tokens[start : self.position]

    def peek(self) -> str:
        """The text of the next token, "" at the end."""
        return self.tokens[self.position].text if self.position < len(self.tokens) else ""

    def take(self) -> Token:
        self.position += 1
        return self.tokens[self.position - 1]

    def name(self, what: str) -> Token:
        """The next token, which must be a name."""
        if self.position == len(self.tokens) or self.tokens[self.position].kind != "name":
            raise self.missing("a name is missing", what)
        return self.take()

    def index(self, what: str) -> str:
        """The next token, which must be the name of an index."""
        token = self.name(what)
        if "." in token.text:
            raise self.fault(token, "the name of an index has no dot")
        return token.text

    def expect(self, text: str, message: str, hint: str = "") -> None:
        if self.peek() != text:
            raise self.missing(message, hint)
        self.take()

    def end(self) -> None:
        if self.peek():
            token = self.tokens[self.position]
            hint = "names are separated by commas" if token.kind == "name" else ""
            raise self.fault(token, f"'{token.text}' is not expected here", hint)

    def missing(self, message: str, hint: str = "") -> LanguageError:
        """A fault at the next token, or behind the last one."""
        if self.position < len(self.tokens):
            return self.fault(self.tokens[self.position], message, hint)
        last = self.tokens[-1].span
        span = Span(last.line, last.end, last.end + 1)
        return LanguageError(message, span=span, source=self.source, hint=hint)

    def fault(self, token: Token, message: str, hint: str = "") -> LanguageError:
        return LanguageError(message, span=token.span, source=self.source, hint=hint)

    def span_from(self, start: int) -> Span:
        """From the token number `start` to the one taken last, as far as they are on one line."""
        return _span(self.tokens[start : self.position])


def _span(tokens: Sequence[Token]) -> Span:
    first = tokens[0].span
    end = max(token.span.end for token in tokens if token.span.line == first.line)
    return Span(first.line, first.column, end)
