"""How derivations and explanations are written for reading."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from html import escape

from ..calculus.partial import Factor
from ..errors import WhygradError
from ..language.expression import Add, Expression, Reference
from .explanation import Explanation, Operand, Term

_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def number_text(value: float, digits: int = 4) -> str:
    """A number for reading: four significant digits and a true minus."""
    return f"{value:.{digits}g}".replace("-", "−")


def math_text(e: Expression) -> str:
    """An expression as on paper: a·b, a², −a."""
    text = re.sub(r"\*\*(\d+)\b(?!\.)", lambda m: m[1].translate(_SUPERSCRIPTS), str(e))
    text = re.sub(r"size\((\w+)\)", lambda m: m[1].upper(), text)
    return text.replace(" * ", " · ").replace("-", "−")


def operand_text(f: Factor) -> str:
    """A factor as it stands in a product: σ'(z2[17]), (1 − a1[17,2]²), w2[2,1]."""
    if f.name is not None:
        return f"{f.name}({', '.join(map(math_text, f.arguments))})"
    text = math_text(f.expression)
    return f"({text})" if isinstance(f.expression, Add) else text


def sum_sign(indices: Sequence[str], condition: Expression | None) -> str:
    """Σ with what it runs over, or nothing."""
    if not indices:
        return ""
    under = ",".join(indices)
    return f"Σ_{under} " if condition is None else f"Σ_{{{under} | {math_text(condition)}}} "


def derivative_title(cost: str, tensor: str, at: tuple[Expression, ...]) -> str:
    """∂J/∂w1[0,2]."""
    return f"∂{cost}/∂{math_text(Reference(tensor, at))}"


def explanation_text(e: Explanation, terms: int = 3, depth: int = 2) -> str:
    """The explanation with its largest terms, and the derivatives in the largest term opened."""
    return "\n".join(_lines(e, terms, depth))


def _lines(e: Explanation, terms: int, depth: int) -> list[str]:
    head = f"{e.title} = {e.formula} = {number_text(e.value)}"
    lines = [_spread(head, _count_text(e.count))]
    if e.note:
        lines.append(f"  {e.note}")
    for place, term in enumerate(e.terms[:terms]):
        lines.append("  " + _term_line(term, e.count))
        if depth > 1 and place == 0:
            lines += ["    " + line for line in _below(term, terms, depth - 1)]
    others = e.count - min(terms, len(e.terms))
    if others > 0:
        rest = e.rest + math.fsum(t.value for t in e.terms[terms:])
        what = "the other term" if others == 1 else f"the other {others} terms together"
        lines.append(f"  {what}: {number_text(rest)}")
    return lines


def _below(term: Term, terms: int, depth: int) -> list[str]:
    """What the largest term is made of: its own sum, or the derivatives among its factors."""
    try:
        return _lines(term.why(), terms, depth)
    except WhygradError:
        opened = [f for f in term.factors if f.expand is not None]
    return [line for f in opened for line in _lines(f.why(), terms, depth)]


def _term_line(t: Term, count: int) -> str:
    label = f"{t.label}    " if t.label else ""
    if not t.factors:
        body = number_text(t.value)
    else:
        product = " · ".join(f.text for f in t.factors)
        values = " · ".join(_operand_value(f) for f in t.factors)
        body = f"{product} = {values}"
        if len(t.factors) > 1:
            body += f" = {number_text(t.value)}"
    share = f"({100 * t.share:.0f} % of the magnitude)" if count > 1 else ""
    return _spread(f"{label}{body}", share)


def _operand_value(f: Operand) -> str:
    text = number_text(f.value)
    return f"({text})" if text.startswith("−") else text


def _count_text(count: int) -> str:
    return "1 term" if count == 1 else f"{count} terms"


def _spread(left: str, right: str, width: int = 72) -> str:
    return f"{left.ljust(width)}    {right}".rstrip()


def explanation_html(e: Explanation) -> str:
    """The explanation for a notebook: opened by a click, the first level open."""
    rows = "".join(
        f"<tr><td>{escape(t.label)}</td>"
        f"<td>{escape(' · '.join(f.text for f in t.factors))}</td>"
        f"<td>{escape(' · '.join(_operand_value(f) for f in t.factors))}</td>"
        f"<td style='text-align:right'>{number_text(t.value)}</td>"
        f"<td style='text-align:right'>{100 * t.share:.0f} %</td></tr>"
        for t in e.terms
    )
    others = e.count - len(e.terms)
    if others:
        rows += (
            f"<tr><td colspan='3'>the other {others} terms together</td>"
            f"<td style='text-align:right'>{number_text(e.rest)}</td><td></td></tr>"
        )
    note = f"<p>{escape(e.note)}</p>" if e.note else ""
    head = f"{e.title} = {e.formula} = {number_text(e.value)}"
    return (
        f"<details open><summary><code>{escape(head)}</code></summary>{note}"
        f"<table><thead><tr><th></th><th>factors</th><th>values</th><th>term</th>"
        f"<th>share</th></tr></thead><tbody>{rows}</tbody></table></details>"
    )
