"""What `attempt` found, and how it reads."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """Whether a derivative that somebody wrote is right, and if not what is wrong with it.

    `symbolic` says whether algebra alone shows that it is right. `findings`
    lists what is missing, too much or misplaced; it is empty where no small
    change makes it right. `expected` is the derivative by the chain rule.
    """

    equation: str
    right: bool
    symbolic: bool
    findings: tuple[str, ...]
    expected: str
    simplified: str

    @property
    def headline(self) -> str:
        """The verdict in a word or two."""
        return "right" if self.right else "not right"

    @property
    def reasons(self) -> list[str]:
        """How it is known, or what is wrong."""
        if self.right:
            how = "by algebra and by its values" if self.symbolic else "by its values"
            return [f"agrees with the derived one {how}", *self.findings]
        return list(self.findings) or ["no small change makes it right"]

    def __str__(self) -> str:
        lines = [f"{self.headline}: {self.equation}", *(f"  {r}" for r in self.reasons)]
        if not self.right:
            lines.append(f"  the chain rule gives  {self.expected}")
            if self.simplified != self.expected:
                lines.append(f"  which simplifies to   {self.simplified}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from .notebook import verdict_html

        return verdict_html(self)
