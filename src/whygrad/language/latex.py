r"""A system as LaTeX, as a lecturer would write it.

`w1[i,j]` becomes w^{(1)}_{ij}, `yhat` a hat over y, `size(n)` N, and a
division a fraction. Any LaTeX with amsmath sets it, and MathJax and KaTeX do.
"""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction
from itertools import pairwise

from .expression import (
    MINUS_ONE,
    Add,
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
    Training,
    Where,
    number,
)
from .functions import ALIASES, FUNCTIONS
from .printing import (
    AND,
    ATOM,
    COMPARE,
    NOT,
    OR,
    POWER,
    PRODUCT,
    SUM,
    is_reciprocal,
    is_unit_part,
    linked,
    number_text,
    without_minus,
)
from .system import Equation, System, Update

RELATIONS = {"==": "=", "!=": r"\neq", "<": "<", "<=": r"\leq", ">": ">", ">=": r"\geq"}
ACCENTS = {"\u0302": "hat", "\u0304": "bar", "\u0303": "tilde", "\u0307": "dot"}
# Functions that are drawn around their argument.
DRAWN = {
    "sqrt": (r"\sqrt{", "}"),
    "abs": (r"\left\lvert ", r" \right\rvert"),
}
GREEK = (
    "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|lambda|kappa|mu|nu|xi|pi|rho|sigma|tau|phi|chi|"
    "psi|omega|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Phi|Psi|Omega"
)


def expression_latex(e: Expression) -> str:
    """The expression as LaTeX, for math mode."""
    return _latex(e, OR)


def equation_latex(e: Equation | Update) -> str:
    r"""One equation, or an update with \leftarrow in the place of =."""
    return "".join(_sides(e))


def system_latex(s: System) -> str:
    """All equations and updates, in the author's order, aligned at their signs."""
    rows = [
        " &".join(side.strip() for side in _sides(e))
        for e in s.statements
        if isinstance(e, Equation | Update)
    ]
    return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"


def name_latex(name: str) -> str:
    r"""A tensor's name: `δw1` as \delta w^{(1)}, `yhat` as \hat{y}, `block3.q` as \text{...}."""
    rest = name.lstrip("δ")
    if not rest:
        return _symbol(name)
    deltas = r"\delta " * (len(name) - len(rest))
    stem, digits = _parts(rest)
    layer = f"^{{({digits})}}" if digits else ""
    return f"{deltas}{_symbol(stem)}{layer}"


def _parts(name: str) -> tuple[str, str]:
    """`w12` in two: what it is, and the number behind it."""
    found = re.fullmatch(r"([^\d_.]+)(\d+)", name)
    return (found[1], found[2]) if found else (name, "")


def _symbol(stem: str) -> str:
    if re.fullmatch(GREEK, stem):
        return f"\\{stem}"
    accented = re.fullmatch(r"(.)(hat|bar|tilde|dot)", stem)
    if accented:
        return f"\\{accented[2]}{{{_letter(accented[1])}}}"
    plain = unicodedata.normalize("NFD", stem)
    if len(plain) == 2 and plain[1] in ACCENTS:
        return f"\\{ACCENTS[plain[1]]}{{{_letter(plain[0])}}}"
    if len(stem) == 1:
        return _letter(stem)
    return r"\text{" + stem.replace("_", r"\_") + "}"


def _letter(letter: str) -> str:
    """One letter; a Greek one by its command, where LaTeX has one."""
    words = unicodedata.name(letter, "").split()
    if len(words) == 4 and words[0] == "GREEK":
        command = words[3].lower() if words[1] == "SMALL" else words[3].title()
        command = command.replace("amda", "ambda")  # Unicode spells it LAMDA
        if re.fullmatch(GREEK, command):
            return f"\\{command}"
    return r"\_" if letter == "_" else letter


def _index(name: str) -> str:
    stem, digits = _parts(name)
    return f"{_symbol(stem)}_{{{digits}}}" if digits else _symbol(stem)


def _size(index: str) -> str:
    # J is the usual name of the cost, so the size of j is not written as J.
    if len(index) == 1 and index != "j" and index.isascii() and index.islower():
        return index.upper()
    return rf"\lvert {_index(index)} \rvert"


def _sides(e: Equation | Update) -> tuple[str, str]:
    if isinstance(e, Update):
        left = _element(e.name, tuple(Index(i) for i in e.indices))
        return left, rf" \leftarrow {expression_latex(e.value)}"
    return _element(e.name, e.subscripts), f" = {expression_latex(e.value)}"


def _element(name: str, subscripts: tuple[Expression, ...]) -> str:
    if not subscripts:
        return name_latex(name)
    letters = all(isinstance(s, Index) and len(s.name) == 1 for s in subscripts)
    inner = ("" if letters else ",").join(_latex(s, OR) for s in subscripts)
    return f"{name_latex(name)}_{{{inner}}}"


def _latex(e: Expression, place: int) -> str:
    """The LaTeX of `e` where what binds less tightly than `place` is put in brackets."""
    text, level = _form(e)
    return text if level >= place else _round(text)


def _round(text: str) -> str:
    return rf"\left({text}\right)"


def _form(e: Expression) -> tuple[str, int]:
    """The LaTeX of `e`, and how tightly it binds."""
    match e:
        case Number():
            return _number(e)
        case Add():
            return _sum(e), SUM
        case Multiply():
            return _product(e), PRODUCT
        case Power():
            return _power(e)
        case Modulo():
            return rf"{_latex(e.left, PRODUCT)} \bmod {_latex(e.right, POWER)}", PRODUCT
        case Compare():
            sides = [_latex(side, SUM) for side in (e.left, e.right)]
            return f" {RELATIONS[e.operator]} ".join(sides), COMPARE
        case Logic():
            return _logic(e)
        case Reduce():
            return _reduction(e)
        case Where():
            cases = (
                rf"{expression_latex(e.yes)} & \text{{if }} {expression_latex(e.condition)} \\ "
                rf"{expression_latex(e.no)} & \text{{otherwise}}"
            )
            return rf"\begin{{cases}} {cases} \end{{cases}}", PRODUCT
        case _:
            return _atom(e), ATOM


def _atom(e: Expression) -> str:
    match e:
        case Index():
            return _index(e.name)
        case Size():
            return _size(e.index)
        case Training():
            return r"\text{training}"
        case Reference():
            return _element(e.tensor, e.subscripts)
        case Pad():
            return rf"\operatorname{{pad}}{_round(expression_latex(e.subscript))}"
        case FloorDivide():
            fraction = rf"\frac{{{expression_latex(e.left)}}}{{{expression_latex(e.right)}}}"
            return rf"\left\lfloor {fraction} \right\rfloor"
        case Call():
            return _call(e)
        case Softmax():
            below = _below(e.indices, e.condition)
            return rf"\operatorname{{softmax}}_{{{below}}}{_round(expression_latex(e.body))}"
        case Bracket():
            return rf"\left[ {expression_latex(e.condition)} \right]"
        case _:
            raise TypeError(f"{type(e).__name__} is no expression of the language")


def _number(e: Number) -> tuple[str, int]:
    value = e.value
    if isinstance(value, Fraction):
        sign = "-" if value < 0 else ""
        return rf"{sign}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}", PRODUCT
    digits, _, exponent = number_text(value).partition("e")
    if exponent:
        factor = "" if digits == "1" else "-" if digits == "-1" else rf"{digits} \times "
        return f"{factor}10^{{{int(exponent)}}}", PRODUCT
    return digits, PRODUCT if value < 0 else ATOM


def _sum(e: Add) -> str:
    text = _latex(e.terms[0], PRODUCT)
    for term in e.terms[1:]:
        positive = without_minus(term)
        sign = "+" if positive is None else "-"
        text += f" {sign} {_latex(positive or term, PRODUCT)}"
    return text


def _product(e: Multiply) -> str:
    """Factors in the author's order; what stands before a division is its numerator."""
    factors = list(e.factors)
    sign = ""
    first = factors[0]
    if isinstance(first, Number) and is_unit_part(first):
        factors = [*factors[1:], number(-first.value)]
        sign = "-"
    elif first == MINUS_ONE:
        factors = factors[1:]
        sign = "-"
    done: list[str] = []
    above: list[Expression] = []
    below: list[Expression] = []
    for factor in factors:
        top, bottom = _fraction(factor)
        if top is not None and below:
            done.append(_divided(above, below))
            above, below = [], []
        if top is not None:
            above.append(top)
        if bottom is not None:
            below.append(bottom)
    done.append(_divided(above, below) if below else _row(above))
    return sign + r" \, ".join(done)


def _fraction(e: Expression) -> tuple[Expression | None, Expression | None]:
    """What a factor puts above and below the line."""
    if isinstance(e, Power) and is_reciprocal(e):
        return None, e.base
    if isinstance(e, Number) and isinstance(e.value, Fraction):
        top, bottom = e.value.as_integer_ratio()
        return (None if top == 1 else Number(top)), Number(bottom)
    return e, None


def _divided(above: list[Expression], below: list[Expression]) -> str:
    top = "1" if not above else expression_latex(above[0]) if len(above) == 1 else _row(above)
    bottom = expression_latex(below[0]) if len(below) == 1 else _row(below)
    return rf"\frac{{{top}}}{{{bottom}}}"


def _row(factors: list[Expression]) -> str:
    """Factors side by side; a reduction reaches to the end, so only the last may be a bare one."""
    text = ""
    last = len(factors) - 1
    for n, factor in enumerate(factors):
        bare = (n == 0 and isinstance(factor, Number)) or (n == last and isinstance(factor, Reduce))
        part = _latex(factor, PRODUCT if bare else POWER)
        text += (r" \cdot " if part[0].isdigit() else r" \, ") + part if n else part
    return text


def _power(e: Power) -> tuple[str, int]:
    if is_reciprocal(e):
        return rf"\frac{{1}}{{{expression_latex(e.base)}}}", PRODUCT
    exponent = expression_latex(e.exponent)
    if isinstance(e.exponent, Number):
        exponent = number_text(e.exponent.value)
        if isinstance(e.base, Call) and exponent.isdigit() and e.base.function not in DRAWN:
            return _call(e.base, power=f"^{{{exponent}}}"), POWER
    base = _latex(e.base, ATOM)
    layered = isinstance(e.base, Reference) and "^" in name_latex(e.base.tensor)
    if layered or isinstance(e.base, Call | Softmax | Reduce):
        base = _round(expression_latex(e.base))
    return f"{base}^{{{exponent}}}", POWER


def _function_name(name: str) -> str:
    """A function from the table, or its derivative: σ'."""
    base, prime, argument = name.partition("'")
    base = ALIASES.get(base, base)
    latex = FUNCTIONS[base].latex.replace("NAME", base.replace("_", r"\_"))
    place = argument.translate(str.maketrans("₁₂", "12"))
    return latex + prime + (f"_{{{place}}}" if place else "")


def _call(e: Call, power: str = "") -> str:
    arguments = ", ".join(expression_latex(a) for a in e.arguments)
    if e.function in DRAWN:
        before, after = DRAWN[e.function]
        return f"{before}{arguments}{after}"
    name = _function_name(e.function)
    return f"{name}{power}{_round(arguments)}"


def _reduction(e: Reduce) -> tuple[str, int]:
    below = _below(e.indices, e.condition)
    body = _latex(e.body, PRODUCT)
    body = _round(body) if body.startswith("-") else body
    match e.operation:
        case "sum":
            return rf"\sum_{{{below}}} {body}", PRODUCT
        case "mean" if e.condition is None:
            count = r" \, ".join(_size(i) for i in e.indices)
            return rf"\frac{{1}}{{{count}}} \sum_{{{below}}} {body}", PRODUCT
        case "logsumexp":
            return rf"\log \sum_{{{below}}} \exp{_round(expression_latex(e.body))}", PRODUCT
    name = {"max": r"\max", "argmax": r"\operatorname*{arg\,max}"}.get(
        e.operation, rf"\operatorname*{{{e.operation}}}"
    )
    return rf"{name}_{{{below}}}{_round(expression_latex(e.body))}", ATOM


def _below(indices: tuple[str, ...], condition: Expression | None) -> str:
    names = ",".join(_index(i) for i in indices)
    return names if condition is None else rf"\substack{{{names} \\ {expression_latex(condition)}}}"


def _logic(e: Logic) -> tuple[str, int]:
    if e.operator == "not":
        return rf"\lnot {_latex(e.arguments[0], ATOM)}", NOT
    if e.operator == "or":
        return r" \lor ".join(_latex(a, AND) for a in e.arguments), OR
    texts = [_latex(e.arguments[0], NOT)]
    for before, after in pairwise(e.arguments):
        if linked(before, after) and isinstance(after, Compare):
            texts[-1] += f" {RELATIONS[after.operator]} {_latex(after.right, SUM)}"
        else:
            texts.append(_latex(after, NOT))
    return r" \land ".join(texts), AND
