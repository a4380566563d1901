"""`attempt`: judge a derivative that a user wrote.

The equation is compared with the derived one, by algebra and by its values,
on the user's data and on random ones. Where it is wrong, small changes to it
are tried until one makes it right: that change says what was missing, too
much, or in the wrong place.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..calculus.route import whiteboard
from ..errors import WhygradError
from .algebra import is_same
from .answer import Answer, read_answer
from .diagnosis import Diagnosis
from .display import number_text
from .mistakes import Mistakes
from .verdict import Verdict
from .why import Explainer
from .worlds import World, random_worlds, world

# The user's own data may be ill-conditioned for the form that the user chose.
_LENIENT = 1e-6


def attempt(text: str, explainer: Explainer) -> Verdict:
    """Judge an equation such as `δz2[n,k] = (yhat[n,k] - [k == y[n]]) * a1[n,k]`.

    Raises WhygradError if the text is no equation for a derivative of the system.
    """
    derivation = explainer.derivation
    answer = read_answer(text, derivation)
    link = answer.link
    own = world(explainer.values, link)
    others = random_worlds(link, explainer.values) or ([own] if own is not None else [])
    if not others:
        raise WhygradError(f"{link.name} is not finite on these data, so nothing can be compared")
    right = not answer.loose and all(w.agrees(answer.value) for w in others)
    findings = _unlike(answer, own) if right else _findings(answer, explainer, others)
    right = right and not findings
    return Verdict(
        text.strip(),
        right,
        right and is_same(answer.value, link, derivation),
        findings,
        str(whiteboard(derivation, link).equation),
        str(derivation.simplified(link)),
    )


def _findings(answer: Answer, explainer: Explainer, worlds: Sequence[World]) -> tuple[str, ...]:
    """What is wrong with an answer that is not right."""
    with np.errstate(all="ignore"):  # a wrong answer may be infinite
        return _diagnosed(answer, explainer, worlds)


def _diagnosed(answer: Answer, explainer: Explainer, worlds: Sequence[World]) -> tuple[str, ...]:
    mistakes = Mistakes(explainer.derivation, answer.link)
    diagnosis = Diagnosis(mistakes, worlds)
    if not answer.loose:
        return diagnosis.findings(answer.value)
    missing = f"a sum over {', '.join(answer.loose)} is missing"
    if all(w.agrees(answer.value) for w in worlds):
        return (missing,)
    for edit in mistakes.edits(answer.bare):
        if edit.value.free <= mistakes.axes and all(w.agrees(edit.value) for w in worlds):
            return (edit.finding,)
    return (missing, *diagnosis.findings(answer.value))


def _unlike(answer: Answer, own: World | None) -> tuple[str, ...]:
    """Where an answer that is right elsewhere has other values on the user's data."""
    if own is None:
        return ()
    values = own.of(answer.value)
    scale = float(np.max(np.abs(own.truth), initial=0.0))
    if values is None:
        return ("on your data it cannot be computed",)
    far = ~(np.abs(values - own.truth) <= _LENIENT * scale)
    if not far.any():
        return ()
    first = int(np.argmax(far))
    at = own.places()[first]
    element = f"{answer.link.name}[{','.join(map(str, at))}]" if at else answer.link.name
    return (
        f"on your data {element} would be {number_text(float(values[first]))}, and it is "
        f"{number_text(float(own.truth[first]))}: it is right elsewhere, so this is a kink, "
        "or a form that does not stay finite",
    )
