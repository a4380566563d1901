"""The data: class numbers and float32 inputs, the same at each call."""

from __future__ import annotations

import gzip
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Samples = tuple[NDArray[np.float32], NDArray[np.int64]]

# where Debian's package dataset-fashion-mnist puts its files
FASHION = Path("/usr/share/datasets/fashion-mnist")


def random(rows: int, inputs: int, classes: int) -> Samples:
    """Numbers from a normal distribution; one class in two of them where there is no more."""
    rng = np.random.default_rng(2)
    x = rng.standard_normal((rows, inputs), np.float32)
    return x, rng.integers(0, max(classes, 2), size=rows)


def spiral(rows: int, inputs: int, classes: int) -> Samples:
    """Arms of a spiral in the plane, an arm to a class."""
    rng = np.random.default_rng(2)
    y = rng.integers(0, classes, size=rows)
    radius = np.sqrt(rng.random(rows))
    angle = 2 * np.pi * (1.5 * radius + y / classes) + rng.normal(0, 0.1, size=rows)
    x = radius * np.stack([np.cos(angle), np.sin(angle)])
    return np.ascontiguousarray(x.T, np.float32), y


def digits(rows: int, inputs: int, classes: int) -> Samples:
    """Scikit-learn's images of 8 by 8 from 0 to 1; without it, random numbers."""
    if not find_spec("sklearn"):
        return random(rows, inputs, classes)
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return (x[:rows] / 16).astype(np.float32), y[:rows].astype(np.int64)


def fashion(rows: int, inputs: int, classes: int) -> Samples:
    """Images of Fashion-MNIST (Xiao and others, 2017) from 0 to 1; without it, random numbers."""
    try:
        images = gzip.decompress((FASHION / "train-images-idx3-ubyte.gz").read_bytes())[16:]
        labels = gzip.decompress((FASHION / "train-labels-idx1-ubyte.gz").read_bytes())[8:]
    except OSError:
        return random(rows, inputs, classes)
    x = np.frombuffer(images, np.uint8).reshape(-1, inputs)[:rows]
    y = np.frombuffer(labels, np.uint8)[:rows]
    return x.astype(np.float32) / 255, y.astype(np.int64)
