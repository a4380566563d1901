"""From a text to logical lines of tokens: normalised, bounded, every bracket closed."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..errors import LanguageError
from .expression import Span

# Bounds on what is read at all. Python's own parser, and every function that
# walks down a tree, would overflow the stack on what lies far beyond them.
MAX_LENGTH = 200_000
MAX_NESTING = 90
MAX_OPERATORS = 1_000
MAX_TOKENS = 10_000
MAX_DIGITS = 400

SYMBOLS = str.maketrans(
    {
        "·": "*",
        "⋅": "*",
        "∗": "*",
        "×": "*",
        "÷": "/",
        "∕": "/",
        "−": "-",
        "←": "<-",
        "≤": "<=",
        "≥": ">=",
        "≠": "!=",
        "∑": "Σ",
    }
)

COMMENT = re.compile("[#＃﹟]")
PART = r"[^\W\d][\w\u0300-\u036f]*"
TOKEN = re.compile(
    rf"(?P<name>{PART}(?:\.{PART})*)"
    r"|(?P<number>(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<operator>\*\*|//|<=|>=|==|!=|[-+*/%<>=~(),|\[\]])"
    r"|(?P<space>\ +)"
)

OPENING = {"(": ")", "[": "]"}
LOGICAL = ("and", "or", "not")

# What people type who know another notation.
ELSEWHERE = {
    ":": "a condition on a reduction is written sum[i | condition](...)",
    "^": "a power is written x**2",
    "@": "a product of matrices is written sum[j](a[i,j] * b[j,k])",
    "'": "a derivative is written δw (or d_w); text in quotes has no meaning here",
    '"': "text in quotes has no meaning here",
    "{": "group with round brackets: ( )",
    "}": "group with round brackets: ( )",
    ";": "write one statement a line",
    "!": "'not equal' is written a != b",
    "&": "'and' is written a and b",
    "\\": "a line goes on by itself while a bracket is open",
    "√": "a root is written sqrt(x)",
}

KEYWORDS = {
    "if": "choose with where(condition, a, b)",
    "else": "choose with where(condition, a, b)",
    "in": "'in' belongs in a line such as: given y[n] in k",
    "is": "compare with == or !=",
    "for": "a sum over an index is written sum[i](...)",
    "True": "a condition is a comparison such as i == j",
    "False": "a condition is a comparison such as i == j",
}


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a number or an operator, and its place."""

    kind: str
    text: str
    span: Span


@dataclass(slots=True)
class Line:
    """A logical line: its tokens (none if it is blank or a comment) and its comment.

    `earlier` are the comments on the lines before the last, where a bracket
    makes the statement run over several.
    """

    tokens: list[Token] = field(default_factory=list)
    comment: str | None = None
    earlier: list[str] = field(default_factory=list)


def normalise(text: str) -> str:
    """The text as it is read: one kind of line end, NFKC and plain operators outside comments."""
    if len(text) > MAX_LENGTH:
        raise LanguageError(
            f"the text is too long: {len(text):,} characters",
            hint=f"at most {MAX_LENGTH:,} characters are read",
        )
    plain = re.sub("\r\n?", "\n", text.removeprefix("\ufeff")).replace("\t", " ")
    source = "\n".join(_normalise_line(plain, i, line) for i, line in enumerate(plain.split("\n")))
    if len(source) > MAX_LENGTH:
        raise LanguageError("the text is too long", hint=f"at most {MAX_LENGTH:,} characters")
    return source


def _normalise_line(source: str, number: int, line: str) -> str:
    found = COMMENT.search(line)
    code, comment = (line[: found.start()], line[found.end() :]) if found else (line, "")
    if not code.isascii():
        for column, character in enumerate(code):
            _refuse_raised(source, character, Span(number, column, column + 1))
        code = unicodedata.normalize("NFKC", code).translate(SYMBOLS)
    return f"{code}#{comment}" if found else code


def _refuse_raised(source: str, character: str, span: Span) -> None:
    """Refuse what would silently turn into other digits: x² into x2, 3½ into 31/2."""
    form = unicodedata.decomposition(character)
    if form.startswith("<super>"):
        hint = "a power is written x**2"
    elif form.startswith("<fraction>"):
        hint = "a fraction is written (1/2)"
    else:
        return
    message = f"'{character}' is not part of the notation"
    raise LanguageError(message, span=span, source=source, hint=hint)


def scan(source: str) -> Iterator[Line]:
    """The logical lines of a normalised text."""
    if not source:
        return
    rows = source.removesuffix("\n").split("\n")
    line, brackets = Line(), _Brackets(source)
    for number, row in enumerate(rows):
        code, mark, comment = row.partition("#")
        for token in _tokens(source, number, code):
            brackets.see(token)
            line.tokens.append(token)
            if len(line.tokens) > MAX_TOKENS:
                raise brackets.too_long(token)
        text = " ".join(comment.splitlines()).removeprefix(" ").rstrip() if mark else None
        if brackets.open:
            line.earlier += [] if text is None else [text]
            continue
        line.comment = text
        yield line
        line, brackets = Line(), _Brackets(source)
    brackets.finish()


def _tokens(source: str, number: int, code: str) -> Iterator[Token]:
    column = 0
    while column < len(code):
        found = TOKEN.match(code, column)
        if found is None:
            raise _strange(source, code[column], Span(number, column, column + 1))
        kind = found.lastgroup or ""
        token = Token(kind, found.group(), Span(number, column, found.end()))
        column = found.end()
        if kind == "space":
            continue
        following = code[column : column + 1]
        if kind == "number":
            _check_number(source, token, following)
        elif kind == "name":
            _check_name(source, token)
        yield token


def _strange(source: str, character: str, span: Span) -> LanguageError:
    shown = character if character.isprintable() else f"U+{ord(character):04X}"
    hint = ELSEWHERE.get(character, "expressions are written as in Python")
    return LanguageError(f"'{shown}' has no meaning here", span=span, source=source, hint=hint)


def _check_number(source: str, token: Token, following: str) -> None:
    if len(token.text) > MAX_DIGITS:
        raise LanguageError("this number is too long", span=token.span, source=source)
    if following.isalnum() or following == "_":
        raise LanguageError(
            f"a number and a name stand side by side: {token.text}{following}...",
            span=token.span,
            source=source,
            hint=f"a product is written {token.text} * {following}...",
        )


def _check_name(source: str, token: Token) -> None:
    parts = token.text.split(".")
    for part in parts:
        if not part.isidentifier():
            message = f"'{token.text}' is not a name"
            hint = "a name is made of letters, digits and _"
        elif keyword.iskeyword(part) and not (part in (*LOGICAL, "in") and len(parts) == 1):
            message = f"'{part}' is a word of Python and cannot be a name"
            hint = KEYWORDS.get(part, f"another name will do, such as {part}_ or {part}2")
        else:
            continue
        raise LanguageError(message, span=token.span, source=source, hint=hint)


class _Brackets:
    """Sees the tokens of one logical line go by, and refuses what is not balanced or too much."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.open: list[Token] = []
        self.operators = 0

    def see(self, token: Token) -> None:
        if token.text in OPENING:
            self.open.append(token)
            if len(self.open) > MAX_NESTING:
                raise self._fault(token, "brackets are nested too deeply", "give parts a name")
        elif token.text in OPENING.values():
            if not self.open:
                raise self._fault(token, f"this '{token.text}' closes no bracket")
            opened = self.open.pop()
            if OPENING[opened.text] != token.text:
                place = f"line {opened.span.line + 1}, column {opened.span.column + 1}"
                raise self._fault(
                    token,
                    f"'{token.text}' cannot close the '{opened.text}' of {place}",
                    f"'{opened.text}' is closed by '{OPENING[opened.text]}'",
                )
        elif token.text in LOGICAL or (token.kind == "operator" and token.text not in ",="):
            self.operators += 1
            if self.operators > MAX_OPERATORS:
                raise self.too_long(token)

    def too_long(self, token: Token) -> LanguageError:
        """The error for a statement with too many operators or tokens."""
        hint = f"at most {MAX_OPERATORS:,} operators; give parts of it a name of their own"
        return self._fault(token, "this statement is too long", hint)

    def finish(self) -> None:
        """Called at the end of the text: nothing may be open."""
        if self.open:
            opened = self.open[-1]
            raise self._fault(
                opened,
                f"this '{opened.text}' is never closed",
                f"it is closed by '{OPENING[opened.text]}'",
            )

    def _fault(self, token: Token, message: str, hint: str = "") -> LanguageError:
        return LanguageError(message, span=token.span, source=self.source, hint=hint)
