"""The networks of this folder, each with sizes and data to try it at.

The texts also serve as examples of the notation, one file a network.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from whygrad.language.parsing import parse
from whygrad.language.system import System, Tensor

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Known:
    """A network by the name of its file, and the size of every one of its indices.

    `within` bounds what the data of a tensor may be, where a normal
    distribution would not do: `{"y": (0, 1)}` for probabilities.
    """

    name: str
    sizes: Mapping[str, int]
    within: Mapping[str, tuple[float, float]]

    @cached_property
    def text(self) -> str:
        """What the file says, with these sizes in its `size` lines."""
        lines = (FOLDER / f"{self.name}.wg").read_text(encoding="utf-8").splitlines(keepends=True)
        return "".join(self._resized(line) if line.startswith("size") else line for line in lines)

    def _resized(self, line: str) -> str:
        return re.sub(r"(\w+) = \d+", lambda m: f"{m[1]} = {self.sizes[m[1]]}", line)

    def resized(self, sizes: Mapping[str, int]) -> Known:
        """The same network with other sizes; those that follow from others must be given, too."""
        return replace(self, sizes={**self.sizes, **sizes})

    @cached_property
    def system(self) -> System:
        return parse(self.text)

    @property
    def differentiable(self) -> list[str]:
        """The parameters and the data that are not class numbers."""
        return [
            t.name
            for t in self.system.tensors.values()
            if t.kind in ("given", "param") and not t.within
        ]

    def arrays(self, seed: int = 0) -> dict[str, np.ndarray]:
        """Something for everything that is declared, noise excepted, which a run draws."""
        rng = np.random.default_rng(seed)
        return {
            t.name: self._draw(t, rng)
            for t in self.system.tensors.values()
            if t.kind not in ("equation", "noise")
        }

    def _draw(self, tensor: Tensor, rng: np.random.Generator) -> np.ndarray:
        shape = tuple(self.sizes[i] for i in tensor.indices)
        declaration = tensor.declaration
        assert declaration is not None
        if declaration.within:
            return rng.integers(self.sizes[declaration.within], size=shape)
        if declaration.value is not None:
            return np.asarray(float(declaration.value))
        if tensor.name in self.within:
            return rng.uniform(*self.within[tensor.name], size=shape)
        if tensor.kind == "state":
            return rng.uniform(0.5, 1.5, size=shape)
        return rng.normal(scale=0.7 if tensor.kind == "param" else 1.0, size=shape)


def _known(
    name: str, within: Mapping[str, tuple[float, float]] | None = None, **sizes: int
) -> Known:
    return Known(name, sizes, within or {})


KNOWN: dict[str, Known] = {
    known.name: known
    for known in (
        _known("two_nodes"),
        _known("regression", n=4, i=3, j=5, k=2),
        _known("classification", n=4, i=3, j=5, k=3),
        _known("binary_classification", {"y": (0, 1)}, n=4, i=3, j=4, k=3),
        _known("absolute_error", n=5, i=3, j=4),
        _known("huber", n=5, i=3, j=4),
        _known("svm", n=5, i=3, k=4),
        _known("label_smoothing", n=4, i=3, k=3),
        _known("convolution_padded", n=2, c=2, u=4, v=5, o=3, r=3, s=3, p=4, q=5),
        _known(
            "convolution_strided",
            **{"n": 2, "c": 2, "u": 9, "v": 10, "o": 3, "r": 3, "s": 3, "p": 4, "q": 4},
            **{"o2": 4, "r2": 2, "s2": 2, "p2": 2, "q2": 2, "k": 3},
        ),
        _known("convolution_dilated", n=2, t=7, c=3, e=3, r=2),
        _known(
            "pooling_max",
            **{"n": 3, "u": 5, "v": 7, "o": 2, "r": 2, "s": 2, "f": 4, "g": 6},
            **{"d": 2, "e": 2, "p": 2, "q": 3, "m": 12, "k": 3},
        ),
        _known("pooling_mean", n=3, i=3, j=7, d=3, p=3, k=2),
        _known("embedding", n=4, t=5, v=6, d=4, k=3),
        _known("layer_norm", n=4, i=3, j=5),
        _known("batch_norm", n=5, i=3, j=4),
        _known("dropout", n=4, i=3, j=6, k=3),
        _known("residual", n=4, i=3, d=4, j=3),
        _known("concatenation", n=4, i=3, s=2, j=3, k=2, m=5),
        _known("attention", n=2, t=4, u=4, d=3, a=2, e=3),
        _known("transformer", n=2, t=4, u=4, v=5, d=4, a=2, e=2, f=6),
        _known("lstm", n=2, t=4, d=2, j=3, l=3, k=3),
        _known("gru", n=2, t=4, d=2, j=3, l=3),
        _known("bidirectional", n=2, t=4, d=2, j=3, l=3),
        _known("autoregression", n=3, t=5),
    )
}
