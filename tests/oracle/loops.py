"""The meaning of a system, spelled out: one element at a time, by plain loops.

Nothing is ordered, vectorised or rewritten: an element of a tensor is the value
of its equation at that place, and is computed when something asks for it. Slow,
and short enough to be believed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from math import erf, isnan

import numpy as np

from whygrad.language.expression import (
    Add,
    Bracket,
    Call,
    Compare,
    Expression,
    FloorDivide,
    Index,
    Logic,
    Modulo,
    Multiply,
    Number,
    Pad,
    Power,
    Reduce,
    Reference,
    Size,
    Softmax,
    Training,
    Where,
)
from whygrad.language.system import Equation, System

Place = Mapping[str, int]
F = np.float64


class Loops:
    """The elements of a system's tensors, for given data."""

    def __init__(
        self,
        system: System,
        sizes: Mapping[str, int],
        arrays: Mapping[str, object],
        training: bool = True,
    ) -> None:
        self.system = system
        self.sizes = sizes
        self.arrays = {name: np.asarray(a) for name, a in arrays.items()}
        self.training = training
        self.known: dict[tuple[str, tuple[int, ...]], float] = {}

    def tensor(self, name: str) -> np.ndarray:
        """All elements of a tensor, those of its starts included."""
        axes = self.axes(name)
        values = [self.element(name, place) for place in product(*axes)]
        return np.array(values, F).reshape([len(a) for a in axes])

    def update(self, name: str) -> np.ndarray:
        """What an update makes of a tensor."""
        (update,) = (u for u in self.system.updates if u.name == name)
        axes = [range(self.sizes[i]) for i in update.indices]
        values = [
            self.value(update.value, dict(zip(update.indices, place, strict=True)))
            for place in product(*axes)
        ]
        return np.array(values, F).reshape([len(a) for a in axes])

    def axes(self, name: str) -> list[range]:
        """The subscripts that each axis of a tensor may have."""
        tensor = self.system.tensors[name]
        found = []
        for axis, index in enumerate(tensor.indices):
            size = self.sizes[index]
            starts = [
                int(self.value(e.subscripts[axis], {}))
                for e in self.system.definitions.get(name, ())
                if not isinstance(e.subscripts[axis], Index)
            ]
            found.append(range(min([0, *starts]), max([size, *(s + 1 for s in starts)])))
        return found

    def element(self, name: str, place: tuple[int, ...]) -> float:
        """One element."""
        if name in self.arrays:
            return self.arrays[name][place].item()
        if self.system.tensors[name].kind == "setting":
            return self.system.declarations[name][1].value
        if (name, place) not in self.known:
            self.known[name, place] = self._computed(name, place)
        return self.known[name, place]

    def _computed(self, name: str, place: tuple[int, ...]) -> float:
        main, *starts = self.system.definitions[name]
        for equation in (*starts, main):
            env = self._fits(equation, place)
            if env is not None:
                return F(self.value(equation.value, env))
        raise IndexError(f"no equation gives {name}{list(place)}")

    def _fits(self, equation: Equation, place: tuple[int, ...]) -> dict[str, int] | None:
        env = {}
        for subscript, at in zip(equation.subscripts, place, strict=True):
            if isinstance(subscript, Index):
                env[subscript.name] = at
                if at not in range(self.sizes[subscript.name]):
                    return None
            elif self.value(subscript, {}) != at:
                return None
        return env

    def value(self, e: Expression, env: Place) -> float:
        """The value of an expression where each free index has a value."""
        match e:
            case Number():
                return e.value if isinstance(e.value, int) else F(float(e.value))
            case Index():
                return env[e.name]
            case Size():
                return self.sizes[e.index]
            case Training():
                return self.training
            case Reference():
                return self._read(e, env)
            case Add():
                return sum((self.value(t, env) for t in e.terms[1:]), self.value(e.terms[0], env))
            case Multiply():
                return self._product(e, env)
            case Power():
                return np.power(F(self.value(e.base, env)), F(self.value(e.exponent, env)))
            case FloorDivide():
                return self.value(e.left, env) // self.value(e.right, env)
            case Modulo():
                return self.value(e.left, env) % self.value(e.right, env)
            case Call():
                return self._call(e, env)
            case Reduce():
                return self._reduce(e, env)
            case Softmax():
                return self._softmax(e, env)
            case Compare():
                return self._compare(e, env)
            case Logic():
                truths = (bool(self.value(a, env)) for a in e.arguments)
                match e.operator:
                    case "and":
                        return all(truths)
                    case "or":
                        return any(truths)
                return not next(truths)
            case Bracket():
                return int(self.value(e.condition, env))
            case Where():
                return self.value(e.yes if self.value(e.condition, env) else e.no, env)
        raise TypeError(f"no meaning for {e!r}")

    def _read(self, e: Reference, env: Place) -> float:
        place = []
        for subscript, axis in zip(e.subscripts, self.axes(e.tensor), strict=True):
            pad = isinstance(subscript, Pad)
            at = int(self.value(subscript.subscript if pad else subscript, env))
            if at not in axis:
                if pad:
                    return F(0)
                raise IndexError(f"{e} leaves its range: {at}")
            place.append(at - axis.start if e.tensor in self.arrays else at)
        return self.element(e.tensor, tuple(place))

    def _product(self, e: Multiply, env: Place) -> float:
        if not all(self.value(f, env) for f in e.factors if isinstance(f, Bracket)):
            return 0
        result: float = 1
        for factor in e.factors:
            result = result * self.value(factor, env)
        return result

    def _call(self, e: Call, env: Place) -> float:
        x, *more = (F(self.value(a, env)) for a in e.arguments)
        match e.function:
            case "sigmoid":
                return F(1) / (F(1) + np.exp(-x))
            case "softplus":
                return np.log1p(np.exp(-abs(x))) + max(x, F(0))
            case "erf":
                return F(erf(x))
            case "max":
                return x if x >= more[0] or isnan(x) else more[0]
            case "min":
                return x if x <= more[0] or isnan(x) else more[0]
            case "relu":
                return x if x > 0 else F(0)
            case "leaky_relu":
                return x if x > 0 else F(0.01) * x
            case "elu":
                return x if x > 0 else np.expm1(x)
            case "silu":
                return x / (F(1) + np.exp(-x))
            case "gelu":
                return x * (1 + erf(x * 0.5**0.5)) / 2
        return F(getattr(np, e.function)(x))

    def _places(self, e: Reduce | Softmax, env: Place) -> Iterator[dict[str, int]]:
        """Every value of the bound indices for which the condition holds, row by row."""
        for values in product(*(range(self.sizes[i]) for i in e.indices)):
            inner = {**env, **dict(zip(e.indices, values, strict=True))}
            if e.condition is None or self.value(e.condition, inner):
                yield inner

    def _reduce(self, e: Reduce, env: Place) -> float:
        places = list(self._places(e, env))
        values = [self.value(e.body, p) for p in places]
        match e.operation:
            case "sum":
                return sum(values)
            case "mean":
                return F(sum(values)) / F(len(values))
            case "max":
                return max(values, default=F(-np.inf))
            case "argmax":
                best = places[max(range(len(values)), key=lambda k: values[k])]
                position = 0
                for i in e.indices:
                    position = position * self.sizes[i] + best[i]
                return position
        return self._logsumexp(values)

    def _logsumexp(self, values: list[float]) -> float:
        highest = max(values, default=F(-np.inf))
        if not np.isfinite(highest):
            return highest
        return highest + np.log(sum(np.exp(v - highest) for v in values))

    def _softmax(self, e: Softmax, env: Place) -> float:
        if e.condition is not None and not self.value(e.condition, env):
            return F(0)
        total = self._logsumexp([self.value(e.body, p) for p in self._places(e, env)])
        return np.exp(self.value(e.body, env) - total)

    def _compare(self, e: Compare, env: Place) -> bool:
        left, right = self.value(e.left, env), self.value(e.right, env)
        return {
            "==": left == right,
            "!=": left != right,
            "<": left < right,
            "<=": left <= right,
            ">": left > right,
            ">=": left >= right,
        }[e.operator]
