"""Every fault is shown with its line, a caret under the place, and what would be right.

Each example is a text with one fault. The caret marks the place, as it is
shown: `^` under the line it belongs to.
"""

from __future__ import annotations

import pytest

from whygrad.errors import LanguageError, WhygradError
from whygrad.language.checking import check, check_equation
from whygrad.language.expression import Index, Number, Reference
from whygrad.language.parsing import parse, parse_equation, parse_expression
from whygrad.language.system import Equation, System

HEAD = """\
given x[n,i], y[n] in k
batch n
param w[i,j] ~ glorot, b[j] ~ zeros
"""


def fault(text: str) -> LanguageError:
    with pytest.raises(LanguageError) as caught:
        parse(text)
    return caught.value


def marked(error: LanguageError) -> str:
    """The piece of the text above the carets."""
    assert error.span is not None
    line = error.source.split("\n")[error.span.line]
    return line[error.span.column : error.span.end]


def test_an_error_reads_like_this() -> None:
    text = HEAD + "z[n,j] = sum[i](x[n,i] * v[i,j]) + b[j]\nJ = mean[n](z[n,0])\nminimize J\n"
    assert str(fault(text)) == (
        "there is no tensor 'v'\n"
        "  4 | z[n,j] = sum[i](x[n,i] * v[i,j]) + b[j]\n"
        "    |                          ^\n"
        "  given, param, setting or an equation introduces one"
    )


# Each row: what stands after HEAD, the marked piece, a part of the message, a part of the hint.
NAMES = [
    ("z[n,j] = bb[j]", "bb", "no tensor 'bb'", "'b'"),
    ("given x[n]", "x[n]", "'x' is defined twice", "line 1"),
    ("w[i,j] = 1", "w[i,j]", "'w' is defined twice", "line 3"),
    ("z[n] = 1\nz[n] = 2", "z[n]", "'z' is defined twice", "line 4"),
    ("param sum ~ zeros", "sum ~ zeros", "'sum' is a word of the language", ""),
    ("softmax[n] = 1", "softmax[n]", "'softmax' is a word of the language", ""),
    ("state = 1", "state", "'state' is a word of the language", ""),
    ("z[n] = lambda", "lambda", "'lambda' is a word of Python", "lambda_"),
    ("block.in[n] = 1", "block.in", "'in' is a word of Python", ""),
    ("z[size] = 1", "size", "word of the language", ""),
    ("z[n] = b[0] if x[n,0] > 0 else 1", "if", "'if' is a word of Python", "where("),
    ("z[n] = exp", "exp", "'exp' is a word of the language", ""),
    ("z[n] = rleu(x[n,0])", "rleu", "no function 'rleu'", "'relu'"),
    ("z[n] = ln(x[n,0])", "ln", "no function 'ln'", "log"),
    ("z[n] = summ[i](x[n,i])", "summ", "no reduction 'summ'", "'sum'"),
    ("z[n] = min[i](x[n,i])", "min", "no reduction 'min'", "-max[i]"),
    ("z[n] = x(n)", "x", "no function 'x'", "square brackets"),
    ("z[n] = relu(x[n,0], 1)", "relu(x[n,0], 1)", "takes 1 argument, not 2", ""),
    ("z[n] = max(x[n,0])", "max(x[n,0])", "takes 2 arguments, not 1", "max[i]"),
    ("z[n] = where(x[n,0], 1)", "where(x[n,0], 1)", "takes 3 arguments", "where(condition"),
    ("batch m", "batch m", "more than one 'batch'", ""),
    ("predict zz", "predict zz", "no tensor 'zz'", ""),
    ("size k = 3\nsize k = 4", "4", "size of 'k' is given twice", ""),
    ("size k = size(q)", "size(q)", "no index 'q'", ""),
    ("size k = size(j), j = size(k)", "size(j)", "depends on itself", ""),
    ("size k = w", "w", "computed from numbers", "size(w)"),
    ("size k = 2.5", "2.5", "whole number", ""),
    ("z[n] = size(q) * x[n,0]", "size(q)", "no index 'q'", ""),
    ("d_q[n] = x[n,0]\nz[n] = d_b[0] + d_x1[n,0]", "d_x1", "no tensor 'd_x1'", ""),
]

INDICES = [
    ("z[n] = x[n,i]", "i", "index 'i' is never bound", "sum[i]"),
    ("z[n] = i * x[n,0]", "i", "index 'i' is never bound", "sum[i]"),
    ("z[n] = sum[i](x[n,i]) + x[n,i]", "i", "index 'i' is never bound", ""),
    ("z[n] = softmax[i](x[n,0])", "softmax[i](x[n,0])", "'i' is never bound", ""),
    ("z[n] = sum[n](x[n,0])", "sum[n](x[n,0])", "index 'n' is bound twice", "size n2 = size(n)"),
    ("z = sum[i](sum[i](w[i,i]))", "sum[i](w[i,i])", "'i' is bound twice", ""),
    ("z = sum[i,i](w[i,i])", "sum[i,i](w[i,i])", "'i' is bound twice", ""),
    ("z[n,n] = 1", "z[n,n]", "index 'n' twice", "size n2"),
    ("given g[i,i]", "g[i,i]", "index 'i' twice", ""),
    ("z[n] = x[n]", "x[n]", "'x' has 2 indices, and here 1 subscript", "x[n,i]"),
    ("z[n] = b", "b", "'b' has 1 index, and here no subscripts", "b[j]"),
    ("z[n] = x[n,0]\nr = z[0,0]", "z[0,0]", "'z' has 1 index, and here 2 subscripts", "z[n]"),
    ("z[n] = x[n][0]", "x[n][0]", "only a name can have subscripts", "a[i,j]"),
    ("z[max] = 1", "z[max]", "'max' is a word of the language, not an index", ""),
    ("z[i+1] = 1", "z[i+1]", "cannot stand on the left", ""),
    ("z[n] = sum(x[n,0])", "sum", "'sum' needs its index", "sum[i]"),
    ("z[n] = sum[i]", "sum[i]", "in round brackets", ""),
    ("z[n] = sum[2](x[n,0])", "2", "name of an index is expected", ""),
    ("z[n] = sum[i](x[n,i], 1)", "sum[i](x[n,i], 1)", "takes one expression", ""),
    ("z[n] = sum[i | ](x[n,i])", "sum[i | ]", "condition is not complete", "i < 3"),
    ("z[n] = x[n | n > 1, 0]", "n | n > 1", "belongs to a reduction", ""),
]

CONTEXTS = [
    ("z[n] = x[n,0] > 0", "x[n,0] > 0", "a condition is not a number", "[i == j]"),
    ("z[n] = 2 * training", "training", "a condition is not a number", ""),
    ("z[n] = [x[n,0]]", "x[n,0]", "a condition is expected", "compare"),
    ("z[n] = where(x[n,0], 1, 2)", "x[n,0]", "a condition is expected", ""),
    ("z[n] = where([n == 0], 1, 2)", "[n == 0]", "make this a number", "leave them out"),
    ("z[n] = sum[i | x[n,i]](1)", "x[n,i]", "a condition is expected", ""),
    ("z[n] = [not x[n,0]]", "x[n,0]", "a condition is expected", ""),
    ("z[n] = [n == 1, n == 2]", "[n == 1, n == 2]", "one condition", ""),
    ("z[n] = pad(x[n,0])", "pad(x[n,0])", "only for subscripts", "x[n, pad(i-1)]"),
    ("z[n] = x[n, 1 + pad(n)]", "pad(n)", "cannot be a part", "whole subscript"),
    ("z[n] = x[n, n/2]", "2", "whole number", "//"),
    ("z[n] = x[n, 0.5]", "0.5", "whole number", "//"),
    ("z[n] = x[n, exp(n)]", "exp(n)", "whole number", ""),
    ("z[n] = x[n, b[0]]", "b[0]", "'b' is trained", "in k"),
    ("z[n] = x[n,0] // b[0]", "b[0]", "'b' is trained", ""),
    ("z[n] = x[n, n > 0]", "n > 0", "whole number", ""),
]

STARTS = [
    ("h[-1,n] = 0", "h[-1,n]", "no equation that goes on", "h[t,n]"),
    ("h[t,n] = h[t-1,n]\nh[-2,n] = 0", "h[-2,n]", "h[-1, n] is missing", ""),
    ("h[t,n] = h[t-1,n]\nh[-1,n] = 0\nh[-1,n] = 1", "h[-1,n]", "given twice", ""),
    ("h[t,n] = h[t-1,n]\nh[3,n] = 0", "3", "cannot stand on the left", "h[-1, n]"),
    ("h[t,n] = h[t-1,n]\nh[size(n),n] = 0", "size(n)", "the index here is 't'", "size(t)"),
    ("h[t,n] = h[t+1,n]\nh[size(t)+1,n] = 0", "h[size(t)+1,n]", "h[size(t), n] is missing", ""),
    ("h[t,n] = h[t-1,n]\nh[-1] = 0", "h[-1]", "1 subscripts, not 2", "h[t,n]"),
    ("h[t,n] = h[t-1,n]\nh[-1,-1] = 0", "-1", "one index at a time", ""),
    ("h[t,n] = h[t-1,n]\nh[-1,m] = 0", "h[-1,m]", "the indices of its equation", ""),
    ("b[-1] = 0", "b[-1]", "'b' is declared, and has no start", "a param"),
]

TRAINING = [
    ("minimize J", "minimize J", "no tensor 'J'", ""),
    ("z[n] = x[n,0]\nminimize z", "minimize z", "z[n] is not a scalar", "J = mean[n](z[n])"),
    ("J = 1\nminimize J\nminimize J", "minimize J", "more than one 'minimize'", ""),
    ("setting lr = 1\nminimize lr", "minimize lr", "'lr' is a setting", "equation"),
    ("x[n,i] <- 0", "x[n,i]", "'x' is a given", "only a param or a state"),
    ("z[n] = 1\nz[n] <- 0", "z[n]", "'z' has an equation", "only a param or a state"),
    ("vv[i] <- 0", "vv[i]", "no tensor 'vv'", "state"),
    ("b <- 0", "b", "wrong number of subscripts", "b[j]"),
    ("b[j] <- 0\nb[j] <- 1", "b[j]", "updated twice", ""),
    ("b[j] <- b[j] - δb[j]", "δb[j]", "needs a cost", "minimize J"),
    ("J = δb[0]\nminimize J", "δb[0]", "would depend on 'δb'", "updates"),
    ("J = b[0]\nminimize J\nb[j] <- d_bb[j]", "d_bb", "no tensor 'd_bb'", ""),
    ("setting lr[j] = 0.1", "lr[j] = 0.1", "a setting is a single number", ""),
    ("setting lr", "", "'=' is missing", "setting lr = 0.01"),
    ("setting lr = b[0]", "b[0]", "a number is expected", ""),
    ("param v[i]", "", "'~' is missing", "param w[i,j] ~ glorot"),
    ("param v[i] ~ xavier", "xavier", "no initialiser 'xavier'", "glorot"),
    ("param v[i] ~ glorrot", "glorrot", "no initialiser 'glorrot'", "'glorot'"),
    ("param v[i] ~ bernoulli(0.5)", "bernoulli(0.5)", "no initialiser 'bernoulli'", ""),
    ("noise m[n] ~ glorot", "glorot", "no distribution 'glorot'", "bernoulli"),
    ("noise m[n] ~ bernoulli(1.5)", "bernoulli(1.5)", "no probability", "between 0 and 1"),
    ("param v[i] ~ normal(0, -1)", "normal(0, -1)", "not negative", ""),
    ("param v[i] ~ normal(0)", "normal(0)", "takes 2 numbers", "normal(mean, deviation)"),
    ("param v[i] ~ zeros(1)", "zeros(1)", "takes no numbers", "zeros"),
    ("param v[i] ~ uniform(1, 0)", "uniform(1, 0)", "1 is above 0", ""),
]

CIRCLES = [
    ("p = q\nq = p", None, "circular definition", ""),
    ("h[t] = h[t-1] + h[t+1]", None, "circular definition", ""),
]

NOTATION = [
    ("z[n] = x[n,0", "[", "never closed", "']'"),
    ("z[n] = x[n,0])", ")", "closes no bracket", ""),
    ("z[n] = (x[n,0]]", "]", "cannot close the '('", "')'"),
    ("z[n] = 2x[n,0]", "2", "side by side", "2 * x"),
    ("z[n] = 2 x[n,0]", "x", "an operator is missing", "a * b"),
    ("z[n] = 2 (x[n,0])", "(", "an operator is missing", ""),
    ("z[n] = x[n,0] ^ 2", "^", "no meaning here", "x**2"),
    ("z[n] = x[n,0]²", "²", "not part of the notation", "x**2"),
    ("z[n] = ½ * x[n,0]", "½", "not part of the notation", "(1/2)"),
    ("z[n] = w @ x", "@", "no meaning here", "sum[j]"),
    ("z[n] = x[:, 0]", ":", "no meaning here", ""),
    ("z[n] = 'text'", "'", "no meaning here", ""),
    ("z[n] = x[n,0] +", "+", "breaks off", ""),
    ("z[n] = * x[n,0]", "*", "not expected", ""),
    ("z[n] =", "", "an expression is missing", ""),
    ("z[n] == x[n,0]", "==", "one '='", "a[i] = 2 * b[i]"),
    ("z[n] = 1 = 2", "=", "cannot stand inside", "=="),
    ("minimise J", "J", "one '='", "'minimize'"),
    ("3 = z", "3", "begins no statement", ""),
    ("z[n] = [0 <= n in k]", "in", "cannot stand inside", "given"),
    ("z[n] = x[n, 0] | 1", "|", "not expected", "sum[i | condition]"),
    ("z[n] = 1e999", "1e999", "too large", "1e300"),
    ("z[n] = 1e300 * 1e300", None, "too large", ""),
    ("z[n] = 9**9**9 * (9**60)**60", None, "too large", ""),
    ("z[n] = " + "9" * 500, "9" * 500, "too long", ""),
    ("z[] = 1", "[", "subscripts are missing", "no brackets"),
    ("z[n] = x[()]", "x[()]", "subscripts are missing", ""),
    ("given", "", "a name is missing", "given x"),
    ("given x y", "y", "not expected", "commas"),
    ("predict z,", "", "a name is missing", ""),
    ("z[n] = f(a=1)", "=", "cannot stand inside", ""),
    ("z[n] = exp(*b)", "exp(*b)", "no names or stars", ""),
    ("z[n] = (1, 2)", "(1, 2)", "list of expressions", ""),
    ("z[n] = .x", ".", "no meaning here", ""),
    ("z[n] = x[n,0].real", ".", "no meaning here", ""),
    ("z[n] = \x00", "\x00", "'U+0000' has no meaning", ""),
    ("z[n] = " + "(" * 200 + "1" + ")" * 200, "(", "nested too deeply", ""),
    ("z[n] = " + "exp(" * 80 + "1" + ")" * 80, None, "nested too deeply", ""),
    ("z[n] = " + "-" * 900 + "1", None, "nested too deeply", ""),
    ("z[n] = " + "+".join("1" * 3000), "+", "too long", "a name of their own"),
]

ALL = NAMES + INDICES + CONTEXTS + STARTS + TRAINING + CIRCLES + NOTATION


@pytest.mark.parametrize(("text", "place", "message", "hint"), ALL, ids=[r[0][:40] for r in ALL])
def test_each_fault_is_shown_at_its_place(
    text: str, place: str | None, message: str, hint: str
) -> None:
    error = fault(HEAD + text)
    assert message in error.message
    assert hint in error.hint
    assert error.source == HEAD + text
    if place is not None:
        assert marked(error) == place


@pytest.mark.parametrize(
    ("text", "line", "caret"),
    [
        ("ŷ[n] = μ[n]", "ŷ[n] = μ[n]", 7),
        ("ｘ１[n] = σ(ŵ[n])", "x1[n] = σ(ŵ[n])", 10),
        ("z[n] ≔ 1", "z[n] ≔ 1", 5),
        ("z[n]\t=\tq", "z[n] = q", 7),
        ("z[n] = a ≤ q", "z[n] = a <= q", 7),
    ],
)
def test_carets_count_characters_of_the_line_that_is_shown(
    text: str, line: str, caret: int
) -> None:
    shown = str(fault(f"setting a = 1\n{text}")).split("\n")
    assert shown[1] == f"  2 | {line}"
    assert shown[2].index("^") == len("  2 | ") + caret


def test_a_fault_in_a_statement_of_several_lines_is_shown_on_its_line() -> None:
    error = fault("given x[n]\nJ = sum[n](\n    x[n]  # fine\n    * q[n])\nminimize J")
    assert error.span is not None
    assert (error.span.line, marked(error)) == (3, "q")


def test_the_text_as_a_whole_is_bounded() -> None:
    assert "too long" in fault("# " + "x" * 300_000).message
    assert "too long" in fault("ﷺ" * 150_000).message


def test_expressions_and_equations_on_their_own() -> None:
    for text in ("", "# nothing", "a\nb", "a = b"):
        with pytest.raises(LanguageError):
            parse_expression(text)
    with pytest.raises(LanguageError, match="an equation is expected"):
        parse_equation("minimize J")


def test_a_system_built_by_hand_is_checked_as_well() -> None:
    equation = Equation("z", (Index("n"),), Reference("q", (Index("n"),)))
    with pytest.raises(LanguageError, match="there is no tensor 'q'"):
        check(System((equation,)))
    unbound = Equation("z", (), Index("n"))
    with pytest.raises(LanguageError, match="'n' is never bound"):
        check(System((unbound,)))
    check(System((Equation("z", (Index("n"),), Number(1)),)))


def test_an_equation_is_checked_beside_a_system() -> None:
    system = parse("given x[n]\nparam w ~ ones\nJ = mean[n](w * x[n])\nminimize J")
    check_equation(system, parse_equation("δw = mean[n](x[n])"))
    with pytest.raises(WhygradError, match="'n' is never bound"):
        check_equation(system, parse_equation("δw = mean[n](x[n]) * n"))


def test_of_a_very_long_line_only_the_surroundings_are_shown() -> None:
    text = "given x\ny = " + "x + " * 300 + "q + x + x"
    with pytest.raises(LanguageError) as caught:
        parse(text)
    _, shown, caret, *_ = str(caught.value).splitlines()
    assert len(shown) < 140 and shown[caret.index("^")] == "q"
