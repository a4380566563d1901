"""Which element is asked about: from `w1[0,2]` to a tensor and whole numbers."""

from __future__ import annotations

from ..calculus.chain import Link
from ..calculus.derivation import Derivation
from ..errors import WhygradError, nearest
from ..language.expression import Expression, Index, Reference
from ..language.parsing import parse_expression
from ..language.system import Tensor, Update
from .values import Values


def tensor_asked(text: str, cost: str) -> str:
    """The name before the brackets, which may also be written δw1[0,2] or ∂J/∂w1[0,2]."""
    name = _bare(text, cost).partition("[")[0].strip()
    return name.removeprefix("d_").lstrip("δ") or name


def _bare(text: str, cost: str) -> str:
    if not isinstance(text, str):
        raise WhygradError(f"an element is asked for by a text such as 'w[0,2]', not by {text!r}")
    return text.strip().removeprefix(f"∂{cost}/∂")


def element(text: str, values: Values) -> tuple[Link, tuple[int, ...]]:
    """The piece of the derivation that holds an element such as `w1[0,2]`, and its place.

    Raises WhygradError where there is no such element, and says what there is.
    """
    derivation = values.derivation
    e = _reference(text, values)
    pieces = [k for k in derivation.links if e.tensor in (k.tensor, k.name)]
    if not pieces:
        raise _unknown(e.tensor, derivation)
    tensor = derivation.named.tensors[pieces[0].tensor]
    return place(pieces, _numbers(e, tensor, values), values)


def updated(text: str, values: Values) -> tuple[Update, tuple[int, ...]]:
    """The update that changes an element such as `w1[0,2]` in a training step, and its place.

    Raises WhygradError where no step changes it, and says what is changed.
    """
    e = _reference(text, values)
    updates = {u.name: u for u in values.system.updates}
    if e.tensor not in updates:
        hint = nearest(e.tensor, updates)
        raise WhygradError(f"no step of the training changes '{e.tensor}'; {hint}")
    tensor = values.system.tensors[e.tensor]
    at = _numbers(e, tensor, values)
    if any(n not in r for n, r in zip(at, values.extents[tensor.name], strict=True)):
        raise _outside(tensor, at, values)
    return updates[e.tensor], at


def _reference(text: str, values: Values) -> Reference:
    derivation = values.derivation
    tensors = {**derivation.named.tensors, **values.system.tensors}
    e = parse_expression(_bare(text, derivation.cost), tensors=tensors)
    if not isinstance(e, Reference):
        raise WhygradError(
            f"'{text}' is no element of a tensor: write it like {_example(derivation)}"
        )
    return e


def place(pieces: list[Link], at: tuple[int, ...], values: Values) -> tuple[Link, tuple[int, ...]]:
    """The piece of a derivative that holds an element: the main one, or a start."""
    for link in reversed(pieces):
        if all(_covers(s, value, values) for s, value in zip(link.subscripts, at, strict=True)):
            return link, at
    raise _outside(values.derivation.named.tensors[pieces[0].tensor], at, values)


def _outside(tensor: Tensor, at: tuple[int, ...], values: Values) -> WhygradError:
    ranges = values.extents[tensor.name]
    bounds = ", ".join(
        f"{i} goes from {r.start} to {r.stop - 1}"
        for i, r in zip(tensor.indices, ranges, strict=True)
    )
    subscripts = ",".join(map(str, at))
    return WhygradError(f"there is no {tensor.name}[{subscripts}]: {bounds}")


def _covers(subscript: Expression, value: int, values: Values) -> bool:
    if isinstance(subscript, Index):
        return 0 <= value < values.sizes[subscript.name]
    return values.whole_number(subscript) == value


def _numbers(e: Reference, tensor: Tensor, values: Values) -> tuple[int, ...]:
    if len(e.subscripts) != len(tensor.indices):
        wanted = f"write {tensor} with numbers" if tensor.indices else "it is a single number"
        raise WhygradError(
            f"{tensor.name} has {_count(len(tensor.indices))}, "
            f"{_given(len(e.subscripts))} given: {wanted}"
        )
    found = [values.whole_number(s) for s in e.subscripts]
    if None in found:
        raise WhygradError(f"'{e}' is no single element: write {tensor} with whole numbers")
    return tuple(n for n in found if n is not None)


def _count(indices: int) -> str:
    if not indices:
        return "no index"
    return "1 index" if indices == 1 else f"{indices} indices"


def _given(count: int) -> str:
    return "1 is" if count == 1 else f"{count} are"


def _unknown(name: str, derivation: Derivation) -> WhygradError:
    if name in (derivation.cost, derivation.mark + derivation.cost):
        return WhygradError(
            f"{name} is the cost itself: ∂{derivation.cost}/∂{derivation.cost} = 1. "
            f"Ask about {_example(derivation)}"
        )
    hint = nearest(name.removeprefix(derivation.mark), derivation.named.tensors)
    return WhygradError(f"the network has no tensor '{name}'; {hint}")


def _example(derivation: Derivation) -> str:
    names = [w for w in derivation.wanted if w in derivation.named.tensors]
    if not names:
        return "w[0,2]"
    axes = derivation.named.tensors[names[0]].indices
    return f"{names[0]}[{','.join('0' for _ in axes)}]" if axes else names[0]
