"""How explanations, reports and verdicts show in a notebook: HTML and LaTeX."""

from __future__ import annotations

from html import escape

from ..calculus.chain import Link
from ..calculus.display import as_written
from ..language.latex import expression_latex
from .display import number_text, operand_value, share_text
from .explanation import Correction, Explanation, Term
from .report import Report
from .verdict import Verdict

_RIGHT = " style='text-align:right'"


def explanation_html(e: Explanation, depth: int = 2) -> str:
    """Nested tables that open with a click: the first level open, those of its terms below."""
    head = f"{e.title} = {e.formula} = {number_text(e.value)}"
    rows = "".join(_row(t) for t in e.terms)
    others = e.count - len(e.terms)
    if others:
        what = "the other term" if others == 1 else f"the other {others} terms together"
        rest = f"<td{_RIGHT}>{number_text(e.rest)}</td>"
        rows += f"<tr><td colspan='3'>{what}</td>{rest}<td></td></tr>"
    note = f"<p>{escape(e.note)}</p>" if e.note else ""
    names = ("", "factors", "values", "term", "share")
    heads = "".join(f"<th>{name}</th>" for name in names)
    below = ""
    if depth > 1:
        inner = [f.why() for t in e.opened for f in t.factors if f.expand is not None]
        inner += [t.why() for t in e.opened if t.expand is not None]
        below = "".join(explanation_html(i, depth - 1) for i in inner)
    state = " open" if depth > 1 else ""
    return (
        f"<details{state}><summary><code>{escape(head)}</code></summary>{note}"
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>{below}</details>"
    )


def correction_html(e: Correction) -> str:
    """What a step did to an element, and below it why."""
    return f"<p>{escape(e.headline)}</p>{explanation_html(e)}"


def _row(t: Term) -> str:
    factors = escape(" · ".join(f.text for f in t.factors))
    values = escape(" · ".join(map(operand_value, t.factors)))
    return (
        f"<tr><td>{escape(t.label)}</td><td>{factors}</td><td>{values}</td>"
        f"<td{_RIGHT}>{number_text(t.value)}</td><td{_RIGHT}>{share_text(t.share)}</td></tr>"
    )


def report_html(r: Report) -> str:
    """A table with a row for each tensor, and the entries to look at below it."""
    rows = "".join(
        f"<tr><td>{escape(c.name)}</td><td{_RIGHT}>{c.compared} of {c.total}</td>"
        f"<td{_RIGHT}>{number_text(c.worst, 2)}</td><td>{c.state}</td></tr>"
        for c in r.results
    )
    details = "".join(f"<li>{escape(d)}</li>" for c in r.results for d in c.details)
    heads = "".join(f"<th>{name}</th>" for name in ("", "compared", "largest error", ""))
    return (
        f"<p>{escape(r.method)}: <b>{r.verdict}</b></p>"
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table><ul>{details}</ul>"
    )


def verdict_html(v: Verdict) -> str:
    """The verdict, its reasons, and the derivative where the attempt is not right."""
    reasons = "".join(f"<li>{escape(r)}</li>" for r in v.reasons)
    derived = "" if v.right else f"<pre>{escape(v.expected)}\n{escape(v.simplified)}</pre>"
    equation = escape(v.equation)
    return f"<p><b>{v.headline}</b>: <code>{equation}</code></p><ul>{reasons}</ul>{derived}"


def explanation_latex(e: Explanation, terms: int = 3) -> str:
    """The chain rule, then its largest terms and the others together, then the value."""
    element = expression_latex(e.target)
    part = rf" \Big|_{{\text{{{e.part}}}}}" if e.part else ""
    formula = expression_latex(as_written(Link("", "", (), e.contributions)).value)
    title = rf"\frac{{\partial {e.cost}}}{{\partial {element}}}" if e.cost else rf"\Delta {element}"
    rows = [f"{title}{part} &= {formula}"]
    shown = [t.value for t in e.terms[:terms]]
    others = e.count - len(shown)
    if others or len(shown) > 1:
        row = " + ".join(_bracketed(value) for value in shown)
        if others:
            rest = e.rest + sum(t.value for t in e.terms[terms:])
            row += rf" + \underbrace{{{number_latex(rest)}}}_{{\text{{{others} more}}}}"
        rows.append(f"&= {row}")
    rows.append(f"&= {number_latex(e.value)}")
    body = " \\\\\n".join(rows)
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"


def number_latex(value: float) -> str:
    """A number for LaTeX: 2.037 \\cdot 10^{-5}."""
    text = number_text(value).replace("−", "-")
    mantissa, e, exponent = text.partition("e")
    return rf"{mantissa} \cdot 10^{{{exponent}}}" if e else mantissa


def _bracketed(value: float) -> str:
    text = number_latex(value)
    return f"({text})" if text.startswith("-") else text
