"""How a derivation is written for reading: forward, then each derivative from the cost up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from ..language.expression import references
from ..language.latex import equation_latex, expression_latex
from ..language.printing import equation_text
from ..language.system import Equation
from .chain import Link
from .partial import Factor
from .route import is_activation, whiteboard

if TYPE_CHECKING:
    from .derivation import Derivation


def derivation_text(d: Derivation) -> str:
    """Every equation and every derivative: by the chain rule, and simplified below it."""
    lines = ["forward"]
    lines += [f"  {equation_text(e)}" for e in d.named.equations]
    lines += ["", f"backward, from the cost upstream: {d.mark}t stands for ∂{d.cost}/∂t"]
    for link in read_links(d):
        written = equation_text(as_written(link))
        left, chain = written.split(" = ", 1)
        simplified = equation_text(d.simplified(link)).split(" = ", 1)[1]
        lines.append(f"  {written}")
        if simplified != chain:
            lines.append(f"  {' ' * len(left)} = {simplified}")
    return "\n".join(lines)


def derivation_latex(d: Derivation) -> str:
    """The same as LaTeX, an aligned environment."""
    rows = [_aligned(equation_latex(e)) for e in d.named.equations]
    for link in read_links(d):
        written = _aligned(equation_latex(as_written(link)))
        simplified = expression_latex(d.simplified(link).value)
        rows.append(written)
        if not written.endswith(f"= {simplified}"):
            rows.append(f"&= {simplified}")
    body = " \\\\\n".join(rows)
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"


def read_links(d: Derivation) -> Iterator[Link]:
    """The links as they stand on a whiteboard, without the activations that all pass through."""
    written = [whiteboard(d, link) for link in d.links]
    stops = [k for k in written if k.tensor in d.wanted or not is_activation(d, k.tensor)]
    mentioned = {r.tensor for k in stops for r in references(k.equation.value)}
    for link in written:
        if link in stops or link.name in mentioned:
            yield link


def as_written(link: Link) -> Equation:
    """The link with its factors under their textbook names, σ'(z2[n]): for reading only."""
    written = [
        replace(c, factors=tuple(Factor(f.written) for f in c.factors)) for c in link.contributions
    ]
    return replace(link, contributions=tuple(written)).equation


def _aligned(equation: str) -> str:
    return equation.replace(" = ", " &= ", 1)
