"""The comparison of random systems with JAX can fail: each bug that is planted here is found."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from tests.oracle.random_systems import random_case
from tests.oracle.trial import trial

from whygrad.calculus import chain, derivation
from whygrad.calculus.chain import Link
from whygrad.calculus.partial import Partial
from whygrad.language.expression import Expression, Index, Multiply, Reference
from whygrad.language.functions import FUNCTIONS
from whygrad.language.system import Equation

WITHIN = 300
"""So many systems are drawn at most until the bug shows."""

Plant = Callable[[pytest.MonkeyPatch], None]


def wrong_stride(monkeypatch: pytest.MonkeyPatch) -> None:
    """A derivative by `x[2*i]` goes where `x[i]` lies."""

    def without_stride(e: Expression) -> Expression:
        if isinstance(e, Multiply) and isinstance(e.factors[1], Index):
            return e.factors[1]
        return e.map(without_stride)

    def partials(*arguments: object) -> Iterator[Partial]:
        for p in real(*arguments):
            moved = Reference(
                p.reference.tensor, tuple(map(without_stride, p.reference.subscripts))
            )
            yield replace(p, reference=moved)

    real = chain.partials
    monkeypatch.setattr(chain, "partials", partials)


def tie_to_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tie of `max(x, y)` goes to y."""
    row = replace(FUNCTIONS["max"], derivatives=("[x > y]", "[y >= x]"))
    monkeypatch.setitem(FUNCTIONS, "max", row)


def lost_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing reaches the first value of a recurrence."""

    def links(*arguments: object) -> tuple[Link, ...]:
        return tuple(
            replace(link, contributions=()) if starts(link) else link for link in real(*arguments)
        )

    def starts(link: Link) -> bool:
        return any(not isinstance(s, Index) for s in link.subscripts)

    real = chain.links
    monkeypatch.setattr(derivation, "links", links)


def counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a tensor that an equation reads twice only the first reading counts."""

    def partials(equation: Equation, *rest: object) -> Iterator[Partial]:
        first = {}
        for p in real(equation, *rest):
            first.setdefault(p.reference.tensor, p)
        yield from first.values()

    real = chain.partials
    monkeypatch.setattr(chain, "partials", partials)


def shadowed_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reduction inside a factor binds an index anew over which the derivative is summed."""
    monkeypatch.setattr(chain, "without_capture", lambda e, *_: e)


PLANTS = [wrong_stride, tie_to_the_last, lost_start, counted_once, shadowed_index]


def first_fault() -> int | None:
    """The number of the first random system that disagrees with the oracle."""
    return next((n for n in range(WITHIN) if trial(random_case(random.Random(n))).faults), None)


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_it_is_found(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    assert first_fault() is not None
