"""A term: coefficient times powers times Iverson brackets.

The simplifier's working form. Putting a factor into a term merges it with
what is there already, so that a·a⁻¹ is gone at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Set
from fractions import Fraction

from ..language.expression import (
    MINUS_ONE,
    ONE,
    ZERO,
    Add,
    Bracket,
    Compare,
    Expression,
    Index,
    Logic,
    Multiply,
    Number,
    Power,
    Reduce,
    Softmax,
    Value,
    Where,
    add,
    multiply,
    negate,
    number,
    power,
    walk,
)
from .linear import expression, linear
from .partial import negation

IsValueOf = Callable[[Expression, str], bool]


class Term:
    """`coefficient` times the product of base**exponent, where all `brackets` are true.

    `reductions` counts what a merge made disappear: the sign that rewriting
    was worth it.
    """

    __slots__ = ("brackets", "coefficient", "powers", "reductions")

    def __init__(self, factors: Iterable[Expression] = ()) -> None:
        self.coefficient: Value = 1
        self.powers: dict[Expression, Expression] = {}
        self.brackets: dict[Expression, None] = {}
        self.reductions = 0
        for factor in factors:
            self.put(factor)

    def copy(self) -> Term:
        new = Term()
        new.coefficient = self.coefficient
        new.powers = dict(self.powers)
        new.brackets = dict(self.brackets)
        new.reductions = self.reductions
        return new

    def put(self, factor: Expression, exponent: Expression = ONE) -> None:
        """Multiply by factor**exponent."""
        match factor:
            case Number() if _exact(factor, exponent):
                assert isinstance(exponent, Number)
                value = factor.value if exponent == ONE else Fraction(factor.value)
                self.coefficient = number(self.coefficient * value ** int(exponent.value)).value
            case Multiply() if _whole(exponent):
                for f in factor.factors:
                    self.put(f, exponent)
            case Power() if _whole(exponent):
                self.put(factor.base, multiply(factor.exponent, exponent))
            case Bracket() if exponent == ONE:
                self.require(factor.condition)
            case _:
                self._merge(factor, exponent)

    def _merge(self, base: Expression, exponent: Expression) -> None:
        if isinstance(base, Add):
            base, is_turned = self._known_sum(base, exponent)
            if is_turned:
                self.coefficient = -self.coefficient
        if base not in self.powers:
            self.powers[base] = exponent
            return
        total = expression(linear(add(self.powers[base], exponent)))
        if total == ZERO:
            del self.powers[base]
            self.reductions += 1
        else:
            self.powers[base] = total

    def _known_sum(self, base: Add, exponent: Expression) -> tuple[Expression, bool]:
        """A sum that is there already up to the order of its terms, or with the other sign.

        The flag says that an odd power of the other sign leaves a factor -1.
        """
        terms = Counter(base.terms)  # a + a + b is not a + b
        opposite = Counter(map(negate, base.terms))
        for known in self.powers:
            if not isinstance(known, Add):
                continue
            if Counter(known.terms) == terms:
                return known, False
            match exponent:
                case Number(value=int() as times) if Counter(known.terms) == opposite:
                    return known, times % 2 == 1
        return base, False

    def require(self, condition: Expression) -> None:
        """Multiply by [condition]."""
        parts = (
            condition.arguments
            if isinstance(condition, Logic) and condition.operator == "and"
            else (condition,)
        )
        for part in parts:
            if any(excludes(part, known) for known in self.brackets):
                self.coefficient = 0
            self.brackets[part] = None

    def times(self, other: Term) -> Term:
        """The product of the two."""
        product = self.copy()
        product.coefficient = number(product.coefficient * other.coefficient).value
        for base, exponent in other.powers.items():
            product.put(base, exponent)
        for condition in other.brackets:
            product.require(condition)
        return product

    def over(self, divisor: Term) -> Term:
        """What is left of it when the factors of `divisor`, all of which it has, are taken out."""
        rest = Term()
        rest.coefficient = _ratio(self.coefficient, divisor.coefficient)
        rest.brackets = {c: None for c in self.brackets if c not in divisor.brackets}
        for base, exponent in self.powers.items():
            rest.put(base, exponent)
            if base in divisor.powers:
                rest.put(base, negate(divisor.powers[base]))
        return rest

    def changed(self, change: Callable[[Expression], Expression], without: Expression) -> Term:
        """Each part changed, and one bracket left out."""
        new = Term()
        new.coefficient, new.reductions = self.coefficient, self.reductions
        for base, exponent in self.powers.items():
            new.put(change(base), change(exponent))
        for condition in self.brackets:
            if condition != without:
                new.require(change(condition))
        return new

    def split(self, indices: frozenset[str]) -> tuple[Term, Term]:
        """The factors that depend on the indices, and the rest with the coefficient."""
        inner, outer = Term(), Term()
        outer.coefficient, outer.reductions = self.coefficient, self.reductions
        for base, exponent in self.powers.items():
            (inner if indices & (base.free | exponent.free) else outer).put(base, exponent)
        for condition in self.brackets:
            (inner if indices & condition.free else outer).require(condition)
        return inner, outer

    @property
    def free(self) -> frozenset[str]:
        """The indices on which it depends."""
        parts = (*self.powers, *self.powers.values(), *self.brackets)
        return frozenset[str]().union(*(e.free for e in parts))

    def with_brackets_used(self, is_value_of: IsValueOf) -> Term:
        """Where a bracket says `k == e`, e is k; where it says c, `where(c, a, b)` is a.

        `is_value_of(e, k)` says whether e takes values of the index k and no others.
        """
        nodes = {n for pair in self.powers.items() for e in pair for n in walk(e)}
        for condition in self.brackets:
            known = _known(condition, nodes, is_value_of)
            if not known:
                continue
            new = Term()
            new.coefficient, new.reductions = self.coefficient, self.reductions
            new.brackets = dict(self.brackets)
            for base, exponent in self.powers.items():
                new.put(_replaced(base, known), _replaced(exponent, known))
            if new.powers != self.powers:
                return new.with_brackets_used(is_value_of)
        return self

    @property
    def key(self) -> object:
        """Equal for terms that differ in their coefficient only."""
        return frozenset(self.powers.items()), frozenset(self.brackets)

    @property
    def expression(self) -> Expression:
        """The product: numerators, brackets, then denominators."""
        above: list[Expression] = []
        below: list[Expression] = []
        for base, exponent in self.powers.items():
            negative = isinstance(exponent, Number) and exponent.value < 0
            (below if negative else above).append(power(base, exponent))
        brackets = [Bracket(c) for c in self.brackets]
        if len(below) > 1 and all(isinstance(p, Power) and p.exponent == MINUS_ONE for p in below):
            below = [power(multiply(*(p.base for p in below if isinstance(p, Power))), MINUS_ONE)]
        return multiply(number(self.coefficient), *above, *brackets, *below)


def _ratio(a: Value, b: Value) -> Value:
    return a / b if isinstance(a, float) or isinstance(b, float) else number(Fraction(a) / b).value


def _exact(factor: Number, exponent: Expression) -> bool:
    if exponent == ONE:
        return True
    return _whole(exponent) and not isinstance(factor.value, float) and factor.value != 0


def _whole(e: Expression) -> bool:
    return isinstance(e, Number) and isinstance(e.value, int)


def _known(
    condition: Expression, nodes: Set[Expression], is_value_of: IsValueOf
) -> dict[Expression, Expression]:
    """Which of the nodes are something simpler where the condition holds."""
    found: dict[Expression, Expression] = {}
    if isinstance(condition, Compare) and condition.operator == "==":
        for one, other in (
            (condition.left, condition.right),
            (condition.right, condition.left),
        ):
            if not isinstance(one, Index) or isinstance(other, Index) or other not in nodes:
                continue
            if is_value_of(other, one.name):
                found[other] = one
    for node in nodes:
        if not isinstance(node, Where | Bracket):
            continue
        if node.condition == condition:
            found[node] = node.yes if isinstance(node, Where) else ONE
        elif excludes(condition, node.condition):
            found[node] = node.no if isinstance(node, Where) else ZERO
    return found


def excludes(one: Expression, other: Expression) -> bool:
    """Whether the two cannot both hold: opposites, or one thing equal to two numbers."""
    if other == negation(one):
        return True
    match one, other:
        case (
            Compare(operator="==", left=a, right=Number() as m),
            Compare(operator="==", left=b, right=Number() as n),
        ):
            return a == b and m != n
    return False


def _replaced(e: Expression, known: dict[Expression, Expression]) -> Expression:
    if e in known:
        return known[e]
    if isinstance(e, Reduce | Softmax):
        own = frozenset(e.indices)
        known = {a: b for a, b in known.items() if not own & (a.free | b.free)}
    return e.map(lambda child: _replaced(child, known)) if known else e
