"""A system: the statements of a text as data.

The statements stand in the author's order, comments and blank lines included;
everything else (`tensors`, `equations`, `cost`, ...) is read off them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from .expression import Expression, Index, Span, index_names, references

KINDS = ("given", "param", "setting", "state", "noise")


@dataclass(frozen=True, slots=True)
class Draw:
    """`~ name(arguments)`: an initialiser or a distribution."""

    name: str
    arguments: tuple[float, ...] = ()
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Declaration:
    """One tensor of a `given`, `param`, `setting`, `state` or `noise` line.

    `indices` name its axes. `within` is the index of which a given tensor
    holds values (`y[n] in k`), `draw` how a param, a state or noise is drawn,
    and `value` the number of a setting.
    """

    name: str
    indices: tuple[str, ...] = ()
    within: str | None = None
    draw: Draw | None = None
    value: float | None = None
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; `comment` is what follows its `#`, or None."""

    comment: str | None = field(default=None, kw_only=True)
    span: Span | None = field(default=None, compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Comment(Statement):
    """A line of its own that is a comment, or blank where `comment` is None."""


@dataclass(frozen=True, slots=True)
class Declare(Statement):
    """`given`, `param`, `setting`, `state` or `noise` and what they declare."""

    kind: str
    items: tuple[Declaration, ...]


@dataclass(frozen=True, slots=True)
class Batch(Statement):
    """`batch n`: the index that runs over samples."""

    index: str


@dataclass(frozen=True, slots=True)
class Sizes(Statement):
    """`size j = 16, k2 = size(k)`."""

    items: tuple[tuple[str, Expression], ...]


@dataclass(frozen=True, slots=True)
class Equation(Statement):
    """`name[subscripts] = value`.

    The subscripts are indices; in a start of a recurrence (`h[-1, n, j] = 0`)
    some are integers below 0, or `size(t)` plus an integer of 0 or more.
    """

    name: str
    subscripts: tuple[Expression, ...]
    value: Expression

    def __str__(self) -> str:
        from .printing import equation_text

        return equation_text(self)

    @property
    def indices(self) -> tuple[str, ...]:
        """The indices over which the equation runs, in the order of its left side."""
        return tuple(s.name for s in self.subscripts if isinstance(s, Index))

    @property
    def is_start(self) -> bool:
        """Whether it gives a recurrence its start: some subscript is no index."""
        return len(self.indices) < len(self.subscripts)


@dataclass(frozen=True, slots=True)
class Update(Statement):
    """`name[indices] <- value`: what a param or a state becomes after the step.

    Every update of a step reads the values from before the step.
    """

    name: str
    indices: tuple[str, ...]
    value: Expression


@dataclass(frozen=True, slots=True)
class Minimize(Statement):
    """`minimize J`."""

    name: str


@dataclass(frozen=True, slots=True)
class Predict(Statement):
    """`predict yhat`."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tensor:
    """A name of the system: its kind (one of KINDS, or "equation") and its axes."""

    name: str
    kind: str
    indices: tuple[str, ...]
    declaration: Declaration | None = None

    @property
    def within(self) -> str | None:
        """The index whose values it holds: k in `given y[n] in k`."""
        return self.declaration.within if self.declaration else None

    def __str__(self) -> str:
        """The name with its axes: x[n,i]."""
        return f"{self.name}[{','.join(self.indices)}]" if self.indices else self.name


@dataclass(frozen=True)
class System:
    """A network, or a whole training step, as equations."""

    statements: tuple[Statement, ...]
    source: str = field(default="", compare=False, repr=False)

    def __str__(self) -> str:
        from .printing import system_text

        return system_text(self)

    @cached_property
    def declarations(self) -> dict[str, tuple[str, Declaration]]:
        """Kind and declaration of every declared tensor, by name."""
        return {
            item.name: (s.kind, item)
            for s in self.statements
            if isinstance(s, Declare)
            for item in s.items
        }

    @cached_property
    def equations(self) -> tuple[Equation, ...]:
        """All equations, the starts of recurrences included, in the author's order."""
        return tuple(s for s in self.statements if isinstance(s, Equation))

    @cached_property
    def updates(self) -> tuple[Update, ...]:
        """All updates, in the author's order."""
        return tuple(s for s in self.statements if isinstance(s, Update))

    @cached_property
    def definitions(self) -> dict[str, tuple[Equation, ...]]:
        """The equations of each tensor: the one for its whole range, then its starts."""
        found: dict[str, list[Equation]] = {}
        for e in sorted(self.equations, key=lambda e: e.is_start):
            found.setdefault(e.name, []).append(e)
        return {name: tuple(es) for name, es in found.items()}

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """Every tensor by name, the declared ones first."""
        found = {
            name: Tensor(name, kind, d.indices, d) for name, (kind, d) in self.declarations.items()
        }
        for name, equations in self.definitions.items():
            found[name] = Tensor(name, "equation", equations[0].indices)
        return found

    def of_kind(self, kind: str) -> tuple[Tensor, ...]:
        """The tensors of one kind, in the author's order."""
        return tuple(t for t in self.tensors.values() if t.kind == kind)

    @cached_property
    def cost(self) -> str | None:
        """The name after `minimize`."""
        return next((s.name for s in self.statements if isinstance(s, Minimize)), None)

    @cached_property
    def batch(self) -> str | None:
        """The index that runs over samples."""
        return next((s.index for s in self.statements if isinstance(s, Batch)), None)

    @cached_property
    def predictions(self) -> tuple[str, ...]:
        """The names after `predict`."""
        return tuple(n for s in self.statements if isinstance(s, Predict) for n in s.names)

    @cached_property
    def sizes(self) -> dict[str, Expression]:
        """What the `size` statements say."""
        return dict(item for s in self.statements if isinstance(s, Sizes) for item in s.items)

    @cached_property
    def index_names(self) -> frozenset[str]:
        """Every index name that occurs anywhere."""
        names = set(self.sizes)
        if self.batch:
            names.add(self.batch)
        for tensor in self.tensors.values():
            names.update(tensor.indices)
            if tensor.within:
                names.add(tensor.within)
        for s in self.statements:
            if isinstance(s, Equation | Update):
                names.update(s.indices)
        for e in (*self.sizes.values(), *self.expressions()):
            names |= index_names(e)
        return frozenset(names)

    @cached_property
    def readers(self) -> dict[str, list[Expression]]:
        """The right sides that read a tensor, by its name."""
        found: dict[str, list[Expression]] = {}
        for e in self.expressions():
            for name in dict.fromkeys(r.tensor for r in references(e)):
                found.setdefault(name, []).append(e)
        return found

    def expressions(self) -> Iterator[Expression]:
        """The right side of every equation and update."""
        for s in self.statements:
            if isinstance(s, Equation | Update):
                yield s.value
