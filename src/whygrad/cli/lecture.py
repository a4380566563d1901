"""The tour of the two-node network as a page of a lecture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..insight.display import number_text
from .terminal import Terminal, aligned
from .tour import Product, Tour, Values
from .two_nodes import OUTPUT

ROWS = 8
SHORT = 10
STYLES = {f"∂J/∂{OUTPUT}": "yellow", "δ1": "magenta", "δ2": "magenta"}


def give(tour: Tour, page: Terminal) -> None:
    """Write the whole lecture."""
    _network(tour, page)
    _forward(tour, page)
    _three_terms(tour, page)
    _second_node(tour, page)
    _first_node(tour, page)
    _correction(tour, page)
    _check(tour, page)
    _name(page)


def _network(tour: Tour, page: Terminal) -> None:
    f = _activation(tour)
    page.heading("Two nodes in a row")
    arrow = f"──{f}──→" if len(f) < SHORT else f"─{f}─→"
    page.line(f"    x ──(w1, b1)──→ z1 {arrow} a1 ──(w2, b2)──→ z2 {arrow} {OUTPUT} ──→ J")
    page.line()
    page.note("The whole network is this text:")
    page.line()
    for line in tour.text.split("\n"):
        page.line(f"    {line}", "cyan")


def _forward(tour: Tour, page: Terminal) -> None:
    page.heading("1  Downstream: from x to J")
    values = tour.values
    names = ["z1", "a1", "z2", OUTPUT]
    question = "How does J change with w1, b1, w2 and b2?"
    if tour.several:
        shown = ["x", *names, "y"]
        columns = [values[name] for name in shown]
        page.table(_by_sample(tour, [f"{name}[n]" for name in shown], columns), gap=3)
        page.line()
        page.table([["J", f"= {tour.equation('J')}", f"= {_n(values['J'])}"]])
        page.line()
        page.note(
            f"J is a mean over the N = {tour.count} samples: one number, which says how wrong "
            f"the network is. {question}"
        )
    else:
        names += [name for name in tour.net.system.definitions if name not in names]
        page.table([[name, f"= {tour.equation(name)}", f"= {_n(values[name])}"] for name in names])
        page.line()
        page.note(
            f"The network says {_n(values[OUTPUT])} where y is {_n(values['y'])}, and J says how "
            f"wrong that is. {question}"
        )


def _three_terms(tour: Tour, page: Terminal) -> None:
    terms = tour.three_terms()
    first, slope, _ = terms.texts
    page.heading("2  One derivative, three terms: ∂J/∂w2")
    samples = (
        f", and sums over the samples; {first} holds the 1/N of the mean" if tour.several else ""
    )
    page.note(
        f"w2 moves z2, z2 moves {OUTPUT}, and {OUTPUT} moves J. The chain rule multiplies the "
        f"three{samples}:"
    )
    page.line()
    page.line(f"    ∂J/∂w2 = {_sum(tour)}{' · '.join(terms.texts)}")
    page.line()
    formulas = [tour.simplified(OUTPUT), terms.formulas[1], tour.equation("a1")]
    meanings = [
        f"how J moves with {OUTPUT}: the cost alone decides",
        f"how {OUTPUT} moves with z2: the slope of {_activation(tour)}",
        "how z2 moves with w2: by what comes in",
    ]
    rows = [[text, f"= {formula}"] for text, formula in zip(terms.texts, formulas, strict=True)]
    if not tour.several:
        for row, value in zip(rows, terms.values[:, 0], strict=True):
            row.append(f"= {_n(value)}")
    page.remarks([f"    {line}" for line in aligned(rows)], meanings)
    page.line()
    _recomposed(tour, page, terms)
    if not terms.closes:
        page.line()
        page.note(
            f"Here this cannot be computed term by term: {slope} is so near to 0 that digits "
            "are lost. Simplified, as in the next section, it can, and that form is what runs."
        )


def _second_node(tour: Tour, page: Terminal) -> None:
    page.heading("3  The error at the second node: δ2")
    _delta(tour, page, "δ2", "z2")
    page.line()
    _parameters(tour, page, "2")


def _first_node(tour: Tour, page: Terminal) -> None:
    page.heading("4  One node upstream: δ1")
    _delta(tour, page, "δ1", "z1")
    page.line()
    _parameters(tour, page, "1")
    page.line()
    delta = tour.delta("z1")
    factor = " · ".join(delta.texts[1:])
    amount = "" if tour.several else f" = {_n(delta.values[1:].prod())}"
    page.note(
        f"δ1 is proportional to δ2: it is δ2 times {factor}{amount}. All that lies downstream is "
        "in δ2 already, and is not computed again."
    )


def _correction(tour: Tour, page: Terminal) -> None:
    after, cost = tour.corrected()
    before, lr = float(tour.values["J"]), _n(tour.setting.lr)
    page.heading("5  The correction: w ← w − η · ∂J/∂w")
    page.table(
        [
            [f"{name} ←", f"{_n(w)} − {lr} · {_value(slope)}", f"= {_n(after[name])}"]
            for name, w in tour.setting.weights.items()
            for slope in (tour.gradients[name],)
        ]
    )
    page.line()
    moved = "falls" if cost < before else "grows" if cost > before else "stays"
    way = f"from {_n(before)} to {_n(cost)}" if cost != before else f"at {_n(cost)}"
    advice = ": the step was too long, try a smaller --lr" if cost > before else ""
    page.note(
        "Each goes a little way against its derivative. "
        f"With the learning rate η = {lr}, J {moved} {way}{advice}."
    )


def _check(tour: Tour, page: Terminal) -> None:
    page.heading("6  Is it true?")
    page.note("Move a number by a little h, both ways, and see what J does:")
    page.line()
    page.line("    ∂J/∂w ≈ (J(w + h) − J(w − h)) / 2h")
    page.line()
    rows = []
    for result in tour.check().results:
        found = f"the differences say the same, relative error {_n(result.worst, 1)}"
        if result.kinks:
            found = "J has a kink here, and so no one slope"
        if result.unclear:
            found = "too small beside J for its differences to tell"
        if result.wrong:
            found = f"the differences say {_n(result.wrong[0].difference)}"
        rows.append([f"∂J/∂{result.name}", f"= {_n(tour.gradients[result.name])}", f"  {found}"])
    page.table(rows)


def _name(page: Terminal) -> None:
    page.heading("Why it is called back-propagation")
    page.note(
        f"Values travel downstream: x, z1, a1, z2, {OUTPUT}, J. The error starts where they end. "
        "It is δ2 at the output, becomes δ1 one node upstream, and would go on like that "
        "through any number of layers, each δ made of the one downstream of it. At every "
        "weight that it passes it leaves the weight's derivative."
    )
    page.line()
    page.note("In the text of a network δ2 is written δz2. Now a network of your own:")
    page.line()
    page.line("    whygrad derive NET    whygrad check NET    whygrad tour --help")


def _delta(tour: Tour, page: Terminal, name: str, tensor: str) -> None:
    """δ = ∂J/∂z: as a product, simplified where that says more, and its value."""
    product = tour.delta(tensor)
    n = "[n]" if tour.several else ""
    left = f"    {name}{n} = ∂J/∂{tensor}{n}"
    blank = " " * len(left)
    chain = " · ".join(product.texts)
    page.line(f"{left} = {chain}")
    simplified = tour.simplified(tensor)
    if simplified not in (chain, " · ".join((product.texts[0], *product.formulas[1:]))):
        page.line(f"{blank} = {simplified}")
    if not tour.several:
        values = f"{_times(product.values[:, 0])} = " if product.closes else ""
        page.line(f"{blank} = {values}{_n(product.total[0])}")


def _parameters(tour: Tour, page: Terminal, node: str) -> None:
    """What follows from δ for the weight and the bias of a node."""
    names = [f"w{node}", f"b{node}"]
    weight, bias = (tour.share(name) for name in names)
    rows = []
    for name, share in zip(names, (weight, bias), strict=True):
        value = _n(tour.gradients[name])
        if not tour.several and len(share.texts) > 1:
            value = f"{_times(share.values[:, 0])} = {value}"
        rows.append([f"∂J/∂{name}", f"= {_sum(tour)}{' · '.join(share.texts)}", f"= {value}"])
    page.table(rows)
    if tour.several:
        page.line()
        sums = [_n(tour.gradients[names[1]]), "", _n(tour.gradients[names[0]])]
        columns = [*weight.values, weight.total]
        page.table(
            _by_sample(tour, [*weight.texts, " · ".join(weight.texts)], columns, sums), gap=3
        )


def _recomposed(tour: Tour, page: Terminal, terms: Product) -> None:
    """The three terms multiplied: on one line, or for each sample and then summed."""
    total = _n(tour.gradients["w2"])
    if not tour.several:
        recomposed = f" = {total}" if terms.closes else ""
        page.line(f"    ∂J/∂w2 = {_times(terms.values[:, 0])}{recomposed}")
        return
    columns = [*terms.values, terms.total]
    sums = [*("" for _ in terms.values), total]
    page.table(_by_sample(tour, [*terms.texts, "product"], columns, sums), gap=3)


def _by_sample(
    tour: Tour, names: Sequence[str], columns: Sequence[Values], sums: Sequence[str] = ()
) -> list[list[str]]:
    """A table with a row for each of the first samples, then the sums over all of them."""
    shown = min(tour.count, ROWS)
    cells = [[_n(value) for value in column[:shown]] for column in columns]
    if shown < tour.count:
        cells = [[*column, "⋮"] for column in cells]
    if sums:
        cells = [[*column, total] for column, total in zip(cells, sums, strict=True)]
    left = [*map(str, range(shown)), *(["⋮"] if shown < tour.count else []), "Σ"]
    table = [["n", *left]]
    table += [[name, *_signed(column)] for name, column in zip(names, cells, strict=True)]
    return [list(row) for row in zip(*table, strict=False)]


def _signed(column: Sequence[str]) -> list[str]:
    """Numbers under each other: where one has a minus, the others get a space."""
    if not any(cell.startswith("−") for cell in column):
        return list(column)
    return [cell if cell.startswith("−") else f" {cell}" for cell in column]


def _activation(tour: Tour) -> str:
    return "σ" if tour.setting.activation == "sigmoid" else tour.setting.activation


def _sum(tour: Tour) -> str:
    return "Σ_n " if tour.several else ""


def _times(values: Iterable[float]) -> str:
    return " · ".join(map(_value, values))


def _value(value: float) -> str:
    """A number as a factor: a negative one in parentheses."""
    text = _n(value)
    return f"({text})" if text.startswith("−") else text


def _n(value: float | Values, digits: int = 4) -> str:
    return number_text(float(value) + 0.0, digits).replace("inf", "∞")
