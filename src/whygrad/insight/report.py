"""What `check` found, and how it reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .display import number_text

_SHOWN = 3


@dataclass(frozen=True)
class Disagreement:
    """An entry whose derivative is not what the difference quotient says."""

    where: str
    derived: float
    difference: float

    def __str__(self) -> str:
        return (
            f"{self.where}: derived {number_text(self.derived, 8)}, "
            f"difference quotient {number_text(self.difference, 8)}"
        )


@dataclass
class Checked:
    """The result for one tensor, or for the random directions.

    `worst` is the largest error relative to the sum of the absolute terms, of
    those that agree or are wrong. `kinks` are entries at which the cost has no
    one slope, `unclear` those whose slope is lost in the rounding of the cost.
    """

    name: str
    total: int
    compared: int = 0
    worst: float = 0.0
    kinks: list[str] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)
    wrong: list[Disagreement] = field(default_factory=list)

    @property
    def state(self) -> str:
        """In a word: ok, wrong, or unclear."""
        if self.wrong:
            return "wrong"
        return "unclear" if self.unclear else "ok"

    def __str__(self) -> str:
        of = "" if self.compared == self.total else f" of {self.total}"
        parts = [f"{self.compared}{of} compared"]
        if self.compared > len(self.kinks) + len(self.unclear):
            parts.append(f"largest error {number_text(self.worst, 2)}")
        if self.kinks:
            parts.append(f"{len(self.kinks)} at a kink")
        if self.unclear:
            parts.append(f"{len(self.unclear)} too small for a difference quotient")
        return f"{self.name}: {', '.join(parts)}  {self.state}"

    @property
    def details(self) -> list[str]:
        """The first few entries of each sort that a reader wants to see."""
        return [
            *_listed("", list(map(str, self.wrong))),
            *_listed("at a kink: ", self.kinks),
            *_listed("too small: ", self.unclear),
        ]


@dataclass(frozen=True)
class Report:
    """What `check` found: a result for each tensor, and how it was come by."""

    results: tuple[Checked, ...]
    method: str

    @property
    def ok(self) -> bool:
        """Whether nothing disagreed. Kinks, and what is too small to tell, are no disagreement."""
        return not any(r.wrong for r in self.results)

    @property
    def worst(self) -> float:
        """The largest relative error anywhere, kinks left out."""
        return max((r.worst for r in self.results), default=0.0)

    @property
    def verdict(self) -> str:
        """The result in one sentence."""
        if not self.ok:
            return "the derivatives do not agree"
        if any(r.unclear for r in self.results):
            return "all agree, as far as differences can tell"
        return "all agree"

    def __str__(self) -> str:
        lines = [self.method]
        for r in self.results:
            lines.append(f"  {r}")
            lines += [f"    {detail}" for detail in r.details]
        return "\n".join([*lines, self.verdict])

    def _repr_html_(self) -> str:
        from .notebook import report_html

        return report_html(self)


def _listed(before: str, entries: Sequence[str]) -> list[str]:
    lines = [f"{before}{e}" for e in entries[:_SHOWN]]
    if len(entries) > _SHOWN:
        lines.append(f"{before}and {len(entries) - _SHOWN} more")
    return lines
