"""`whygrad tour` against the textbook's formulas, worked out by hand."""

import re
from math import exp, isclose, log

import pytest
from tests.cli.conftest import Command

from whygrad.network.costs import COSTS

X, Y, W1, B1, W2, B2, ETA = 2.0, 0.0, 0.4, -0.3, 1.2, 0.1, 0.5


def sigmoid(z: float) -> float:
    return 1 / (1 + exp(-z))


def numbers(line: str) -> list[float]:
    """The numbers of a line that stand alone, a parenthesised negative one included."""
    found = re.findall(r"(?<![\w.])\(?(−?\d+(?:\.\d+)?(?:e−?\d+)?)\)?(?![\w.])", line)
    return [float(n.replace("−", "-")) for n in found]


def line(text: str, start: str) -> str:
    """The last line that begins like this."""
    return next(part for part in reversed(text.splitlines()) if part.strip().startswith(start))


def near(one: float, other: float) -> bool:
    return isclose(one, other, rel_tol=6e-4)


def test_three_terms_multiply_to_the_derivative(whygrad: Command) -> None:
    page = whygrad("tour").out
    a1 = sigmoid(W1 * X + B1)
    y_hat = sigmoid(W2 * a1 + B2)
    terms = [y_hat - Y, y_hat * (1 - y_hat), a1]
    shown = re.search(r"^    (∂J/∂w2 = \d.*)$", page, re.MULTILINE)
    assert shown is not None
    expected = [*terms, terms[0] * terms[1] * terms[2]]
    assert all(near(a, b) for a, b in zip(numbers(shown[1]), expected, strict=True))


def test_deltas_travel_upstream(whygrad: Command) -> None:
    page = whygrad("tour").out
    a1 = sigmoid(W1 * X + B1)
    y_hat = sigmoid(W2 * a1 + B2)
    delta2 = (y_hat - Y) * y_hat * (1 - y_hat)
    delta1 = delta2 * W2 * a1 * (1 - a1)
    assert "δ2 = ∂J/∂z2 = ∂J/∂ŷ · σ'(z2)" in page
    assert "δ1 = ∂J/∂z1 = δ2 · w2 · σ'(z1)" in page
    for name, value in {
        "∂J/∂w2 = δ2 · a1": delta2 * a1,
        "∂J/∂b2 = δ2": delta2,
        "∂J/∂w1 = δ1 · x": delta1 * X,
        "∂J/∂b1 = δ1": delta1,
    }.items():
        assert near(numbers(line(page, name))[-1], value)


def test_correction_takes_eta_times_the_derivative_away(whygrad: Command) -> None:
    page = whygrad("tour", "--eta", "0.25").out
    a1 = sigmoid(W1 * X + B1)
    y_hat = sigmoid(W2 * a1 + B2)
    delta2 = (y_hat - Y) * y_hat * (1 - y_hat)
    delta1 = delta2 * W2 * a1 * (1 - a1)
    w1, b1 = W1 - 0.25 * delta1 * X, B1 - 0.25 * delta1
    w2, b2 = W2 - 0.25 * delta2 * a1, B2 - 0.25 * delta2
    for name, value in {"w1": w1, "b1": b1, "w2": w2, "b2": b2}.items():
        assert near(numbers(line(page, f"{name} ←"))[-1], value)
    cost = (sigmoid(w2 * sigmoid(w1 * X + b1) + b2) - Y) ** 2 / 2
    assert f"to {cost:.4g}" in page


def test_several_samples_are_averaged(whygrad: Command) -> None:
    xs, ys = [2.0, -1.0, 0.5], [0.0, 1.0, 1.0]
    page = whygrad("tour", "--x", "2,-1,0.5", "--y", "0,1,1", "--cost", "binary_cross_entropy").out
    hidden = [sigmoid(W1 * x + B1) for x in xs]
    outputs = [sigmoid(W2 * a + B2) for a in hidden]
    costs = [-log(p) if y else -log(1 - p) for p, y in zip(outputs, ys, strict=True)]
    assert near(numbers(line(page, "J = mean[n]"))[-1], sum(costs) / 3)
    terms = [(p - y) / 3 * a for p, y, a in zip(outputs, ys, hidden, strict=True)]
    assert near(numbers(line(page, "∂J/∂w2 = Σ_n δ2[n] · a1[n]"))[-1], sum(terms))
    assert "(ŷ[n] − y[n])/N" in page.replace(" / ", "/")


def test_many_samples_are_summed_but_not_all_listed(whygrad: Command) -> None:
    one = whygrad("tour", "--x", ",".join(["2"] * 30), "--y", ",".join(["0"] * 30)).out
    assert "⋮" in one
    assert (
        numbers(line(one, "∂J/∂w1 = Σ_n"))[-1] == numbers(line(whygrad("tour").out, "∂J/∂w1 ="))[0]
    )


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "leaky_relu"])
@pytest.mark.parametrize("cost", [c for c in COSTS if c != "cross_entropy"])
def test_each_cost_and_activation_has_its_tour(
    whygrad: Command, cost: str, activation: str, several: bool
) -> None:
    samples = ["--x", "2,-1", "--y", "1,1"] if several else ["--y", "1"]
    done = whygrad("tour", "--cost", cost, "--activation", activation, *samples)
    if cost == "binary_cross_entropy" and activation != "sigmoid":
        assert done.code == 2
        assert "binary_cross_entropy reads probabilities" in done.err
        return
    assert done.code == 0
    assert done.out.count("the differences say the same") == 4
    too_long = [part for part in done.out.splitlines() if len(part) > 80]
    assert all(" = " in part for part in too_long), "only a formula may be longer than a page"


def test_where_the_terms_are_not_finite_the_tour_says_so_and_goes_on(whygrad: Command) -> None:
    page = whygrad("tour", "--w2", "1000", "--cost", "binary_cross_entropy").out
    assert "∂J/∂w2 = ∞ · 0 · 0.6225\n" in page
    assert "cannot be computed term by term" in page
    assert numbers(line(page, "∂J/∂b2 = δ2"))[-1] == 1


def test_a_kink_is_called_a_kink(whygrad: Command) -> None:
    page = whygrad("tour", "--activation", "relu", "--b1", "-0.8").out
    assert "J has a kink here" in line(page, "∂J/∂w1 =")


def test_a_step_that_is_too_long_is_called_so(whygrad: Command) -> None:
    page = whygrad("tour", "--activation", "softplus", "--y", "5", "--lr", "10").out
    words = " ".join(page.split())
    assert re.search(r"J grows from \S+ to \S+: the step was too long, try a smaller --lr", words)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--w1", "nan"], "nan is no number up to 1e+100"),
        (["--b2", "inf"], "inf is no number"),
        (["--x", "1,two"], "--x takes numbers"),
        (["--y", ""], "--y takes numbers"),
        (["--x", "nan"], "--x takes numbers"),
        (["--x", "1,2"], "2 of x are given and 1 of y"),
        (["--lr", "0"], "lr has to be a number above 0"),
        (["--lr=-1"], "lr has to be a number above 0"),
        (["--cost", "hubber"], "did you mean 'huber'?"),
        (["--cost", "cross_entropy"], "use binary_cross_entropy"),
        (["--cost", "binary_cross_entropy", "--y", "2"], "the y of binary_cross_entropy is 0, 1"),
        (["--cost", "hinge"], "the y of hinge is -1 or 1"),
        (["--activation", "sigmoidd"], "did you mean 'sigmoid'?"),
        (["--activation", "softmax"], "unknown activation 'softmax'"),
        (["--activation", "log", "--w1", "-1"], "a1 is not finite"),
        (["--x", "1e100", "--activation", "exp"], "a1 is not finite"),
        (["--w5", "1"], "No such option: --w5"),
        (["more"], "unexpected extra argument"),
    ],
)
def test_mistakes_are_one_message_and_exit_code_2(
    whygrad: Command, arguments: list[str], message: str
) -> None:
    done = whygrad("tour", *arguments)
    assert done.code == 2
    assert message in done.err
    assert "Traceback" not in done.err
    assert done.out == ""


def test_the_help_names_every_cost_that_fits(whygrad: Command) -> None:
    words = whygrad("tour", "--help").out
    assert all(cost in words for cost in COSTS if cost != "cross_entropy")
