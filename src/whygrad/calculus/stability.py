"""Logarithms of probabilities in a form that never overflows.

log σ(z) is computed as -softplus(-z) and log softmax(z) as z - logsumexp(z),
also where the probability has a name of its own and the logarithm stands in
another equation. A good network at z = 40 would cost infinity otherwise.
Source: Blanchard, Higham & Higham, "Accurately computing the log-sum-exp and
softmax functions", IMA J. Numer. Anal. 41 (2021).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..language.expression import (
    ONE,
    ZERO,
    Add,
    Call,
    Compare,
    Expression,
    Index,
    Logic,
    Multiply,
    Names,
    Pad,
    Power,
    Reduce,
    Reference,
    Softmax,
    Where,
    add,
    bound,
    conjunction,
    multiply,
    negate,
    rename_bound,
    substitute,
    subtract,
)
from ..language.system import Equation, Statement, System
from .term import Term, excludes


def stabilised(
    system: System, names: Names, simplify: Callable[[Expression], Expression]
) -> System:
    """The same system with every logarithm of a probability in its stable form."""
    stable = _Stable(system, names, simplify)
    statements: list[Statement] = []
    for s in system.statements:
        if isinstance(s, Equation) and (value := stable.rewritten(s.value)) != s.value:
            s = replace(s, value=simplify(value))
        statements.append(s)
    return System(tuple(statements))


class _Stable:
    def __init__(
        self, system: System, names: Names, simplify: Callable[[Expression], Expression]
    ) -> None:
        self.system = system
        self.names = names
        self.simplify = simplify

    def rewritten(self, e: Expression) -> Expression:
        e = e.map(self.rewritten)
        if isinstance(e, Call) and e.function == "log":
            return self.log(e.arguments[0]) or e
        return e

    def log(self, e: Expression) -> Expression | None:
        """log(e) in a stable form, or None where e is made of no probability."""
        match e:
            case Call(function="sigmoid"):
                return negate(Call("softplus", (negate(e.arguments[0]),)))
            case Softmax():
                return self._log_softmax(e)
            case Add() if len(e.terms) == 2 and e.terms[0] == ONE:
                return self._log_complement(negate(e.terms[1]))
            case Add():
                return self._log_selected(e)
            case Multiply():
                logs = [self.log(f) for f in e.factors]
                if any(part is not None for part in logs):
                    return add(
                        *(s or Call("log", (f,)) for s, f in zip(logs, e.factors, strict=True))
                    )
            case Power():
                inner = self.log(e.base)
                return inner and multiply(e.exponent, inner)
            case Where():
                yes, no = self.log(e.yes), self.log(e.no)
                if yes or no:
                    yes, no = yes or Call("log", (e.yes,)), no or Call("log", (e.no,))
                    return Where(e.condition, yes, no)
            case Reference():
                return self._through(e, self.log)
        return None

    def _log_selected(self, e: Add) -> Expression | None:
        """log([c]·p + [d]·q) where c and d exclude each other: a choice of logarithms."""
        chosen: Expression = Call("log", (ZERO,))
        conditions: list[Expression] = []
        is_known = False
        for term in [Term([t]) for t in reversed(e.terms)]:
            condition = conjunction(term.brackets)
            if condition is None or not all(excludes(condition, c) for c in conditions):
                return None
            conditions.append(condition)
            term.brackets = {}
            log = self.log(term.expression)
            is_known = is_known or log is not None
            chosen = Where(condition, log or Call("log", (term.expression,)), chosen)
        return chosen if is_known else None

    def _log_complement(self, e: Expression) -> Expression | None:
        """log(1 - e)."""
        match e:
            case Call(function="sigmoid"):
                return negate(Call("softplus", (e.arguments[0],)))
            case Softmax():
                return self._log_softmax(e, complement=True)
            case Reference():
                return self._through(e, self._log_complement)
        return None

    def _log_softmax(self, e: Softmax, complement: bool = False) -> Expression | None:
        """log s[k], or log(1 - s[k]): the same with a sum over the other k's only."""
        if e.condition is not None:
            return None
        avoid = {*e.free, *bound(e)}
        total = Reduce("logsumexp", e.indices, None, e.body)
        total = rename_bound(total, e.indices, self.names, avoid)
        if not complement:
            return subtract(e.body, total)
        same = tuple(
            Compare("==", Index(new), Index(old))
            for new, old in zip(total.indices, e.indices, strict=True)
        )
        others = Logic("not", (same[0] if len(same) == 1 else Logic("and", same),))
        return subtract(Reduce("logsumexp", total.indices, others, total.body), total)

    def _through(
        self, e: Reference, log: Callable[[Expression], Expression | None]
    ) -> Expression | None:
        """The stable form from the equation of the tensor that is read, at what is read."""
        equations = self.system.definitions.get(e.tensor, ())
        if len(equations) != 1 or any(isinstance(s, Pad) for s in e.subscripts):
            return None
        value = log(self.simplify(equations[0].value))
        put = dict(zip(equations[0].indices, e.subscripts, strict=True))
        return value and substitute(value, put, self.names)
