"""How long a table of images takes on its way into a network: `python -m benchmarks.images`.

70,000 images of 28 by 28 whole numbers, from Parquet and from CSV; beside it what polars itself
takes to read the file.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from whygrad.table import Preprocessing, read_table

from .core import show


def images(rows: int = 70_000, pixels: int = 784) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    ink = rng.integers(0, 256, size=(rows, pixels)) * (rng.random((rows, pixels)) < 0.2)
    columns = {f"pixel{i}": ink[:, i] for i in range(pixels)}
    return pl.DataFrame({**columns, "digit": rng.integers(0, 10, size=rows)})


def main() -> None:
    with TemporaryDirectory() as folder:
        parquet, text = Path(folder, "images.parquet"), Path(folder, "images.csv")
        frame = images()
        frame.write_parquet(parquet)
        frame.write_csv(text)
        show("polars reads Parquet", lambda: pl.read_parquet(parquet), rounds=3)
        show("read_table, Parquet", lambda: read_table(parquet), rounds=3)
        show("polars reads CSV", lambda: pl.read_csv(text), rounds=3)
        show("read_table, CSV", lambda: read_table(text), rounds=3)
        frame = read_table(text)
    rows = np.arange(60_000)
    prepared = Preprocessing.fit(frame, "digit", rows, classes=True)
    show("fit", lambda: Preprocessing.fit(frame, "digit", rows, classes=True), rounds=3)
    show("inputs", lambda: prepared.inputs(frame), rounds=3)
    show("targets", lambda: prepared.targets(frame), rounds=3)


if __name__ == "__main__":
    main()
