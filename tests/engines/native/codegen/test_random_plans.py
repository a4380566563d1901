"""Random plans in machine code give what plain loops give, exactly."""

from __future__ import annotations

import os

import numpy as np
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from tests.engines.native.codegen.plans import Drawn, plans
from tests.engines.native.codegen.running import Compiled, runnable
from tests.engines.native.interpreter import Interpreter

from whygrad.engines.native.jit import Target

DRAWS = int(os.environ.get("WHYGRAD_DRAWS", "60"))


@settings(
    max_examples=DRAWS,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(plans(), st.sampled_from(runnable()), st.sampled_from(["float32", "float64"]))
def test_random_plans(drawn: Drawn, target: Target, dtype: str) -> None:
    """With one thread and with two, in memory of their own and in shared memory."""
    loops = Interpreter(drawn.plan, drawn.sizes, drawn.arrays)
    try:
        expected = loops.run()
        outside = False
    except IndexError:
        outside = True
    event(f"outside: {outside}")
    compiled = Compiled(drawn.plan, drawn.system, dtype, target)
    for threads, shared in ((1, False), (2, True)):
        found = compiled.run(drawn.arrays, drawn.sizes, threads, shared)
        assert compiled.flags == (outside, False)
        if outside:
            continue
        for name, values in expected.items():
            if np.abs(values).max(initial=0) < 2**23:  # beyond it float32 rounds
                np.testing.assert_array_equal(found[name], values, name)
