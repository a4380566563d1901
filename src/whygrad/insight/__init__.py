"""Questions about a network: why a derivative is what it is, and whether it is right."""

from .attempt import attempt
from .check import check
from .explanation import Correction, Explanation, Operand, Term
from .report import Report
from .update import explain_update
from .verdict import Verdict
from .why import Explainer

__all__ = [
    "Correction",
    "Explainer",
    "Explanation",
    "Operand",
    "Report",
    "Term",
    "Verdict",
    "attempt",
    "check",
    "explain_update",
]
