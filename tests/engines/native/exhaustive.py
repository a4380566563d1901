"""Every float32: `python -m tests.engines.native.exhaustive NAME ... [--stride 97] [--on SSE2]`.

`--lanes 1` is for what one number is looked up in; by default a vector fills 64 bytes.

Prints the largest error of each function in ulp and where it is. All four thousand million values
take minutes; a stride looks at every so many of them.
"""

from __future__ import annotations

from argparse import ArgumentParser

import numpy as np
from tests.engines.native import compiled
from tests.engines.native.exact import exact, ulps

from whygrad.engines.native.functions import NAMES, arguments

BLOCK = 1 << 21


def worst(name: str, stride: int, lanes: int, processor: tuple[str, str]) -> tuple[float, float]:
    """The largest error over all float32, and for what argument."""
    found = (0.0, 0.0)
    for start in range(0, 1 << 32, BLOCK * stride):
        end = min(start + BLOCK * stride, 1 << 32)
        x = np.arange(start, end, stride, dtype=np.uint64).astype(np.uint32).view(np.float32)
        error = ulps(compiled.apply(name, x, lanes=lanes, processor=processor), exact(name, x))
        at = int(error.argmax())
        found = max(found, (float(error[at]), float(x[at])))
    return found


def main() -> None:
    parser = ArgumentParser(description="The largest errors of the functions over all float32.")
    parser.add_argument("names", nargs="*", default=sorted(NAMES))
    parser.add_argument("--stride", type=int, default=1)
    parser.add_argument("--lanes", type=int, default=0)
    parser.add_argument("--on", choices=("HOST", "AVX2", "SSE2"), default="HOST")
    given = parser.parse_args()
    for name in given.names:
        if arguments(name) == 1:
            error, x = worst(name, given.stride, given.lanes, getattr(compiled, given.on))
            print(f"{name:10}{error:8.4f} ulp at {x!r}", flush=True)


if __name__ == "__main__":
    main()
