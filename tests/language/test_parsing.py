"""What each notation means: the text on the left is the tree on the right."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest

from whygrad.language.checking import warnings
from whygrad.language.expression import (
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
    Span,
    Training,
    Where,
    add,
    divide,
    multiply,
    negate,
    subtract,
    walk,
)
from whygrad.language.parsing import parse, parse_equation, parse_expression
from whygrad.language.system import (
    Batch,
    Comment,
    Declaration,
    Declare,
    Draw,
    Equation,
    Minimize,
    Predict,
    Sizes,
    Update,
)


def scalar(name: str) -> Reference:
    return Reference(name, ())


def element(name: str, *indices: str) -> Reference:
    return Reference(name, tuple(Index(i) for i in indices))


a, b, c = scalar("a"), scalar("b"), scalar("c")
i, j, n = Index("i"), Index("j"), Index("n")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        # numbers are exact where they can be
        ("3", Number(3)),
        ("-1/3", Number(Fraction(-1, 3))),
        ("0.1", Number(0.1)),
        ("1_000", Number(1000)),
        (".5e-3", Number(0.0005)),
        ("2.0", Number(2)),
        # sums and products are flat and keep the author's order
        ("a + b - c", add(a, b, negate(c))),
        ("a - (b - c)", add(a, negate(subtract(b, c)))),
        ("a * b / c", Multiply((a, b, Power(c, Number(-1))))),
        ("-a**2", negate(Power(a, Number(2)))),
        ("a**b**c", Power(a, Power(b, c))),
        ("+a", a),
        # signs as they are written on paper
        ("a·b × c", multiply(a, b, c)),
        ("a − b", subtract(a, b)),
        ("σ(a)", Call("sigmoid", (a,))),
        ("Σ[i](a)", Reduce("sum", ("i",), None, a)),
        ("∑[i](a)", Reduce("sum", ("i",), None, a)),
        ("w₁[j]", element("w1", "j")),
        ("block3.q[n,j]", element("block3.q", "n", "j")),
        # an index may be a value, and a size is one
        ("1 / (1 + j)", divide(Number(1), add(Number(1), j))),
        ("size(i) * a", multiply(Size("i"), a)),
        # subscripts
        ("x[2*i - 1, pad(j + 1)]", Reference("x", (
            subtract(multiply(Number(2), i), Number(1)), Pad(add(j, Number(1)))))),
        ("p[n, i//5%5]", Reference("p", (n, Modulo(FloorDivide(i, Number(5)), Number(5))))),
        ("yhat[n, y[n]]", Reference("yhat", (n, element("y", "n")))),
        # reductions bind their indices, softmax keeps its own
        ("sum[p,q](x[p,q])", Reduce("sum", ("p", "q"), None, element("x", "p", "q"))),
        ("max[p](x[p])", Reduce("max", ("p",), None, element("x", "p"))),
        ("max(a, b)", Call("max", (a, b))),
        ("softmax[j](z[n,j])", Softmax(("j",), None, element("z", "n", "j"))),
        ("sum[p | 2*p == j](x[p])", Reduce(
            "sum", ("p",), Compare("==", multiply(Number(2), Index("p")), j), element("x", "p"))),
        ("softmax[j | j <= n](a)", Softmax(("j",), Compare("<=", j, n), a)),
        # conditions
        ("[i == j]", Bracket(Compare("==", i, j))),
        ("[i ≠ j]", Bracket(Compare("!=", i, j))),
        ("[0 <= i < 5 and a > 0]", Bracket(Logic("and", (
            Compare("<=", Number(0), i), Compare("<", i, Number(5)), Compare(">", a, Number(0)))))),
        ("[not i == j or i > 3]", Bracket(Logic("or", (
            Logic("not", (Compare("==", i, j),)), Compare(">", i, Number(3)))))),
        ("where(training, a, b)", Where(Training(), a, b)),
    ],
)  # fmt: skip
def test_expressions(text: str, tree: Expression) -> None:
    assert parse_expression(text, indices=("i", "j", "n")) == tree


def test_a_bare_name_is_an_index_only_where_one_is_in_scope() -> None:
    assert parse_expression("k * a") == multiply(scalar("k"), a)
    assert parse_expression("k * a", indices=("k",)) == multiply(Index("k"), a)
    inside = parse_expression("sum[k](k * a) + k")
    assert inside == add(Reduce("sum", ("k",), None, multiply(Index("k"), a)), scalar("k"))


def test_statements() -> None:
    system = parse(
        """\
given x[n,i], y[n] in k  # data

batch n
# a comment of its own
size j = 16, k2 = size(k) + 1
param w[i,j] ~ normal(0, 1/10), b[j] ~ zeros
setting lr = 0.01
state v[i,j] ~ zeros
noise m[n,j] ~ bernoulli(0.9)
z[n,j] = b[j]
h[t,n] = h[t-1,n]
h[-1,n] = 0
J = mean[n](z[n,0]) #
v[i,j] <- 0.9*v[i,j] + d_w[i,j]
w[i,j] ← w[i,j] − lr*v[i,j]
minimize J
predict z, h
"""
    )
    previous = Reference("h", (subtract(Index("t"), Number(1)), n))
    assert system.statements == (
        Declare(
            "given",
            (Declaration("x", ("n", "i")), Declaration("y", ("n",), within="k")),
            comment="data",
        ),
        Comment(),
        Batch("n"),
        Comment(comment="a comment of its own"),
        Sizes((("j", Number(16)), ("k2", add(Size("k"), Number(1))))),
        Declare(
            "param",
            (
                Declaration("w", ("i", "j"), draw=Draw("normal", (0.0, 0.1))),
                Declaration("b", ("j",), draw=Draw("zeros")),
            ),
        ),
        Declare("setting", (Declaration("lr", value=0.01),)),
        Declare("state", (Declaration("v", ("i", "j"), draw=Draw("zeros")),)),
        Declare("noise", (Declaration("m", ("n", "j"), draw=Draw("bernoulli", (0.9,))),)),
        Equation("z", (n, j), element("b", "j")),
        Equation("h", (Index("t"), n), previous),
        Equation("h", (Number(-1), n), Number(0)),
        Equation("J", (), Reduce("mean", ("n",), None, Reference("z", (n, Number(0)))), comment=""),
        Update(
            "v",
            ("i", "j"),
            add(multiply(Number(0.9), element("v", "i", "j")), element("δw", "i", "j")),
        ),
        Update(
            "w",
            ("i", "j"),
            subtract(element("w", "i", "j"), multiply(scalar("lr"), element("v", "i", "j"))),
        ),
        Minimize("J"),
        Predict(("z", "h")),
    )
    assert (system.cost, system.batch, system.predictions) == ("J", "n", ("z", "h"))


def test_a_statement_goes_on_while_a_bracket_is_open_and_keeps_its_comments() -> None:
    text = "given x[n]\nJ = sum[n](  # why\n\n    x[n]  # the data\n)  # done\nminimize J\n"
    same = "given x[n]\n# why\n# the data\nJ = sum[n](x[n])  # done\nminimize J\n"
    assert parse(text) == parse(same)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_tabs_and_indentation_do_not_matter(end: str) -> None:
    lines = ["  given x[n]", "", "\tJ\t= sum[n](x[n])", "minimize J   "]
    assert parse(end.join(lines)) == parse("given x[n]\n\nJ = sum[n](x[n])\nminimize J")
    assert parse("\ufeffgiven x[n]") == parse("given x[n]")


def test_comments_are_kept_as_they_are() -> None:
    text = "given x[n]  # ∂J/∂w², 10⁻³ · ½ # twice\n#\n#   indented\n"
    assert str(parse(text)) == text
    odd_line_ends = "# a\x0bb\x0cc\x1cd\x85e\u2028f\n"
    assert str(parse(odd_line_ends)) == "# a b c d e f\n"


def test_empty_texts_are_systems() -> None:
    assert parse("").statements == ()
    assert parse("\n").statements == (Comment(),)
    assert parse("   \n# nothing yet").statements == (Comment(), Comment(comment="nothing yet"))


def test_d_w_is_a_derivative_only_where_w_is_a_tensor() -> None:
    head = "given x[n]\nparam w ~ ones\nJ = mean[n](w * x[n])\nminimize J\n"
    update = "w <- w - d_w\n"
    assert str(parse(head + update)).endswith("w <- w - δw\n")
    own = parse("setting d_k = 64\ns = 1 / sqrt(d_k)")
    assert str(own) == "setting d_k = 64\ns = 1 / sqrt(d_k)\n"
    named = parse(head + "state d_w ~ zeros\nw <- w - d_w\n")
    assert str(named).endswith("w <- w - d_w\n")
    assert parse_equation("d_d_w = d_x[n]", tensors=("w",)).name == "δδw"
    assert parse_equation("d_w = d_v", tensors=("w",)).value == scalar("d_v")


def test_every_named_thing_knows_its_place() -> None:
    e = parse_expression("μ + sum[i](x[i] * exp(a))")
    assert {(str(node), node.span) for node in walk(e) if isinstance(node, Reference | Call)} == {
        ("μ", Span(0, 0, 1)),
        ("x[i]", Span(0, 11, 15)),
        ("a", Span(0, 22, 23)),
        ("exp(a)", Span(0, 18, 24)),
    }
    system = parse("given x[n]\nz[n] = 2 * x[n]  # twice")
    assert system.equations[0].span == Span(1, 0, 4)
    assert system.declarations["x"][1].span == Span(0, 6, 10)


def test_a_recurrence_may_run_either_way() -> None:
    system = parse(
        """
        given x[t]
        f[t] = f[t-1] + f[t-2] + x[t]
        f[-1] = 0
        f[-2] = 1
        g[t] = g[t+1] + x[t]
        g[size(t)] = 0
        g[size(t)+1] = 0
        """
    )
    starts = [str(e.subscripts[0]) for e in system.equations if e.is_start]
    assert starts == ["-1", "-2", "size(t)", "size(t) + 1"]


def test_what_looks_like_a_mistake_is_a_warning() -> None:
    text = "size q = 3\ngiven x[n]\nparam w ~ ones, v[j] ~ ones\nJ = mean[n](w*x[n])\nminimize J"
    assert warnings(parse(text)) == [
        "the cost J does not depend on the parameter v, so it will not be trained",
        "size q: nothing has an index q",
    ]
    assert warnings(parse(text.replace("w*x[n]", "w*x[n]*v[0]").replace("q", "j"))) == []


def test_ten_layers_are_read_in_no_time() -> None:
    layers = "".join(
        f"param w{k}[i{k},i{k + 1}] ~ glorot, b{k}[i{k + 1}] ~ zeros\n"
        f"z{k}[n,i{k + 1}] = sum[i{k}](a{k}[n,i{k}] * w{k}[i{k},i{k + 1}]) + b{k}[i{k + 1}]\n"
        f"a{k + 1}[n,i{k + 1}] = tanh(z{k}[n,i{k + 1}])\n"
        for k in range(10)
    )
    text = f"given a0[n,i0]\n{layers}J = mean[n](a10[n,0])\nminimize J"
    start = time.perf_counter()
    parse(text)
    assert time.perf_counter() - start < 0.5
