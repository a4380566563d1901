"""How explanations are written for reading."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from ..calculus.chain import Contribution
from ..calculus.partial import Factor
from ..language.expression import Add, Expression, Reference
from .explanation import Correction, Explanation, Operand, Term

_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_WIDTH = 76
_DIGITS = 4
_LONGEST_CHAIN = 8


def number_text(value: float, digits: int = _DIGITS) -> str:
    """A number for reading: four significant digits and a true minus, but no minus before 0."""
    text = f"{value + 0.0:.{digits}g}"
    text = re.sub(r"e([+-])0*(\d+)", lambda m: f"e{m[1].replace('+', '')}{m[2]}", text)
    return text.replace("-", "−")


def math_text(e: Expression) -> str:
    """An expression as on paper: a·b, a², −a, N for size(n)."""
    text = re.sub(r"\*\*(\d+)\b(?!\.)", lambda m: m[1].translate(_SUPERSCRIPTS), str(e))
    text = re.sub(r"size\((\w+)\)", lambda m: _size_text(m[1]), text)
    return text.replace(" * ", " · ").replace(" / ", "/").replace("-", "−")


def _size_text(index: str) -> str:
    """N for n; |j| for j, since J is the usual name of the cost."""
    return index.upper() if len(index) == 1 and index != "j" else f"|{index}|"


def operand_text(f: Factor) -> str:
    """A factor as it stands in a product: σ'(z2[17]), (1 − a1[17,2]²), w2[2,1]."""
    if f.name is not None:
        return f"{f.name}({', '.join(map(math_text, f.arguments))})"
    text = math_text(f.expression)
    return f"({text})" if isinstance(f.expression, Add) or text.startswith("−") else text


def sum_sign(indices: Sequence[str], condition: Expression | None) -> str:
    """Σ with what it runs over, or nothing."""
    if not indices:
        return ""
    under = ",".join(indices)
    return f"Σ_{under} " if condition is None else f"Σ_{{{under} | {math_text(condition)}}} "


def title_text(e: Explanation) -> str:
    """∂J/∂w1[0,2] or Δw1[0,2], and which part of it."""
    element = element_text(e.target)
    title = f"∂{e.cost}/∂{element}" if e.cost else f"Δ{element}"
    return f"{title} ({e.part})" if e.part else title


def element_text(e: Reference) -> str:
    """w1[0,2], without spaces."""
    return math_text(e).replace(", ", ",")


def formula_text(contributions: Sequence[Contribution]) -> str:
    """Σ_n δz1[n,2] · x[n,0], or a sum of several such sums."""
    return " + ".join(map(_contribution_text, contributions)) or "0"


def _contribution_text(c: Contribution) -> str:
    product = " · ".join(operand_text(f) for f in c.factors) or "1"
    return f"{sum_sign(c.indices, c.condition)}{product}"


def explanation_text(e: Explanation, terms: int = 3, depth: int = 2) -> str:
    """The explanation with its largest terms, and the derivatives in the largest term opened."""
    return _aligned(list(_lines(e, f"{e.title} = ", terms, depth, _LONGEST_CHAIN)))


def correction_text(e: Correction) -> str:
    """What a step did to an element, and below it why."""
    return f"{headline_text(e)}\n{explanation_text(e)}"


def headline_text(e: Correction) -> str:
    """w1[0,2] in step 40: 0.5312 → 0.5298, a correction of −0.001402."""
    digits = _DIGITS
    if e.before and e.value:  # as many as it takes to see the correction
        digits += min(max(0, math.floor(math.log10(abs(e.before / e.value))) - 2), 12)
    before, after = (number_text(v, digits) for v in (e.before, e.after))
    element = element_text(e.target)
    return f"{element} in step {e.step}: {before} → {after}, a correction of {number_text(e.value)}"


def _aligned(lines: list[tuple[str, str]]) -> str:
    """The lines, what stands on their right in one column."""
    column = max((len(left) for left, right in lines if right and len(left) <= _WIDTH), default=0)
    return "\n".join(f"{left.ljust(column)}    {right}" if right else left for left, right in lines)


Lines = Iterator[tuple[str, str]]
"""What stands on the left and on the right of each line."""


def _lines(e: Explanation, left: str, terms: int, depth: int, chain: int) -> Lines:
    only = next((t for t in e.terms if e.count == 1 and not t.label), None)
    value = _term_text(only) if only else number_text(e.value)
    yield from _head(left, e, value, "" if only else _count_text(e.count))
    if e.note:
        yield f"  {e.note}", ""
    if not _closes(e):
        yield f"  the terms add up to {number_text(e.total)}, not to the value", ""
    if only:
        yield from _below(only, terms, depth, chain - 1, "  ")
        return
    shown = max(terms, len(e.opened))
    listed = e.terms[:shown]
    named = all(len(_term_line(t, True)) <= _WIDTH for t in listed)
    for place, term in enumerate(listed):
        yield f"  {_term_line(term, named)}", _share_text(term.share) if e.count > 1 else ""
        if place < len(e.opened):
            yield from _below(term, terms, depth - 1, chain - 1, "    ")
    others = e.count - len(listed)
    if others:
        rest = e.rest + math.fsum(t.value for t in e.terms[shown:])
        what = "the other term" if others == 1 else f"the other {others} terms together"
        yield f"  {what}: {number_text(rest)}", ""


def _head(left: str, e: Explanation, value: str, right: str) -> Lines:
    """The chain rule and the value, on several lines where they do not fit on one."""
    indent = " " * (len(left) - 2)
    if not e.contributions:
        yield f"{left}{value}", right
        return
    if len(f"{left}{e.formula} = {value}") <= _WIDTH:
        yield f"{left}{e.formula} = {value}", right
        return
    for place, c in enumerate(e.contributions):
        yield f"{f'{indent}+ ' if place else left}{formula_text([c])}", ""
    yield f"{indent}= {value}", right


def _below(term: Term, terms: int, depth: int, chain: int, indent: str) -> Lines:
    """What the largest term is made of: its own sum, or the derivatives among its factors."""
    if depth < 1 or chain < 1:
        return
    opened = [(f.why(), f"{f.text} = ") for f in term.factors if f.expand is not None]
    if term.expand is not None:
        opened.append((term.why(), "= "))
    for e, left in opened:
        yield from ((indent + a, b) for a, b in _lines(e, left, terms, depth, chain))


def _closes(e: Explanation) -> bool:
    return not math.isfinite(e.value) or abs(e.difference) <= 1e-12 * e.magnitude


def _term_line(t: Term, named: bool) -> str:
    """A term with the names of its factors, or with their values alone."""
    label = f"{t.label}    " if t.label else ""
    product = " · ".join(f.text for f in t.factors)
    names = f"{product} = " if product and named else ""
    return f"{label}{names}{_term_text(t)}"


def _term_text(t: Term) -> str:
    """The values of the factors and of their product: 0.0015 · (−1.37) = −0.0021."""
    values = " · ".join(map(operand_value, t.factors))
    if len(t.factors) < 2:
        return number_text(t.value)
    return f"{values} = {number_text(t.value)}"


def operand_value(f: Operand) -> str:
    """A value as it stands in a product: a negative one in brackets."""
    text = number_text(f.value)
    return f"({text})" if text.startswith("−") else text


def _count_text(count: int) -> str:
    return "1 term" if count == 1 else f"{count} terms"


def share_text(share: float) -> str:
    """A share in percent: 57 %, 3 %, 0.2 %."""
    percent = 100 * share
    if percent >= 1 or not percent:
        return f"{percent:.0f} %"
    return f"{percent:.1g} %" if percent >= 0.01 else "< 0.01 %"


def _share_text(share: float) -> str:
    return f"({share_text(share)} of the magnitude)"
