"""What a training was like, epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

ROWS = 12


@dataclass
class History:
    """One number an epoch; a list stays empty where there is nothing to measure.

    `cost` and `accuracy` are means over the steps of the epoch, as the parameters were at
    each of them; `validation_cost` and `validation_accuracy` belong to the parameters at the
    end of the epoch, on the rows held out. Accuracy is the share of class numbers `y[n] in k`
    at which the prediction is largest.
    """

    cost: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    validation_cost: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.cost)

    def __str__(self) -> str:
        """A table of at most a dozen epochs, the first and the last among them."""
        columns = dict(self._columns())
        last = len(self) - 1
        shown = sorted({round(row * last / (ROWS - 1)) for row in range(ROWS)}) if self else []
        lines = [["epoch", *(name.replace("_", " ") for name in columns)]]
        lines += [
            [str(epoch + 1), *(_text(name, values[epoch]) for name, values in columns.items())]
            for epoch in shown
        ]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
            for line in lines
        )

    def line(self, epochs: int) -> str:
        """The last epoch, of so many, in words."""
        last = {name: _text(name, values[-1]) for name, values in self._columns()}
        trained = [f"{name} {last[name]}" for name in ("cost", "accuracy") if name in last]
        held_out = [last[n] for n in ("validation_cost", "validation_accuracy") if n in last]
        ending = f"; held out {', '.join(held_out)}" if held_out else ""
        return f"epoch {len(self)}/{epochs}: {', '.join(trained)}{ending}"

    def _columns(self) -> Iterator[tuple[str, list[float]]]:
        for name in ("cost", "accuracy", "validation_cost", "validation_accuracy"):
            values: list[float] = getattr(self, name)
            if values:
                yield name, values


def _text(name: str, value: float) -> str:
    return f"{value:.1%}" if name.endswith("accuracy") else f"{value:.4g}"
