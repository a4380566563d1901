"""Random systems, of every feature of the language in every mixture, agree with JAX.

`WHYGRAD_DRAWS` says how many are drawn (150 unless told). For many of them, in
several processes and with a report of what was drawn:
`python -m tests.oracle.soak 10000`.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.oracle.random_systems import FEATURES, Case, random_case
from tests.oracle.trial import report, trial

DRAWS = int(os.environ.get("WHYGRAD_DRAWS", "150"))

# Hypothesis's own choices shrink a failure to a small text, but they favour small texts
# throughout; those of a seed are even.
RANDOMS = st.randoms(use_true_random=False) | st.integers(0, 2**32 - 1).map(random.Random)


def test_every_derivative_agrees_with_jax(capsys: pytest.CaptureFixture[str]) -> None:
    drawn: Counter[str] = Counter()

    def check(case: Case) -> None:
        outcome = trial(case)
        drawn.update(outcome.features)
        assert not outcome.faults, outcome

    @settings(
        max_examples=DRAWS,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(RANDOMS)
    def run(rnd: random.Random) -> None:
        check(random_case(rnd))

    run()
    for case in having(FEATURES - set(drawn), drawn):
        check(case)
    with capsys.disabled():
        print(f"\n{report(drawn)}")
    assert set(drawn) >= FEATURES | {"tie"}


def having(features: frozenset[str], drawn: Counter[str]) -> Iterator[Case]:
    """Cases with the features that chance left out, until each was seen."""
    seeds = iter(range(100_000))
    for feature in sorted(features):
        while not drawn[feature]:
            case = random_case(random.Random(next(seeds)))
            if feature in case.features:
                yield case
