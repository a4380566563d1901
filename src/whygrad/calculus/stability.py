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
from functools import reduce

from ..language.expression import (
    MINUS_ONE,
    ONE,
    ZERO,
    Add,
    Call,
    Compare,
    Expression,
    Index,
    Logic,
    Multiply,
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
    power,
    subtract,
)
from ..language.substitution import Names, rename_bound, substitute
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


def _log_of_sum(a: Expression, b: Expression) -> Expression:
    """log(exp(a) + exp(b)), of which one may be -infinity."""
    gap = Call("abs", (subtract(a, b),))
    return add(Call("max", (a, b)), Call("softplus", (negate(gap),)))


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
        return self._quotient(e) if isinstance(e, Multiply) else e

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
                return self._log_selected(e) or self._log_mixture(e)
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

    def _log_mixture(self, e: Expression) -> Expression | None:
        """log(a·p + b·q), weights that are not negative given."""
        found = self._mixture(e)
        return found and Where(found[0], found[1], Call("log", (e,)))

    def _mixture(self, e: Expression) -> tuple[Expression, Expression] | None:
        """For a·p + b·q: where the weights are right for it, and its logarithm in stable form."""
        if isinstance(e, Reference) and (equation := self._equation(e)):
            e = self._at(e, equation, equation.value)
        if not isinstance(e, Add):
            return None
        weights, logs = [], []
        for term in e.terms:
            factors = term.factors if isinstance(term, Multiply) else (term,)
            known = {f: log for f in factors if (log := self.log(f)) is not None}
            if not known:
                return None
            weights.append(multiply(*(f for f in factors if f not in known)))
            logs.append(add(Call("log", (weights[-1],)), *known.values()))
        conditions = [Compare(">=", w, ZERO) for w in weights]
        condition = conjunction([*conditions, Compare(">", add(*weights), ZERO)])
        assert condition is not None
        return condition, reduce(_log_of_sum, logs)

    def _quotient(self, e: Multiply) -> Expression:
        """p·q / (a·p + b·q): the ratio of the exponentials as the exponential of a difference."""
        below = [
            base
            for f in e.factors
            if isinstance(f, Power) and f.exponent == MINUS_ONE
            for base in (f.base.factors if isinstance(f.base, Multiply) else (f.base,))
        ]
        above = [f for f in e.factors if not isinstance(f, Power) or f.exponent != MINUS_ONE]
        for base in below:
            mixture = self._mixture(base)
            if mixture is None:
                continue
            condition, log = mixture
            known = {f: part for f in above if (part := self.log(f)) is not None}
            rest = [f for f in above if f not in known]
            others = [power(b, MINUS_ONE) for b in below if b is not base]
            ratio = Call("exp", (subtract(add(*known.values()), log),))
            return Where(condition, multiply(*rest, ratio, *others), e)
        return e

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
        equation = self._equation(e)
        if equation is None:
            return None
        value = log(equation.value)
        return value and self._at(e, equation, value)

    def _equation(self, e: Reference) -> Equation | None:
        """The one equation, simplified, of the tensor that is read."""
        equations = self.system.definitions.get(e.tensor, ())
        if len(equations) != 1 or any(isinstance(s, Pad) for s in e.subscripts):
            return None
        return replace(equations[0], value=self.simplify(equations[0].value))

    def _at(self, e: Reference, equation: Equation, value: Expression) -> Expression:
        put = dict(zip(equation.indices, e.subscripts, strict=True))
        return substitute(value, put, self.names)
