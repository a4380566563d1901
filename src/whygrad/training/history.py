"""What a training was like, epoch by epoch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING

from ..errors import DataError
from ..network.arguments import is_number

if TYPE_CHECKING:
    import polars as pl

ROWS = 12
MEASURES = ("", "accuracy", "R²")


@dataclass
class History:
    """One number an epoch; a list stays empty where there is nothing to measure.

    `cost` and `score` are means over the steps of the epoch, as the parameters were at each of
    them; `validation_cost` and `validation_score` belong to the parameters at the end of the
    epoch, on the rows held out. `measure` says what the score is: "accuracy", the share that is
    predicted rightly, or "R²", where numbers are predicted.

    `interrupted` says that Ctrl-C ended the training, after the last epoch here or in the next.
    `best` is the number of the epoch, counted from 1, to which early stopping went back; 0 if no
    epoch had a finite cost on the rows held out.
    """

    measure: str = ""
    cost: list[float] = field(default_factory=list)
    score: list[float] = field(default_factory=list)
    validation_cost: list[float] = field(default_factory=list)
    validation_score: list[float] = field(default_factory=list)
    interrupted: bool = False
    best: int | None = None

    def __len__(self) -> int:
        return len(self.cost)

    def __str__(self) -> str:
        """A table of at most a dozen epochs, the first and the last among them."""
        columns = self._columns()
        last = len(self) - 1
        shown = sorted({round(row * last / (ROWS - 1)) for row in range(ROWS)}) if self else []
        lines = [["epoch", *columns]]
        lines += [
            [str(epoch + 1), *(_text(name, values[epoch]) for name, values in columns.items())]
            for epoch in shown
        ]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        table = [
            "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
            for line in lines
        ]
        return "\n".join([*table, self.note] if self.note else table)

    def add(
        self,
        cost: float,
        score: float | None,
        validation_cost: float | None,
        validation_score: float | None,
    ) -> None:
        """One more epoch; None is what was not measured."""
        measured = (cost, score, validation_cost, validation_score)
        for values, value in zip(self._lists(), measured, strict=True):
            if value is not None:
                values.append(value)

    @property
    def note(self) -> str:
        """How the training ended, if not as it was meant to from the start; else empty."""
        kept = "the values reached are kept" if self.interrupted else ""
        if self.best:
            kept = f"the values kept are those of epoch {self.best}, the best on rows held out"
        elif self.best == 0 and self.validation_cost:
            kept = "no cost on rows held out was a finite number: the values reached are kept"
        return f"interrupted after epoch {len(self)}: {kept}" if self.interrupted else kept

    def table(self) -> pl.DataFrame:
        """A row for each epoch, a column for what was measured."""
        import polars as pl

        columns = {name.replace(" ", "_"): values for name, values in self._columns().items()}
        return pl.DataFrame({"epoch": range(1, len(self) + 1), **columns})

    def line(self, epochs: int) -> str:
        """The last epoch, of so many, in words."""
        return f"epoch {len(self)}/{epochs}: {self.state()}"

    def state(self) -> str:
        """What was measured in the last epoch, in words."""
        last = {name: _text(name, values[-1], 3) for name, values in self._columns().items()}
        trained = [f"{name} {last[name]}" for name in ("cost", self.measure) if name in last]
        held_out = [text for name, text in last.items() if name.startswith("validation")]
        return ", ".join(trained) + (f"; held out {', '.join(held_out)}" if held_out else "")

    def to_json(self) -> dict[str, object]:
        """Everything, as JSON knows it."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: object) -> History:
        """What `to_json` gave; raises DataError for anything else."""
        if not isinstance(stored, dict) or set(stored) != {f.name for f in fields(cls)}:
            raise _damaged("it has other entries")
        history = cls(**stored)
        if history.measure not in MEASURES or not isinstance(history.interrupted, bool):
            raise _damaged("its measure is unknown")
        if history.score and not history.measure:
            raise _damaged("it does not say what its score is")
        for values in history._lists():
            if not isinstance(values, list) or not all(map(is_number, values)):
                raise _damaged("it should hold lists of numbers")
            if len(values) not in (0, len(history.cost)):
                raise _damaged("its lists are not equally long")
        if history.best is not None and history.best not in range(len(history) + 1):
            raise _damaged("its best epoch is none of its epochs")
        return history

    def _lists(self) -> tuple[list[float], ...]:
        return self.cost, self.score, self.validation_cost, self.validation_score

    def _columns(self) -> dict[str, list[float]]:
        names = ("cost", self.measure, "validation cost", f"validation {self.measure}")
        pairs = zip(names, self._lists(), strict=True)
        return {name: values for name, values in pairs if values}


def _text(name: str, value: float, digits: int = 4) -> str:
    return f"{value:.1%}" if name.endswith("accuracy") else f"{value:.{digits}g}"


def _damaged(reason: str) -> DataError:
    return DataError(f"the history of the training is damaged: {reason}")
