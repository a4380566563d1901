"""LaTeX as a lecturer would write it, and always well formed."""

from __future__ import annotations

import re

import pytest

from whygrad.language.functions import FUNCTIONS
from whygrad.language.latex import (
    equation_latex,
    expression_latex,
    name_latex,
    system_latex,
)
from whygrad.language.parsing import parse, parse_equation, parse_expression


@pytest.mark.parametrize(
    ("equation", "latex"),
    [
        (
            "z1[n,j] = sum[i](x[n,i] * w1[i,j]) + b1[j]",
            r"z^{(1)}_{nj} = \sum_{i} x_{ni} \, w^{(1)}_{ij} + b^{(1)}_{j}",
        ),
        ("a1[n,j] = σ(z1[n,j])", r"a^{(1)}_{nj} = \sigma\left(z^{(1)}_{nj}\right)"),
        (
            "yhat[n,k] = softmax[k](z2[n,k])",
            r"\hat{y}_{nk} = \operatorname{softmax}_{k}\left(z^{(2)}_{nk}\right)",
        ),
        (
            "J = mean[n](-log(yhat[n, y[n]]))",
            r"J = \frac{1}{N} \sum_{n} \left(-\log\left(\hat{y}_{n,y_{n}}\right)\right)",
        ),
        (
            "δz2[n,k] = (ŷ[n,k] - [k == y[n]]) / size(n)",
            r"\delta z^{(2)}_{nk} = \frac{\hat{y}_{nk} - \left[ k = y_{n} \right]}{N}",
        ),
        (
            "δz1[n,j] = sum[k](δz2[n,k] * w2[j,k]) * (1 - a1[n,j]**2)",
            r"\delta z^{(1)}_{nj} = \left(\sum_{k} \delta z^{(2)}_{nk} \, w^{(2)}_{jk}\right)"
            r" \, \left(1 - \left(a^{(1)}_{nj}\right)^{2}\right)",
        ),
        (
            "δx[n,a] = sum[p,r | 2*p + r == a](δz[n,p] * w[r])",
            r"\delta x_{na} = \sum_{\substack{p,r \\ 2 \, p + r = a}} \delta z_{np} \, w_{r}",
        ),
        (
            "r[n] = where(x[n] > 0, x[n], 0.01 * x[n])",
            r"r_{n} = \begin{cases} x_{n} & \text{if } x_{n} > 0 \\ "
            r"0.01 \, x_{n} & \text{otherwise} \end{cases}",
        ),
        (
            "h[t,n] = tanh(u * h[t-1,n])**2 / 2",
            r"h_{tn} = \frac{\tanh^{2}\left(u \, h_{t - 1,n}\right)}{2}",
        ),
        ("h[-1,n] = 0", r"h_{-1,n} = 0"),
        (
            "p[n,m] = q[n, m//25, m%5]",
            r"p_{nm} = q_{n,\left\lfloor \frac{m}{25} \right\rfloor,m \bmod 5}",
        ),
        (
            "s = 1 / (1 + exp(-a)) - b / 3",
            r"s = \frac{1}{1 + \exp\left(-a\right)} - \frac{b}{3}",
        ),
        (
            "w = m / (sqrt(v) + eps) * lr * 1e-8",
            r"w = \frac{m}{\sqrt{v} + \text{eps}} \, \text{lr} \, \left(10^{-8}\right)",
        ),
        (
            "L = logsumexp[k](z[k]) + max[k](z[k]) - 1/size(j)",
            r"L = \log \sum_{k} \exp\left(z_{k}\right) + \max_{k}\left(z_{k}\right)"
            r" - \frac{1}{\lvert j \rvert}",
        ),
        (
            "c[i] = [0 <= i < 5 and not i == 3] * abs(x[i])",
            r"c_{i} = \left[ 0 \leq i < 5 \land \lnot \left(i = 3\right) \right]"
            r" \, \left\lvert x_{i} \right\rvert",
        ),
    ],
)
def test_textbook_equations(equation: str, latex: str) -> None:
    assert equation_latex(parse_equation(equation)) == latex


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("J", "J"),
        ("w12", "w^{(12)}"),
        ("δw1", r"\delta w^{(1)}"),
        ("δδw", r"\delta \delta w"),
        ("ŷ", r"\hat{y}"),
        ("xbar", r"\bar{x}"),
        ("x̄2", r"\bar{x}^{(2)}"),
        ("μ", r"\mu"),
        ("Λ", r"\Lambda"),
        ("lambda_", r"\text{lambda\_}"),
        ("beta", r"\beta"),
        ("running_m", r"\text{running\_m}"),
        ("block3.q", r"\text{block3.q}"),
    ],
)
def test_names(name: str, latex: str) -> None:
    assert name_latex(name) == latex


def test_a_system_is_one_aligned_block_of_its_equations_and_updates() -> None:
    system = parse(
        """
        given x[n]
        param w ~ ones            # the only weight
        J = mean[n](w * x[n])
        w <- w - 0.1 * δw
        minimize J
        """
    )
    assert system_latex(system) == (
        "\\begin{aligned}\n"
        "J &= \\frac{1}{N} \\sum_{n} w \\, x_{n} \\\\\n"
        "w &\\leftarrow w - 0.1 \\, \\delta w\n"
        "\\end{aligned}"
    )


def balanced(latex: str) -> bool:
    """Whether braces, \\left and \\right, and environments are closed in order."""
    waiting: list[str] = []
    pairs = {"}": "{", r"\right": r"\left", r"\end": r"\begin"}
    for sign in re.findall(r"\\left|\\right|\\begin|\\end|[{}]", re.sub(r"\\[{}]", "", latex)):
        if sign in pairs:
            if not waiting or waiting.pop() != pairs[sign]:
                return False
        else:
            waiting.append(sign)
    return not waiting


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_and_every_derivative_is_well_formed(name: str) -> None:
    row = FUNCTIONS[name]
    call = f"{name}({', '.join(['u / v', 'v**2'][: row.arity])})"
    for text in (call, f"{call}**3", f"{call}**-0.5", *row.derivatives, row.value or "0"):
        latex = expression_latex(parse_expression(text))
        assert balanced(latex), latex
        assert not re.search(r"\^\{[^{}]*\}\^", latex), f"a double superscript: {latex}"


def test_what_is_not_the_same_does_not_look_the_same() -> None:
    texts = [
        "sum[i](a[i]) * b",
        "sum[i](a[i] * b)",
        "sum[i](a[i] + b)",
        "sum[i](a[i]) + b",
        "w1**2",
        "w**2",
        "a / b * c",
        "a / (b * c)",
        "-a**2",
        "(-a)**2",
        "a - (b - c)",
        "a - b - c",
        "tanh(a)**2",
        "tanh(a**2)",
        "x[i,j]",
        "x[i*j]",
    ]
    assert len({expression_latex(parse_expression(t, indices="ij")) for t in texts}) == len(texts)
