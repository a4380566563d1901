"""The order in which the equations of a system are evaluated.

The unit is a piece: the equation of a tensor's whole range, or one start of
a recurrence. Pieces that need each other form a loop over an index, if every
reference among them steps that index by constants in one direction; anything
else that needs itself is a circular definition.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from ..errors import LanguageError
from .affine import affine
from .expression import Expression, Index, Pad, Reduce, Reference, Size, Softmax
from .system import Comment, Equation, Minimize, Predict, Statement, System, Update


@dataclass(frozen=True, slots=True)
class Group:
    """Equations that are evaluated together.

    Without an index it is one equation. With an index it is a loop over that
    index, upwards (direction 1) or downwards (-1), and the equations stand in
    the order in which they run within one step.
    """

    equations: tuple[Equation, ...]
    index: str | None = None
    direction: int = 1


class Link(NamedTuple):
    """Piece number `source` reads piece number `target`.

    `bound` holds the indices that the reductions around the reference bind.
    """

    source: int
    target: int
    reference: Reference
    bound: frozenset[str]


Links = Sequence[Sequence[Link]]


def order(system: System) -> tuple[Group, ...]:
    """All equations in groups, each after what it needs, otherwise in the author's order.

    A name that has no equation (data, parameters, a derivative still to be
    derived) is there from the start. Raises LanguageError for a circular
    definition and names the circle.
    """
    links = _links(system)
    components = _components([[link.target for link in piece] for piece in links])
    return tuple(_group(system, component, links) for component in components)


def prerequisites(system: System, names: Iterable[str]) -> System:
    """The part of a system that computes `names`: declarations, sizes and the equations needed.

    A name is that of a tensor or, as `w <-`, of the update of w. Comments go,
    and so do `minimize` and `predict` of what is not computed.
    """
    updates = {f"{u.name} <-": u for u in system.updates}
    needed: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in needed:
            continue
        needed.add(name)
        rules = (updates[name],) if name in updates else system.definitions.get(name, ())
        waiting.extend(reference.tensor for rule in rules for reference, _ in _reads(rule.value))
    computed = needed | set(system.declarations)
    kept = (_restricted(s, needed, computed) for s in system.statements)
    return System(tuple(s for s in kept if s is not None), system.source)


def _restricted(s: Statement, needed: set[str], computed: set[str]) -> Statement | None:
    if isinstance(s, Comment):
        return None
    if isinstance(s, Equation):
        return s if s.name in needed else None
    if isinstance(s, Update):
        return s if f"{s.name} <-" in needed else None
    if isinstance(s, Minimize):
        return s if s.name in computed else None
    if isinstance(s, Predict):
        names = tuple(n for n in s.names if n in computed)
        return Predict(names, comment=s.comment, span=s.span) if names else None
    return s


# What reads what


def _links(system: System) -> list[list[Link]]:
    """For each piece its links, in the order in which the references stand."""
    pieces: dict[str, list[int]] = {}
    for number, equation in enumerate(system.equations):
        pieces.setdefault(equation.name, []).append(number)
    return [
        [
            Link(number, target, reference, bound)
            for reference, bound in _reads(equation.value)
            for target in pieces.get(reference.tensor, ())
            if len(pieces[reference.tensor]) == 1
            or _may_read(system, reference, system.equations[target])
        ]
        for number, equation in enumerate(system.equations)
    ]


def _reads(e: Expression) -> Iterator[tuple[Reference, frozenset[str]]]:
    """Every reference in an expression, with the indices that are bound around it."""
    stack: list[tuple[Expression, frozenset[str]]] = [(e, frozenset())]
    while stack:
        node, bound = stack.pop()
        if isinstance(node, Reference):
            yield node, bound
        elif isinstance(node, Reduce | Softmax):
            bound = bound | frozenset(node.indices)
        stack.extend((child, bound) for child in reversed(node.children))


def _may_read(system: System, reference: Reference, piece: Equation) -> bool:
    """Whether the reference can meet the piece, whatever the sizes are."""
    whole = system.definitions[piece.name][0].subscripts
    for subscript, place, axis in zip(reference.subscripts, piece.subscripts, whole, strict=False):
        name = _axis(system, axis)
        covered = RANGE if isinstance(place, Index) else _reach(system, place, name)
        if not _reach(system, subscript, name).meets(covered):
            return False
    return True


def _axis(system: System, subscript: Expression) -> str | None:
    return _original(system, subscript.name) if isinstance(subscript, Index) else None


def _original(system: System, index: str) -> str:
    """The index of which this one is a copy (`size t2 = size(t)`), or itself."""
    seen = {index}
    while isinstance(size := system.sizes.get(index), Size) and size.index not in seen:
        index = size.index
        seen.add(index)
    return index


class Reach(NamedTuple):
    """Bounds of a subscript: low..high, and size + below .. size + above."""

    low: float = -inf
    high: float = inf
    below: float = -inf
    above: float = inf

    def meets(self, other: Reach) -> bool:
        """Whether both can take one value, for some size of 1 or more."""
        low, high = max(self.low, other.low), min(self.high, other.high)
        below, above = max(self.below, other.below), min(self.above, other.above)
        return low <= high and below <= above and below + 1 <= high


# what an index takes on its own axis: 0 .. size - 1
RANGE = Reach(low=0, above=-1)


def _reach(system: System, subscript: Expression, axis: str | None) -> Reach:
    """What a subscript on an axis can take, as far as it shows without sizes."""
    form = affine(subscript.subscript if isinstance(subscript, Pad) else subscript)
    if form is None or len(form.coefficients) > 1:
        return Reach()
    c = form.constant
    if not form.coefficients:
        return Reach(low=c, high=c, above=c - 1)
    ((node, coefficient),) = form.coefficients.items()
    if coefficient != 1:
        return Reach()
    if isinstance(node, Index):
        same = _original(system, node.name) == axis
        return Reach(low=c, above=c - 1 if same else inf)
    assert isinstance(node, Size)
    same = _original(system, node.index) == axis
    return Reach(low=c + 1, below=c, above=c) if same else Reach(low=c + 1)


# Groups


def _components(targets: Sequence[Sequence[int]]) -> list[list[int]]:
    """The strongly connected components, each after those that it reads.

    Tarjan, SIAM Journal on Computing 1 (1972) 146-160, without recursion.
    """
    found: list[list[int]] = []
    number: dict[int, int] = {}
    lowest: dict[int, int] = {}
    open_nodes: list[int] = []
    is_open: set[int] = set()
    for root in range(len(targets)):
        path = [] if root in number else [(root, iter(targets[root]))]
        while path:
            node, rest = path[-1]
            if node not in number:
                number[node] = lowest[node] = len(number)
                open_nodes.append(node)
                is_open.add(node)
            for target in rest:
                if target not in number:
                    path.append((target, iter(targets[target])))
                    break
                if target in is_open:
                    lowest[node] = min(lowest[node], number[target])
            else:
                path.pop()
                if path:
                    lowest[path[-1][0]] = min(lowest[path[-1][0]], lowest[node])
                if lowest[node] == number[node]:
                    component = [open_nodes.pop()]
                    while component[-1] != node:
                        component.append(open_nodes.pop())
                    is_open.difference_update(component)
                    found.append(sorted(component))
    return found


def _group(system: System, component: list[int], links: Links) -> Group:
    equations = system.equations
    members = set(component)
    inner = [link for n in component for link in links[n] if link.target in members]
    if not inner:
        return Group((equations[component[0]],))
    common = [i for i in equations[component[0]].indices if _in_all(i, equations, component)]
    for index in common:
        steps = [_step(link, equations, index) for link in inner]
        if None in steps:
            continue
        signs = {(step > 0) - (step < 0) for step in steps if step}
        if len(signs) == 1:
            within = [link for link, step in zip(inner, steps, strict=True) if step == 0]
            ordered = _sorted(component, within)
            if ordered is not None:
                return Group(tuple(equations[n] for n in ordered), index, -signs.pop())
    raise _circular(system, component, inner, common)


def _in_all(index: str, equations: Sequence[Equation], component: list[int]) -> bool:
    return all(index in equations[n].indices for n in component)


def _step(link: Link, equations: Sequence[Equation], index: str) -> int | None:
    """c, where the reference reads its tensor at `index + c`; None where it does not."""
    if index in link.bound:
        return None
    subscript = link.reference.subscripts[equations[link.target].subscripts.index(Index(index))]
    form = affine(subscript.subscript if isinstance(subscript, Pad) else subscript)
    if form is None or form.coefficients != {Index(index): 1}:
        return None
    return form.constant


def _sorted(component: list[int], links: Iterable[Link]) -> list[int] | None:
    """The pieces each after what it reads by these links, or None if that is a circle."""
    position = {n: p for p, n in enumerate(component)}
    targets: list[list[int]] = [[] for _ in component]
    for link in links:
        targets[position[link.source]].append(position[link.target])
    components = _components(targets)
    if len(components) < len(component) or any(p in t for p, t in enumerate(targets)):
        return None
    return [component[p] for (p,) in components]


# Circles


def _circular(
    system: System, component: list[int], inner: list[Link], common: list[str]
) -> LanguageError:
    """The error for pieces that need each other and are no loop: which circle, and why."""
    links, faulty = inner, inner
    hint = "a value cannot need itself, except from another step: h[t] = h[t-1] + x[t]"
    for index in common:
        steps = [_step(link, system.equations, index) for link in inner]
        moves = [step for step in steps if step]
        if not moves:
            continue
        if None in steps:
            faulty = [link for link, step in zip(inner, steps, strict=True) if step is None]
            name = faulty[0].reference.tensor
            hint = f"in a loop over {index}, {name} can be read only at {index} plus a constant"
        elif len({move > 0 for move in moves}) == 2:
            faulty = [
                link
                for link, step in zip(inner, steps, strict=True)
                if step and (step > 0) != (moves[0] > 0)
            ]
            hint = f"a loop over {index} reads only earlier steps, or only later ones"
        else:
            links = [link for link, step in zip(inner, steps, strict=True) if step == 0]
            faulty = links
            hint = f"these need each other within one step of {index}"
        break
    circles = ((link, _circle(links, link)) for link in faulty)
    first, circle = next((link, circle) for link, circle in circles if circle)
    return LanguageError(
        "circular definition: " + " -> ".join(_label(system.equations[n]) for n in circle),
        span=first.reference.span or system.equations[first.source].span,
        source=system.source,
        hint=hint,
    )


def _circle(links: Iterable[Link], first: Link) -> list[int]:
    """The shortest circle of pieces that begins with a link; empty where there is none."""
    targets: dict[int, list[int]] = {}
    for link in links:
        targets.setdefault(link.source, []).append(link.target)
    before: dict[int, int] = {first.target: first.source}
    waiting = deque([first.target])
    while waiting and (node := waiting.popleft()) != first.source:
        for target in targets.get(node, ()):
            if target not in before:
                before[target] = node
                waiting.append(target)
    if first.source not in before:
        return []
    path = [first.source]
    while (node := before[path[-1]]) != first.source:
        path.append(node)
    return [first.source, *reversed(path)]


def _label(piece: Equation) -> str:
    if not piece.is_start:
        return piece.name
    return f"{piece.name}[{', '.join(str(s) for s in piece.subscripts)}]"
