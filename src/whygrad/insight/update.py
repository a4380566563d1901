"""Why an update happened: the correction of one element in one training step, part by part."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..calculus.derivation import Derivation
from ..language.expression import Number, Reference
from ..language.substitution import substitute
from .display import number_text
from .explanation import Correction
from .opening import Head
from .parts import Parts
from .target import updated
from .why import Explainer

if TYPE_CHECKING:
    from ..training.replay import TrainingStep


def explain_update(
    target: str, step: TrainingStep, derivation: Derivation, top: int = 10
) -> Correction:
    """Explain what a training step did to an element such as `w1[0,2]`.

    Raises WhygradError for what no step changes.
    """
    arrays = {
        name: array.astype(np.float64) if array.dtype.kind == "f" else array
        for name, array in step.before.items()
    }
    explainer = Explainer(
        derivation,
        step.sizes,
        arrays,
        top=top,
        training=True,
        seed=step.seed,
        system=step.system,
        step=step.number,
        rows=step.rows,
    )
    update, at = updated(target, explainer.values)
    fixed = dict(zip(update.indices, at, strict=True))
    numbers = {i: Number(n) for i, n in fixed.items()}
    parts = Parts(step.system, derivation)
    change = substitute(parts.change(update), numbers, derivation.names)
    opened = parts.of(update)
    explanation = explainer.opening.parts(
        Head(None, Reference(update.name, tuple(numbers.values()))),
        explainer.values.scalar(change),
        [explainer.opening.fixed(c, fixed) for _, c in opened],
        [label for label, _ in opened],
    )
    before, after = (float(values[update.name][at]) for values in (step.before, step.after))
    correction = Correction(**vars(explanation), step=step.number, before=before, after=after)
    difference = after - before - correction.value
    if abs(difference) <= 2.0**-50 * abs(before) + 1e-12 * correction.magnitude:
        return correction
    dtype = step.after[update.name].dtype
    note = f"the training's own correction, in {dtype}, differs by {number_text(difference, 2)}"
    return replace(correction, note=note)
