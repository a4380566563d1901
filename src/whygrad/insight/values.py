"""The numbers behind a question: every tensor and every derivative, after one pass over data."""

from __future__ import annotations

from collections.abc import Container, Mapping

import numpy as np
from numpy.typing import NDArray

from ..calculus.derivation import Derivation
from ..engines.reference import ReferenceEngine, evaluator
from ..language.affine import affine
from ..language.expression import Expression, Number, Reference
from ..language.sizes import extents
from ..language.substitution import substitute
from ..language.system import System

Array = NDArray[np.float64]


class Values:
    """Evaluates expressions of the tensors and derivatives of a network on given data.

    `tensors` holds what the pass computed, by name, and what went into it. `system` is what
    ran: the derivation, or a training step, which has more equations. Noise is that of `seed`
    and of step number `step`.
    """

    def __init__(
        self,
        derivation: Derivation,
        sizes: Mapping[str, int],
        arrays: Mapping[str, Array],
        training: bool,
        seed: int,
        system: System | None = None,
        step: int = 0,
    ) -> None:
        self.derivation = derivation
        self.sizes = dict(sizes)
        self.training = training
        self._know_copies()
        system = derivation.simplified_system if system is None else system
        self.system = system
        wanted = [*system.definitions, *(t.name for t in system.of_kind("noise"))]
        program = ReferenceEngine().compile(system, self.sizes, wanted, "float64", training)
        self.tensors = dict(arrays) | program.run(arrays, seed=seed, step=step)
        self._evaluator = evaluator(system, self.sizes, self.tensors, "float64", training)
        self.extents = extents(system, self.sizes) | extents(derivation.system, self.sizes)

    def array(self, e: Expression, ranges: Mapping[str, range]) -> tuple[Array, tuple[str, ...]]:
        """An expression on ranges of its free indices, and the names of the axes.

        The axes are the indices on which the value depends, in the order of `ranges`.
        """
        self._know_copies()
        return self._evaluator.value(written_out(e, self.derivation, self.tensors), ranges)

    def vector(self, e: Expression, index: str) -> Array:
        """An expression for every value of its one free index."""
        length = self.sizes[index]
        return np.broadcast_to(self.array(e, {index: range(length)})[0], (length,))

    def scalar(self, e: Expression) -> float:
        """An expression without free indices."""
        return float(self.array(e, {})[0].reshape(()))

    def whole_number(self, e: Expression) -> int | None:
        """The value of an expression of whole numbers and sizes, or None where it is no such."""
        form = affine(e, self.sizes)
        return None if form is None or form.coefficients else form.constant

    def subscript(self, e: Expression) -> int:
        """The value of a subscript, which may be read from data."""
        number = self.whole_number(e)
        return int(self.scalar(e)) if number is None else number

    def element(self, name: str, at: tuple[int, ...]) -> float:
        """One element of a tensor or a derivative."""
        return self.scalar(Reference(name, tuple(map(Number, at))))

    def _know_copies(self) -> None:
        """Names of indices are handed out as they are needed: each has the size of its original."""
        copies = self.derivation.names.copies
        for new in copies.keys() - self.sizes.keys():
            self.sizes[new] = self.sizes[copies[new]]


def written_out(e: Expression, derivation: Derivation, stored: Container[str]) -> Expression:
    """The expression with derivatives that are not stored, since others hold them, put in."""
    if isinstance(e, Reference) and e.tensor not in stored:
        own = derivation.unfused(e.tensor)
        put = dict(zip(own.indices, e.subscripts, strict=True))
        return written_out(substitute(own.value, put, derivation.names), derivation, stored)
    return e.map(lambda child: written_out(child, derivation, stored))
