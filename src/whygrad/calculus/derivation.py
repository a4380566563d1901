"""`derive`: a system becomes a longer system that holds its own derivatives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..errors import WhygradError
from ..language.expression import (
    Call,
    Expression,
    Reference,
    Size,
    Softmax,
    index_names,
    references,
)
from ..language.printing import equation_text
from ..language.substitution import Names
from ..language.system import Comment, Equation, Sizes, Statement, System
from .chain import Link, affected, links, prefix, upstream
from .fusion import fused
from .naming import name_parts
from .route import route, whiteboard
from .simplify import Simplifier
from .stability import stabilised


def derive(system: System, wrt: Iterable[str] | None = None, cost: str | None = None) -> Derivation:
    """Derive the cost by the chain rule.

    Args:
        system: the network; a derived system is a system too.
        wrt: the tensors whose derivatives are wanted. By default the params,
            and whatever the updates mention as `δ...`.
        cost: a scalar of the system; by default the one after `minimize`.

    Raises WhygradError where there is nothing to derive.
    """
    cost = cost or system.cost
    if cost is None:
        raise WhygradError("there is no cost to derive: add a line such as `minimize J`")
    if cost not in system.tensors:
        raise WhygradError(f"the system has no tensor {cost!r} to derive")
    if system.tensors[cost].indices:
        raise WhygradError(f"{cost} is no scalar: only a scalar can be derived")
    mark = prefix(system)
    wanted = tuple(dict.fromkeys(_default(system, mark) if wrt is None else wrt))
    for name in wanted:
        if name not in system.tensors:
            raise WhygradError(f"the system has no tensor {name!r}: its derivative cannot be had")
        if name == cost:
            raise WhygradError(f"{cost} is the cost itself: ∂{cost}/∂{cost} = 1")
    return Derivation(system, cost, wanted, mark)


def _default(system: System, mark: str) -> Iterator[str]:
    yield from (t.name for t in system.of_kind("param"))
    for e in system.expressions():
        for r in references(e):
            if r.tensor.startswith(mark) and r.tensor not in system.tensors:
                yield r.tensor.removeprefix(mark)


def _called_by_name(e: Expression, known: Mapping[Expression, Reference]) -> Expression:
    """What an equation computes already is read, not computed again."""
    return known.get(e) or e.map(lambda child: _called_by_name(child, known))


@dataclass(frozen=True)
class Derivative:
    """One derivative: as the chain rule gives it, simplified, and all the way from the cost."""

    chain: Equation
    simplified: Equation
    route: Equation

    def __str__(self) -> str:
        return f"{equation_text(self.chain)}\n{equation_text(self.simplified)}"

    def latex(self) -> str:
        """The chain form as LaTeX."""
        from ..language.latex import equation_latex

        return equation_latex(self.chain)

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"


class Derivation:
    """A system with the derivatives of its cost.

    `links` holds the chain form, from the cost upstream. `system` is the whole
    as equations in the chain form, `simplified_system` the form that runs.
    """

    def __init__(self, system: System, cost: str, wanted: tuple[str, ...], mark: str) -> None:
        self.original = system
        self.cost = cost
        self.wanted = wanted
        self.mark = mark
        copies = {i: e.index for i, e in system.sizes.items() if isinstance(e, Size)}
        explicit = set(system.sizes) - set(copies)
        self.names = Names(system.index_names | set(system.tensors), copies, explicit)
        self._given_copies = set(copies)
        inner = affected(system, wanted) & upstream(system, cost)
        self.named = name_parts(system, inner)
        self.links: tuple[Link, ...] = links(self.named, cost, wanted, self.names, mark)

    @cached_property
    def system(self) -> System:
        """The forward equations and the derivatives in the chain form."""
        return self._with(self.named, [link.equation for link in self.links])

    @cached_property
    def simplified_system(self) -> System:
        """The forward equations in their stable form and the derivatives simplified."""
        keep = {self.mark + w for w in self.wanted}
        chain = list(self._simplified.values())
        short = fused(chain, keep, self.named, self.simplifier, self.names)
        return stabilised(self._with(self.named, short), self.names, self.simplifier)

    @cached_property
    def simplifier(self) -> Simplifier:
        """The algebra that the simplified forms went through."""
        declared = self.original.declarations.values()
        values_of = {d.name: d.within for _, d in declared if d.within}
        axes = {}
        for t in self.named.tensors.values():
            if len(self.named.definitions.get(t.name, ())) < 2:
                axes[t.name] = axes[self.mark + t.name] = t.indices
        return Simplifier(self.names, values_of, axes)

    @cached_property
    def _simplified(self) -> dict[tuple[str, tuple[Expression, ...]], Equation]:
        known: dict[Expression, Reference] = {
            e.value: Reference(e.name, e.subscripts)
            for e in self.named.equations
            if isinstance(e.value, Call | Softmax) and not e.is_start
        }
        found = {}
        for link in self.links:
            e = link.equation
            value = self.simplifier(_called_by_name(e.value, known))
            found[e.name, e.subscripts] = Equation(e.name, e.subscripts, value)
        return found

    def _with(self, forward: System, derivatives: Sequence[Equation]) -> System:
        copies = [
            (new, Size(old))
            for new, old in self.names.copies.items()
            if new not in self._given_copies
        ]
        values = [*(e.value for e in derivatives), *forward.expressions()]
        used = frozenset[str]().union(*map(index_names, values))
        sizes = tuple((new, size) for new, size in copies if new in used)
        added: list[Statement] = [Comment(), *derivatives]
        if sizes:
            added.insert(1, Sizes(sizes))
        return System(forward.statements + tuple(added))

    def __str__(self) -> str:
        from .display import derivation_text

        return derivation_text(self)

    def latex(self) -> str:
        """The derivation as LaTeX: an `aligned` environment."""
        from .display import derivation_latex

        return derivation_latex(self)

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def __getitem__(self, name: str) -> Derivative:
        link = self.link(name)
        chain = whiteboard(self, link)
        return Derivative(chain.equation, self.simplified(link), route(self, link).equation)

    def simplified(self, link: Link) -> Equation:
        """The derivative as it runs; one that was put into another, as it was before."""
        piece = (link.name, link.subscripts)
        running = {(e.name, e.subscripts): e for e in self.simplified_system.equations}
        return running.get(piece) or self._simplified[piece]

    def unfused(self, name: str) -> Equation:
        """The simplified equation of a derivative by its own name, nothing put into it."""
        return next(e for (own, _), e in self._simplified.items() if own == name)

    def link(self, name: str) -> Link:
        """The link of a tensor, given by its name or by that of its derivative."""
        for link in self.links:
            if name in (link.tensor, link.name):
                return link
        raise WhygradError(f"{name!r} has no derivative here; derived: {', '.join(self.derived)}")

    @property
    def derived(self) -> tuple[str, ...]:
        """The names of all tensors that have a derivative, from the cost upstream."""
        return tuple(dict.fromkeys(link.tensor for link in self.links))
