"""What is printed reads back as the same tree, for whatever can be built."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from whygrad.language.expression import (
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
    Power,
    Reduce,
    Reference,
    Size,
    Softmax,
    Training,
    Where,
    add,
    divide,
    multiply,
    negate,
    number,
    power,
    subtract,
    walk,
)
from whygrad.language.functions import FUNCTIONS, REDUCTIONS
from whygrad.language.parsing import parse, parse_expression
from whygrad.language.printing import equation_text, expression_text, system_text
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
    System,
    Update,
)

INDICES = ("i", "j", "k", "n", "t")
TENSORS = {"a": 0, "w1": 2, "x": 1, "δw": 2, "δδx": 1, "block3.q": 3, "ŷ": 1}
COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")

numbers = st.one_of(
    st.integers(-12, 12),
    st.fractions(-3, 3, max_denominator=9),
    st.floats(-1e6, 1e6),
    st.sampled_from([1e-300, 1e300, 2.0**60, 0.1]),
).map(number)


@st.composite
def wholes(draw: st.DrawFn, scope: tuple[str, ...], depth: int) -> Expression:
    """What may be a subscript: whole numbers made of indices, sizes and integers."""
    kinds = ["index", "number", "size"] + (["sum", "product", "//", "%", "tensor"] if depth else [])
    kind = draw(st.sampled_from(kinds))
    inner = wholes(scope, depth - 1)
    match kind:
        case "index" if scope:
            return Index(draw(st.sampled_from(scope)))
        case "size":
            return Size(draw(st.sampled_from(INDICES)))
        case "sum":
            return add(*draw(st.lists(inner, min_size=2, max_size=3)))
        case "product":
            return multiply(*draw(st.lists(inner, min_size=2, max_size=3)))
        case "//":
            return FloorDivide(draw(inner), draw(inner))
        case "%":
            return Modulo(draw(inner), draw(inner))
        case "tensor":
            return Reference("x", (draw(inner),))
        case _:
            return number(draw(st.integers(-9, 9)))


@st.composite
def conditions(draw: st.DrawFn, scope: tuple[str, ...], depth: int) -> Expression:
    kind = draw(st.sampled_from(["compare", "training"] + (["and", "or", "not"] if depth else [])))
    inner = conditions(scope, depth - 1)
    match kind:
        case "and":
            return Logic("and", tuple(draw(st.lists(inner, min_size=2, max_size=4))))
        case "or":
            return Logic("or", tuple(draw(st.lists(inner, min_size=2, max_size=3))))
        case "not":
            return Logic("not", (draw(inner),))
        case "training":
            return Training()
        case _:
            side = wholes(scope, min(depth, 1)) | values(scope, max(depth - 1, 0))
            return Compare(draw(st.sampled_from(COMPARISONS)), draw(side), draw(side))


@st.composite
def references(draw: st.DrawFn, scope: tuple[str, ...], depth: int) -> Expression:
    name = draw(st.sampled_from(sorted(TENSORS)))
    subscript = wholes(scope, min(depth, 2))
    subscripts = draw(st.tuples(*[subscript | subscript.map(Pad)] * TENSORS[name]))
    return Reference(name, subscripts)


@st.composite
def values(draw: st.DrawFn, scope: tuple[str, ...], depth: int) -> Expression:
    """A value that is valid where the indices in `scope` are bound."""
    if not depth:
        return draw(numbers | references(scope, 0))
    inner = values(scope, depth - 1)
    unused = tuple(i for i in INDICES if i not in scope)
    kinds = ["add", "subtract", "negate", "multiply", "divide", "power", "whole", "call"]
    kinds += ["bracket", "where", "leaf"]
    kinds += ["reduce"] if unused else []
    kinds += ["softmax"] if scope else []
    match draw(st.sampled_from(kinds)):
        case "add":
            return add(*draw(st.lists(inner, min_size=2, max_size=4)))
        case "subtract":
            return subtract(draw(inner), draw(inner))
        case "negate":
            return negate(draw(inner))
        case "multiply":
            return multiply(*draw(st.lists(inner, min_size=2, max_size=4)))
        case "divide":
            return divide(draw(inner), draw(inner))
        case "power":
            exponents = st.integers(-3, 3).map(Number) | st.just(Number(Fraction(1, 2))) | inner
            return power(draw(inner), draw(exponents))
        case "whole":
            return draw(wholes(scope, 2))
        case "call":
            name = draw(st.sampled_from(sorted(FUNCTIONS)))
            return Call(name, draw(st.tuples(*[inner] * FUNCTIONS[name].arity)))
        case "bracket":
            return Bracket(draw(conditions(scope, depth - 1)))
        case "where":
            return Where(draw(conditions(scope, depth - 1)), draw(inner), draw(inner))
        case "reduce":
            operation = draw(st.sampled_from(REDUCTIONS))
            bound = tuple(draw(st.permutations(unused))[: draw(st.integers(1, 2))])
            condition = draw(st.none() | conditions(scope + bound, depth - 1))
            return Reduce(operation, bound, condition, draw(values(scope + bound, depth - 1)))
        case "softmax":
            kept = (draw(st.sampled_from(scope)),)
            return Softmax(kept, draw(st.none() | conditions(scope, depth - 1)), draw(inner))
        case _:
            return draw(numbers | references(scope, depth))


def is_moderate(e: Expression) -> bool:
    """Whether its numbers stay inside the range of a float."""
    for node in walk(e):
        if isinstance(node, Number):
            top = node.value if isinstance(node.value, float) else node.value.numerator
            bottom = 1 if isinstance(node.value, float) else node.value.denominator
            if not (abs(top) < 1e290 and bottom < 1e290):
                return False
    return True


x, y, z = (Reference(name, ()) for name in "xyz")


@settings(deadline=None)
@given(values(("i", "j"), 3))
@example(multiply(x, number(Fraction(-1, 3))))
@example(multiply(number(Fraction(-2, 3)), power(y, Number(-1)), x))
@example(power(power(x, Number(-1)), Number(-2)))
@example(power(power(x, Number(2)), Number(-1)))
@example(power(x, power(y, z)))
@example(power(negate(x), Number(2)))
@example(negate(power(x, Number(2))))
@example(multiply(Number(-1), FloorDivide(x, y), z))
@example(multiply(Number(-1), power(x, Number(-1)), z))
@example(add(multiply(Number(-1), add(x, y)), Number(-1)))
@example(power(Number(0), Number(-1)))
@example(power(number(0.5), Number(-1)))
@example(FloorDivide(negate(x), Modulo(x, y)))
def test_every_expression_reads_back(e: Expression) -> None:
    assume(is_moderate(e))
    assert parse_expression(expression_text(e), indices=INDICES) == e


@settings(deadline=None)
@given(conditions(("i", "j"), 3))
@example(Logic("and", (Logic("and", (Compare("<", x, y), Compare("<", y, z))), Compare("<", z, x))))
@example(Logic("and", (Compare("<", x, y), Compare(">", y, z))))
def test_every_condition_reads_back(condition: Expression) -> None:
    e = Bracket(condition)
    assume(is_moderate(e))
    assert parse_expression(expression_text(e), indices=INDICES) == e


words = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029"))
comments = st.none() | words.map(str.rstrip)


@st.composite
def systems(draw: st.DrawFn) -> System:
    """Valid systems: every kind of statement, in any order, with comments and blank lines."""
    statements = [
        Declare(
            "given",
            (
                Declaration("x", ("i",)),
                Declaration("ŷ", ("t",), within="k"),
                Declaration("block3.q", ("i", "j", "k")),
            ),
            comment=draw(comments),
        ),
        Declare("param", (Declaration("w1", ("i", "j"), draw=Draw("normal", (0.0, 0.1))),)),
        Declare("setting", (Declaration("a", value=draw(st.floats(-1e9, 1e9))),)),
        Declare("noise", (Declaration("m", ("n", "j"), draw=Draw("bernoulli", (0.5,))),)),
        Declare("state", (Declaration("δw", ("i", "j"), draw=Draw("zeros")),)),
        Batch("n", comment=draw(comments)),
        Sizes((("j", Number(3)), ("i2", add(Size("i"), Number(1))))),
        Predict(("r0", "x")),
        Minimize("cost"),
        Equation("cost", (), Reduce("sum", ("i",), None, Reference("x", (Index("i"),)))),
        Equation("δδx", (Index("n"),), Reference("x", (Index("n"),))),
        Update("w1", ("i", "j"), draw(values(("i", "j"), 2)), comment=draw(comments)),
    ]
    for count in range(draw(st.integers(1, 3))):
        left = tuple(Index(i) for i in ("i", "n")[: draw(st.integers(0, 2))])
        right = draw(values(tuple(i.name for i in left), 3))
        statements.append(Equation(f"r{count}", left, right, comment=draw(comments)))
    h = Reference("h", (subtract(Index("t"), Number(1)), Index("j")))
    statements += [
        Equation("h", (Index("t"), Index("j")), multiply(h, Reference("a", ()))),
        Equation("h", (Number(-1), Index("j")), Number(0), comment=draw(comments)),
    ]
    statements += [Comment(comment=c) for c in draw(st.lists(comments, max_size=3))]
    return System(tuple(draw(st.permutations(statements))))


@settings(deadline=None)
@given(systems())
def test_every_system_reads_back_with_its_comments(system: System) -> None:
    assume(all(is_moderate(e) for e in system.expressions()))
    assert parse(system_text(system)) == system


NETWORK = """\
given x[n,i], y[n] in k  # data
batch n

size j = 16, k2 = size(k)
param w1[i,j] ~ glorot, b1[j] ~ normal(0, 0.1)
param w2[j,k] ~ uniform(-0.5, 0.5)
setting lr = 0.01
state v[i,j] ~ zeros
noise m[n,j] ~ bernoulli(0.9)
# forward
z1[n,j] = sum[i](x[n,i] * w1[i,j]) + b1[j]
a1[n,j] = where(training, m[n,j] * tanh(z1[n,j]), tanh(z1[n,j]))
yhat[n,k] = softmax[k](sum[j](a1[n,j] * w2[j,k]))
J = mean[n](-log(yhat[n, y[n]]))
v[i,j] <- 0.9 * v[i,j] + δw1[i,j]
w1[i,j] <- w1[i,j] - lr * v[i,j]
minimize J
predict yhat
"""


def test_a_network_is_printed_as_it_was_written() -> None:
    assert str(parse(NETWORK)) == NETWORK


@pytest.mark.parametrize(
    "text",
    [
        "a - b",
        "-a * b / c",
        "a - 2 * b",
        "a / 2 - b / 3",
        "1/2 * a",
        "-a * b / 2",
        "a * 2/3",
        "(a - b) * c",
        "1 / (1 + exp(-a))",
        "a**2 - b**-2",
        "(-a)**2",
        "-a**2",
        "(a**b)**c",
        "a**(b**c)",
        "1e-08 * a",
        "a * (-0.5)",
        "a // b % c",
        "a // (b * c)",
        "-(a // b)",
        "[0 <= a < 5 and not (a == 2 or a == 3)] * b",
        "x[2*a+1, pad(a-b), size(i)-1]",
        "h[t-1,n,j]",
        "p[n, m//25, m//5%5, m%5]",
        "sum[p,r | 2*p + r == a](x[p,r])",
        "[a < b and b > c] * b",
        "where(training, m, mean[n](x[n]))",
        "block3.q[n,t] + δblock3.q[n,t]",
    ],
)
def test_the_usual_way_of_writing_is_kept(text: str) -> None:
    scope = ("i", "n", "t", "m", "j")
    assert expression_text(parse_expression(text, indices=scope)) == text


def test_an_equation_prints_on_a_line_without_its_comment() -> None:
    system = parse("h[t,n] = h[t-1,n] / 2  # half\nh[-1,n] = 1\nh2[t,n] = h[t,n]")
    assert [equation_text(e) for e in system.equations] == [
        "h[t,n] = h[t-1,n] / 2",
        "h[-1,n] = 1",
        "h2[t,n] = h[t,n]",
    ]


def test_the_text_of_a_node_is_its_str() -> None:
    assert str(divide(x, Power(y, Number(2)))) == "x / y**2"
