"""What the tour of the two-node network shows, as numbers.

The text of the network is all that is written here. Its derivation, the values
of the terms, the correction and the check are asked of the network itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..calculus.chain import Link
from ..calculus.partial import Factor
from ..calculus.route import whiteboard
from ..errors import WhygradError
from ..insight import Report
from ..insight.display import math_text, operand_text
from ..language.expression import Expression, Reference
from ..model import Network
from ..network.costs import check_targets
from ..network.optimizers import SGD
from .two_nodes import OUTPUT, two_node_text

Values = NDArray[np.float64]

# How a lecture writes what the language writes sigmoid, δz1, δz2 and δŷ.
NAMES = {"sigmoid": "σ", "δz1": "δ1", "δz2": "δ2", f"δ{OUTPUT}": f"∂J/∂{OUTPUT}"}


@dataclass(frozen=True)
class Setting:
    """Where the tour takes place: samples, weights, learning rate, cost and activation."""

    x: Sequence[float]
    y: Sequence[float]
    weights: Mapping[str, float]
    lr: float
    cost: str
    activation: str


@dataclass(frozen=True)
class Product:
    """A derivative that is a product, at each sample.

    Args:
        texts: the factors as they are spoken of: ∂J/∂ŷ, σ'(z2), a1.
        formulas: the same written out: σ'(z2) is ŷ · (1 − ŷ).
        values: a row for each factor, a column for each sample.
        total: the derivative's own value, a number for each sample, which training uses.
    """

    texts: tuple[str, ...]
    formulas: tuple[str, ...]
    values: Values
    total: Values

    @property
    def closes(self) -> bool:
        """Whether the factors multiply to the value, as they do while all of them are finite."""
        with np.errstate(all="ignore"):
            return bool(np.allclose(np.prod(self.values, axis=0), self.total, rtol=1e-9, atol=0))


class Tour:
    """The network of a setting, and what is read off it.

    With one sample every tensor is a number; with several it has the index n, and J is
    their mean. Raises WhygradError for a setting that makes no sense.
    """

    def __init__(self, setting: Setting) -> None:
        if len(setting.x) != len(setting.y):
            raise WhygradError(
                "each sample has an x and a y, "
                f"but {len(setting.x)} of x are given and {len(setting.y)} of y"
            )
        self.setting = setting
        self.count = len(setting.x)
        self.several = self.count > 1
        weights, cost, activation = setting.weights, setting.cost, setting.activation
        self.text = two_node_text(weights, cost, activation, several=self.several)
        SGD(setting.lr)
        check_targets(cost, np.array(setting.y))
        self.data: dict[str, object] = {"x": list(setting.x), "y": list(setting.y)}
        if not self.several:
            self.data = {"x": setting.x[0], "y": setting.y[0]}
        self.net = Network(self.text).init()
        self.values = self.net.forward(data=self.data)
        for name, value in self.values.items():
            if not np.isfinite(value).all():
                raise WhygradError(f"{name} is not finite for these numbers: choose milder ones")
        self.derivation = self.net.derive()
        self.explainer = self.net.explainer(data=self.data)
        self.gradients = {n: float(g) for n, g in self.net.gradients(data=self.data).items()}
        for name, slope in self.gradients.items():
            if not np.isfinite(slope):
                raise WhygradError(f"∂J/∂{name} is not finite here: choose milder numbers")

    def equation(self, name: str) -> str:
        """The right side of a tensor's equation."""
        return spoken(self.net.system.definitions[name][0].value)

    def simplified(self, tensor: str) -> str:
        """The right side of a derivative in the form that runs."""
        return spoken(self._opened(self.derivation[tensor].simplified.value))

    def slope(self, tensor: str) -> Values:
        """The value of a tensor's derivative at each sample."""
        link = self.derivation.link(tensor)
        return self._at_samples(Reference(link.name, link.subscripts))

    def delta(self, tensor: str) -> Product:
        """δ of a node, as it follows from what lies downstream of it."""
        link = self.derivation.link(tensor)
        if tensor == "z1":
            link = whiteboard(self.derivation, link)
        return self._product(_factors(link), self.slope(tensor))

    def share(self, parameter: str) -> Product:
        """What each sample adds to the derivative of a parameter."""
        first, *others = _factors(self.derivation.link(parameter))
        total = self._at_samples(first.expression)
        for f in others:
            total = total * self._at_samples(f.expression)
        return self._product([first, *others], total)

    def three_terms(self) -> Product:
        """The same for w2, from ∂J/∂ŷ on."""
        _, *local = _factors(self.derivation.link("w2"))
        factors = [*_factors(self.derivation.link("z2")), *local]
        return self._product(factors, self.share("w2").total)

    def corrected(self) -> tuple[Mapping[str, float], float]:
        """The parameters after one step of gradient descent on all samples, and J with them."""
        after = Network(self.text).init()
        batch_size = self.count if self.several else None
        optimizer = SGD(self.setting.lr)
        after.train(epochs=1, batch_size=batch_size, optimizer=optimizer, data=self.data)
        cost = float(after.forward(data=self.data)["J"])
        return {name: float(value) for name, value in after.params.items()}, cost

    def check(self) -> Report:
        """All four derivatives against central differences."""
        return self.net.check(data=self.data)

    def _product(self, factors: Sequence[Factor], total: Values) -> Product:
        values = np.stack([self._at_samples(f.expression) for f in factors])
        texts = tuple(_renamed(operand_text(f)) for f in factors)
        return Product(texts, tuple(spoken(f.expression) for f in factors), values, total)

    def _opened(self, e: Expression) -> Expression:
        """The expression in tensors of the text and the derivatives of which the tour speaks.

        What else the derivation gave a name to has the indices of ŷ, so it is put in as it is.
        """
        known = {**self.net.system.tensors, **NAMES}
        if isinstance(e, Reference) and e.tensor not in known:
            parts = self.derivation.named.definitions
            whole = (
                parts[e.tensor][0] if e.tensor in parts else self.derivation[e.tensor].simplified
            )
            return self._opened(whole.value)
        return e.map(self._opened)

    def _at_samples(self, e: Expression) -> Values:
        known = self.explainer.values
        values = known.vector(e, "n") if self.several else np.array([known.scalar(e)])
        return values + 0.0  # which turns -0.0 into 0.0


def spoken(e: Expression) -> str:
    """An expression as on paper, the derivatives under the names of a lecture."""
    return _renamed(math_text(e))


def _renamed(text: str) -> str:
    for name, lecture in NAMES.items():
        text = text.replace(name, lecture)
    return text


def _factors(link: Link) -> tuple[Factor, ...]:
    return link.contributions[0].factors
