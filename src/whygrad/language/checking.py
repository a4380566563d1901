"""Whether a system makes sense as a whole; the first fault is shown at its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from ..errors import LanguageError, resembling
from .contexts import Contexts
from .expression import Add, Expression, Index, Number, Reference, Size, Span, references
from .functions import RESERVED
from .order import order, prerequisites
from .system import (
    Batch,
    Declaration,
    Declare,
    Draw,
    Equation,
    Minimize,
    Predict,
    Sizes,
    System,
)

# Each with the names of its arguments.
INITIALISERS: dict[str, tuple[str, ...]] = {
    "zeros": (),
    "ones": (),
    "constant": ("value",),
    "normal": ("mean", "deviation"),
    "uniform": ("low", "high"),
    "lecun": (),
    "glorot": (),
    "he": (),
}
DISTRIBUTIONS: dict[str, tuple[str, ...]] = {
    "bernoulli": ("p",),
    "normal": ("mean", "deviation"),
    "uniform": ("low", "high"),
}


def check(system: System) -> None:
    """Raise LanguageError for a system that makes no sense, with place and remedy.

    Sizes are no part of it: they need data.
    """
    _Check(system).run()


def check_equation(system: System, equation: Equation) -> None:
    """Raise LanguageError unless the equation makes sense beside those of the system.

    It may define anew what the system already has, or a derivative.
    """
    checker = _Check(system)
    checker.left_side(equation)
    checker.contexts.check(equation.value, equation.indices, equation.span)


def warnings(system: System) -> list[str]:
    """What is allowed and yet looks like a mistake, a sentence each."""
    found = []
    if system.cost is not None:
        needed = prerequisites(system, [system.cost])
        used = {r.tensor for e in needed.equations for r in references(e.value)}
        for tensor in system.of_kind("param"):
            if tensor.name not in used:
                found.append(
                    f"the cost {system.cost} does not depend on the parameter {tensor.name}, "
                    "so it will not be trained"
                )
    in_use = _indices_in_use(system)
    found += [f"size {i}: nothing has an index {i}" for i in system.sizes if i not in in_use]
    return found


def _indices_in_use(system: System) -> frozenset[str]:
    others = tuple(s for s in system.statements if not isinstance(s, Sizes))
    sized = {node.index for e in system.sizes.values() for node in _sizes_in(e)}
    return System(others).index_names | sized


def _sizes_in(e: Expression) -> list[Size]:
    found = [e] if isinstance(e, Size) else []
    return found + [size for child in e.children for size in _sizes_in(child)]


class _Check:
    def __init__(self, system: System) -> None:
        self.system = system
        self.contexts = Contexts(system)

    def run(self) -> None:
        self.names()
        self.declarations()
        for name, equations in self.system.definitions.items():
            self.definition(name, equations)
        self.size_statements()
        self.batch()
        for equation in self.system.equations:
            self.contexts.check(equation.value, equation.indices, equation.span)
        open_in_equations = set(self.contexts.open_derivatives)
        self.updates()
        self.goals()
        order(self.system)
        self.derivatives(open_in_equations)

    def fault(self, message: str, span: Span | None, hint: str = "") -> LanguageError:
        return LanguageError(message, span=span, source=self.system.source, hint=hint)

    def names(self) -> None:
        """Every tensor has one name, and no word of the language is one."""
        places: dict[str, Span | None] = {}
        introduced = [
            (item.name, item.span)
            for s in self.system.statements
            if isinstance(s, Declare)
            for item in s.items
        ] + [(e.name, e.span) for e in self.system.equations if not e.is_start]
        for name, span in introduced:
            if name in RESERVED:
                hint = f"another name will do, such as {name}_ or {name}1"
                raise self.fault(f"'{name}' is a word of the language, not a name", span, hint)
            if name in places:
                first = places[name]
                hint = "" if first is None else f"it was introduced on line {first.line + 1}"
                raise self.fault(f"'{name}' is defined twice", span, hint)
            places[name] = span
        for start in self.system.equations:
            if start.is_start and start.name in self.system.declarations:
                hint = f"a start belongs to a tensor with an equation, not to a {self.kind(start)}"
                raise self.fault(f"'{start.name}' is declared, and has no start", start.span, hint)

    def kind(self, e: Equation) -> str:
        return self.system.declarations[e.name][0]

    def declarations(self) -> None:
        for statement in self.system.statements:
            if isinstance(statement, Declare):
                for item in statement.items:
                    self.axes(item.name, item.indices, item.span)
                    self.declaration(statement.kind, item)

    def declaration(self, kind: str, item: Declaration) -> None:
        if kind == "setting" and item.indices:
            raise self.fault("a setting is a single number", item.span, f"{item.name} = 0.01")
        if kind == "setting" and item.value is None:
            raise self.fault("a setting has a value", item.span, f"{item.name} = 0.01")
        if item.within is not None:
            self.axes(item.name, (item.within,), item.span)
        if kind in ("param", "state", "noise"):
            example = "bernoulli(0.9)" if kind == "noise" else "zeros"
            if item.draw is None:
                message = f"how '{item.name}' is drawn is missing"
                raise self.fault(message, item.span, f"{item.name} ~ {example}")
            self.draw(kind, item.draw, item.draw.span or item.span)

    def draw(self, kind: str, draw: Draw, span: Span | None) -> None:
        known = DISTRIBUTIONS if kind == "noise" else INITIALISERS
        what = "distribution" if kind == "noise" else "initialiser"
        if draw.name not in known:
            hint = resembling(draw.name, known) or f"there are {', '.join(known)}"
            raise self.fault(f"there is no {what} '{draw.name}'", span, hint)
        names = known[draw.name]
        form = f"{draw.name}({', '.join(names)})" if names else draw.name
        if len(draw.arguments) != len(names):
            number = len(names) or "no"
            message = f"'{draw.name}' takes {number} number{'' if len(names) == 1 else 's'}"
            raise self.fault(message, span, f"it is written {form}")
        match draw.name, draw.arguments:
            case "bernoulli", (p,) if not 0 <= p <= 1:
                raise self.fault(f"{p:g} is no probability", span, "it lies between 0 and 1")
            case "normal", (_, deviation) if deviation < 0:
                raise self.fault("a standard deviation is not negative", span, form)
            case "uniform", (low, high) if low > high:
                raise self.fault(f"{low:g} is above {high:g}", span, form)

    def axes(self, name: str, indices: Sequence[str], span: Span | None) -> None:
        """The names of axes are different, and no words of the language."""
        for index, count in Counter(indices).items():
            if count > 1:
                hint = f"give the second a name of its own: size {index}2 = size({index})"
                raise self.fault(f"'{name}' has the index '{index}' twice", span, hint)
            if index in RESERVED:
                hint = "another name will do"
                raise self.fault(f"'{index}' is a word of the language, not an index", span, hint)

    def definition(self, name: str, equations: Sequence[Equation]) -> None:
        """The equation of a tensor's whole range, and the starts that it may have."""
        main, *starts = equations
        if main.is_start:
            hint = "a recurrence has an equation for its whole range: h[t,n] = ..."
            message = f"'{name}' has a start and no equation that goes on from it"
            raise self.fault(self.start_form(main) or message, main.span, hint)
        self.left_side(main)
        seen: dict[tuple[int, int], Span | None] = {}
        for start in starts:
            self.left_side(start)
            key = self.start_key(main, start)
            if key in seen:
                raise self.fault(f"this start of '{name}' is given twice", start.span)
            seen[key] = start.span
        for (axis, place), span in seen.items():
            # Places are counted from the range outwards: -1, -2, ... and +1 for size(t), +2, ...
            inner = place + (1 if place < 0 else -1)
            if inner and (axis, inner) not in seen:
                missing = _start_text(main, axis, inner)
                message = f"the starts of '{name}' have a gap: {missing} is missing"
                raise self.fault(message, span, f"give {missing} as well")

    def left_side(self, e: Equation) -> None:
        self.axes(e.name, e.indices, e.span)

    def start_form(self, e: Equation) -> str:
        """What is wrong with the form of a left side that holds no plain indices, or ""."""
        odd = [s for s in e.subscripts if not isinstance(s, Index)]
        if len(odd) > 1:
            return "a start is given for one index at a time"
        return "" if _start_place(odd[0]) else "this cannot stand on the left side"

    def start_key(self, main: Equation, start: Equation) -> tuple[int, int]:
        """The axis of a start, and its place: -1, -2, ... below and 1, 2, ... above the range."""
        if len(start.subscripts) != len(main.subscripts):
            raise self.fault(
                f"this start has {len(start.subscripts)} subscripts, not {len(main.subscripts)}",
                start.span,
                f"the equation it starts is {_left(main)} = ...",
            )
        fault = self.start_form(start)
        axis = next(a for a, s in enumerate(start.subscripts) if not isinstance(s, Index))
        index = main.indices[axis]
        subscript = start.subscripts[axis]
        below, above = _start_text(main, axis, -1), _start_text(main, axis, 1)
        hint = f"a start is {below}, or {above} where the recurrence runs backwards"
        if fault:
            raise self.fault(fault, subscript.span or start.span, hint)
        for size in _sizes_in(subscript):
            if size.index != index:
                raise self.fault(f"the index here is '{index}'", size.span or start.span, hint)
        expected = [i for i in main.indices if i != index]
        if list(start.indices) != expected:
            raise self.fault("a start has the indices of its equation", start.span, hint)
        return axis, _start_place(subscript)

    def size_statements(self) -> None:
        items = [
            (s, index, e)
            for s in self.system.statements
            if isinstance(s, Sizes)
            for index, e in s.items
        ]
        seen: set[str] = set()
        for statement, index, e in items:
            span = e.span or statement.span
            if index in RESERVED:
                raise self.fault(f"'{index}' is a word of the language, not an index", span)
            if index in seen:
                raise self.fault(f"the size of '{index}' is given twice", span)
            seen.add(index)
            for reference in references(e):
                hint = f"the size of another index is size({reference.tensor})"
                raise self.fault("a size is computed from numbers", reference.span or span, hint)
            self.contexts.place = span
            self.contexts.whole(e, frozenset())
            self.size_circle(index, span)

    def size_circle(self, index: str, span: Span | None) -> None:
        path, waiting = {index}, [index]
        while waiting:
            e = self.system.sizes.get(waiting.pop())
            for size in _sizes_in(e) if e is not None else ():
                if size.index == index:
                    raise self.fault(f"the size of '{index}' depends on itself", span)
                if size.index not in path:
                    path.add(size.index)
                    waiting.append(size.index)

    def batch(self) -> None:
        batches = [s for s in self.system.statements if isinstance(s, Batch)]
        if len(batches) > 1:
            raise self.fault("there is more than one 'batch'", batches[1].span, "one is enough")
        for s in batches:
            if s.index not in self.contexts.known_indices:
                hint = resembling(s.index, self.contexts.known_indices)
                hint = hint or "it is the index of the samples: given x[n,i]"
                raise self.fault(f"there is no index '{s.index}'", s.span, hint)

    def updates(self) -> None:
        seen: set[str] = set()
        for update in self.system.updates:
            tensor = self.system.tensors.get(update.name)
            if tensor is None:
                hint = resembling(update.name, self.system.tensors) or "declare it: state v ~ zeros"
                raise self.fault(f"there is no tensor '{update.name}'", update.span, hint)
            if tensor.kind not in ("param", "state"):
                what = "has an equation" if tensor.kind == "equation" else f"is a {tensor.kind}"
                hint = "only a param or a state is updated with <-"
                raise self.fault(f"'{update.name}' {what}", update.span, hint)
            if len(update.indices) != len(tensor.indices):
                hint = f"it is {_named(tensor.name, tensor.indices)}"
                raise self.fault("wrong number of subscripts", update.span, hint)
            if update.name in seen:
                raise self.fault(f"'{update.name}' is updated twice", update.span)
            seen.add(update.name)
            self.axes(update.name, update.indices, update.span)
            self.contexts.check(update.value, update.indices, update.span)

    def goals(self) -> None:
        """`minimize` and `predict`."""
        costs = [s for s in self.system.statements if isinstance(s, Minimize)]
        if len(costs) > 1:
            hint = "their sum can be one cost"
            raise self.fault("there is more than one 'minimize'", costs[1].span, hint)
        for s in costs:
            self.known([s.name], s)
            tensor = self.system.tensors[s.name]
            if tensor.kind != "equation":
                message = f"the cost '{s.name}' is a {tensor.kind}, and not computed"
                raise self.fault(message, s.span, "a cost has an equation")
            if tensor.indices:
                hint = f"make it one, for instance J = mean[{','.join(tensor.indices)}]({tensor})"
                raise self.fault(f"the cost {tensor} is not a scalar", s.span, hint)
        for p in self.system.statements:
            if isinstance(p, Predict):
                self.known(p.names, p)

    def known(self, names: Iterable[str], statement: Minimize | Predict) -> None:
        for name in names:
            if name not in self.system.tensors:
                hint = resembling(name, self.system.tensors)
                raise self.fault(f"there is no tensor '{name}'", statement.span, hint)

    def derivatives(self, in_equations: set[Reference]) -> None:
        """A derivative without an equation may be read by updates only."""
        waiting = self.contexts.open_derivatives
        if waiting and self.system.cost is None:
            hint = "say of what it is the derivative: minimize J"
            raise self.fault(f"'{waiting[0].tensor}' needs a cost", waiting[0].span, hint)
        if not in_equations:
            return
        goals = [*([self.system.cost] if self.system.cost else []), *self.system.predictions]
        for equation in prerequisites(self.system, goals).equations:
            for reference in references(equation.value):
                if reference in in_equations:
                    message = f"the cost or a prediction would depend on '{reference.tensor}'"
                    hint = "a derivative of the cost can only be used in updates"
                    raise self.fault(message, reference.span or equation.span, hint)


def _start_place(subscript: Expression) -> int:
    """-l for the subscript -l, m + 1 for size(t) + m, and 0 for what starts nothing."""
    if isinstance(subscript, Size):
        return 1
    if isinstance(subscript, Number) and isinstance(subscript.value, int):
        return min(subscript.value, 0)
    if isinstance(subscript, Add):
        sizes = [t for t in subscript.terms if isinstance(t, Size)]
        numbers = [t.value for t in subscript.terms if isinstance(t, Number)]
        if len(subscript.terms) == 2 and len(sizes) == 1 and len(numbers) == 1:
            (offset,) = numbers
            return 1 + offset if isinstance(offset, int) and offset > 0 else 0
    return 0


def _start_text(main: Equation, axis: int, place: int) -> str:
    index = main.indices[axis]
    above = f"size({index})+{place - 1}" if place > 1 else f"size({index})"
    parts = list(main.indices)
    parts[axis] = str(place) if place < 0 else above
    return f"{main.name}[{', '.join(parts)}]"


def _left(e: Equation) -> str:
    return _named(e.name, e.indices)


def _named(name: str, indices: Sequence[str]) -> str:
    return f"{name}[{','.join(indices)}]" if indices else name
