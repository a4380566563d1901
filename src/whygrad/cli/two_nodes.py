"""The network of two nodes in a row, as a text, with any cost and any activation."""

from __future__ import annotations

from collections.abc import Mapping, Set

from ..errors import WhygradError, nearest
from ..language.expression import Expression, Index, Reduce, Reference, number
from ..language.functions import FUNCTIONS
from ..language.parsing import parse_equation
from ..network.costs import Output, find_cost
from ..network.layers import Port

OUTPUT = "ŷ"


def two_node_text(
    weights: Mapping[str, float], cost: str, activation: str, *, several: bool
) -> str:
    """The text; with `several` samples every tensor has the index n, and J is their mean.

    Raises WhygradError for an unknown cost or activation, and where the two do not fit.
    """
    known = [f.name for f in FUNCTIONS.values() if f.arity == 1]
    if activation not in known:
        raise WhygradError(f"unknown activation {activation!r}; {nearest(activation, known)}")
    n = "[n]" if several else ""
    f = "σ" if activation == "sigmoid" else activation
    params = [f"{name} ~ constant({number(value)})" for name, value in weights.items()]
    lines = [
        f"given x{n}, y{n}",
        *(["batch n"] if several else []),
        *(f"param {', '.join(params[i : i + 2])}" for i in range(0, len(params), 2)),
        f"z1{n} = w1 * x{n} + b1",
        f"a1{n} = {f}(z1{n})",
        f"z2{n} = w2 * a1{n} + b2",
        f"{OUTPUT}{n} = {f}(z2{n})",
        *_cost_lines(cost, activation, {"k"} if several else {"k", "n"}),
        "minimize J",
        f"predict {OUTPUT}",
    ]
    return "\n".join(lines)


def _cost_lines(cost: str, activation: str, dropped: Set[str]) -> list[str]:
    """The cost's own equations, without the indices of which there is only one value."""
    lines = []
    for text in find_cost(cost)(Output(Port("z2", "k"), activation, 1)).equations:
        equation = parse_equation(text)
        left = _without(Reference(equation.name, equation.subscripts), dropped)
        lines.append(f"{left} = {_without(equation.value, dropped)}")
    return lines


def _without(e: Expression, dropped: Set[str]) -> Expression:
    """The expression without some indices, and with the output under the tour's name."""
    if isinstance(e, Reduce):
        kept = tuple(i for i in e.indices if i not in dropped)
        body = _without(e.body, dropped)
        return Reduce(e.operation, kept, e.condition, body) if kept else body
    if isinstance(e, Reference):
        left = (s for s in e.subscripts if not (isinstance(s, Index) and s.name in dropped))
        return Reference(OUTPUT if e.tensor == "yhat" else e.tensor, tuple(left))
    return e.map(lambda child: _without(child, dropped))
