"""A small table: insects of three kinds, by measurements and a colour."""

import numpy as np
import polars as pl

NAMES = ("ant", "bee", "wasp")


def insects(rows: int = 60, kinds: int = 3) -> pl.DataFrame:
    """Three kinds that differ in two numbers and a text, with a constant column besides."""
    random = np.random.default_rng(1)
    kind = random.integers(0, kinds, rows)
    kind[:kinds] = range(kinds)
    return pl.DataFrame(
        {
            "length": 5 + 3 * kind + random.normal(size=rows),
            "kind": [NAMES[k] for k in kind],
            "weight": 100 * (1 + kind) + 30 * random.normal(size=rows),
            "colour": [["black", "red"][k] for k in random.integers(0, 2, rows)],
            "legs": np.full(rows, 6),
        }
    )
