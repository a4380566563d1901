"""The elementwise functions: one table, a row each.

A row is written in the language itself. `x` and `y` are the arguments and `a`
is the function's own value. A primitive has no `value`: every engine computes
it. Everything else is a formula of primitives, so an engine needs nothing new
for it. To add a function is to add a row.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Function:
    """One elementwise function.

    `derivatives` has one formula for each argument. `kink` is an expression
    whose zero is where the derivative jumps or does not exist; `at_kink` says
    what is taken there. `symbol` is how a textbook writes the name.
    """

    name: str
    derivatives: tuple[str, ...]
    value: str | None = None
    latex: str = r"\operatorname{NAME}"
    symbol: str | None = None
    kink: str | None = None
    at_kink: str | None = None

    @property
    def arity(self) -> int:
        """The number of arguments."""
        return len(self.derivatives)


_ROWS = (
    Function("exp", ("a",), latex=r"\exp"),
    Function("log", ("1 / x",), latex=r"\log"),
    Function("sqrt", ("1 / (2 * a)",), latex=r"\operatorname{sqrt}"),
    Function("sin", ("cos(x)",), latex=r"\sin"),
    Function("cos", ("-sin(x)",), latex=r"\cos"),
    Function("tanh", ("1 - a**2",), latex=r"\tanh"),
    Function("sigmoid", ("a * (1 - a)",), latex=r"\sigma", symbol="σ"),
    Function("erf", ("1.1283791670955126 * exp(-x**2)",)),
    Function("expm1", ("a + 1",)),
    Function("softplus", ("sigmoid(x)",)),
    Function("abs", ("[x > 0] - [x < 0]",), kink="x", at_kink="0"),
    Function("max", ("[x >= y]", "[y > x]"), latex=r"\max", kink="x - y", at_kink="the first"),
    Function("min", ("[x <= y]", "[y < x]"), latex=r"\min", kink="x - y", at_kink="the first"),
    Function("relu", ("[x > 0]",), value="max(0, x)", kink="x", at_kink="0"),
    Function(
        "leaky_relu",
        ("where(x > 0, 1, 0.01)",),
        value="where(x > 0, x, 0.01 * x)",
        kink="x",
        at_kink="0.01",
    ),
    Function("elu", ("where(x > 0, 1, a + 1)",), value="where(x > 0, x, expm1(min(x, 0)))"),
    Function("silu", ("sigmoid(x) * (1 + x * (1 - sigmoid(x)))",), value="x * sigmoid(x)"),
    Function(
        "gelu",
        ("(1 + erf(0.7071067811865476 * x)) / 2 + 0.3989422804014327 * x * exp(-x**2 / 2)",),
        value="x * (1 + erf(0.7071067811865476 * x)) / 2",
    ),
)

FUNCTIONS: dict[str, Function] = {row.name: row for row in _ROWS}

REDUCTIONS = ("sum", "mean", "max", "argmax", "logsumexp")

ALIASES = {"σ": "sigmoid", "Σ": "sum"}

RESERVED = (
    frozenset(FUNCTIONS)
    | frozenset(REDUCTIONS)
    | {
        "batch",
        "given",
        "minimize",
        "noise",
        "pad",
        "param",
        "predict",
        "setting",
        "size",
        "softmax",
        "state",
        "training",
        "where",
    }
)
