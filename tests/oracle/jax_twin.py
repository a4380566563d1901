"""An independent evaluator: a system's forward equations in JAX, for `jax.grad` to differentiate.

It follows the meaning of the notation and nothing else. Every equation is
evaluated by broadcasting over its whole index space, tensors are evaluated when
they are first read, and a recurrence is evaluated slice by slice, each slice
when another first asks for it. Of the package under test only the tree of
expressions is used: no sizes, no order of evaluation, no functions, no calculus.

Axes. The index that was bound last has the first axis of an array, so that what
was computed outside a reduction broadcasts inside it without any bookkeeping.

Finite derivatives. `jax.grad` yields NaN where a branch that is not selected has
an infinite derivative. So the condition under which a value matters is carried
down as a mask, and nonlinear functions see 1 wherever it is false.

Speed. Values are computed with NumPy. Derivatives are traced by `jax.grad`; run
by JAX, each of their operations is compiled for each new shape, which takes a
second for a small system. `fast=True` runs the trace with NumPy (see `jaxpr`).

Kinks. relu'(0) = 0, abs'(0) = 0, and a tie in max or min goes to the first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.special
from tests.oracle.jaxpr import run_with_numpy

from whygrad.language import expression as ex
from whygrad.language.system import Equation, System

jax.config.update("jax_enable_x64", True)

Array = Any  # a NumPy array while it holds nothing but indices, else a JAX array

COMPARISONS: dict[str, Callable[[Array, Array], Array]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


@dataclass(frozen=True)
class Library:
    """NumPy or JAX: what both call alike, under `np`, and what they do not."""

    np: Any
    sigmoid: Callable[[Array], Array]
    erf: Callable[[Array], Array]
    constant: Callable[[Array], Array]  # a value that is not differentiated through

    def function(self, name: str) -> Callable[..., Array]:
        """An elementwise function of the language."""
        np = self.np
        table: dict[str, Callable[..., Array]] = {
            "sigmoid": self.sigmoid,
            "erf": self.erf,
            "softplus": lambda x: np.logaddexp(x, 0.0),
            "abs": lambda x: np.where(x > 0, x, np.where(x < 0, -x, 0.0)),
            "max": lambda x, y: np.where(x >= y, x, y),
            "min": lambda x, y: np.where(x <= y, x, y),
            "relu": lambda x: np.where(x > 0, x, 0.0),
            "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
            "elu": lambda x: np.where(x > 0, x, np.expm1(np.where(x > 0, 0.0, x))),
            "silu": lambda x: x * self.sigmoid(x),
            "gelu": lambda x: 0.5 * x * (1 + self.erf(x * math.sqrt(0.5))),
        }
        return table[name] if name in table else getattr(np, name)


NUMPY = Library(np, scipy.special.expit, scipy.special.erf, lambda x: x)
JAX = Library(jnp, jax.nn.sigmoid, jax.lax.erf, jax.lax.stop_gradient)

# What is compared at a kink; the functions that are not here are smooth.
LOST_DIGITS = 1e-5  # log(1 - 1e-5) has about eleven digits left

KINKS: dict[str, Callable[..., tuple[Array, Array]]] = {
    "abs": lambda x: (x, 0.0),
    "relu": lambda x: (x, 0.0),
    "leaky_relu": lambda x: (x, 0.0),
    "max": lambda x, y: (x, y),
    "min": lambda x, y: (x, y),
}


@dataclass(frozen=True)
class Scope:
    """The values of the indices, how many of them have an axis, and where the result matters."""

    indices: Mapping[str, Array] = field(default_factory=dict)
    depth: int = 0
    mask: Array = True

    def bind(self, names: Sequence[str], sizes: Mapping[str, int]) -> Scope:
        """Give each name an axis in front of the present ones, the first name the first axis."""
        indices = dict(self.indices)
        for depth, name in enumerate(reversed(names), self.depth):
            indices[name] = np.arange(sizes[name]).reshape((-1,) + (1,) * depth)
        return replace(self, indices=indices, depth=self.depth + len(names))

    def where(self, condition: Array) -> Scope:
        return replace(self, mask=both(self.mask, condition))


def both(left: Array, right: Array) -> Array:
    """Their conjunction; True and False as Python's own stay as cheap as they are."""
    if left is True:
        return right
    return left if right is True else left & right


@dataclass(frozen=True)
class Slices:
    """Along which axis a tensor is evaluated slice by slice, and with whom."""

    axis: int
    group: frozenset[str]
    starts: Mapping[int, Equation]


@dataclass(frozen=True)
class Kinks:
    """The smallest distance from a kink that is not 0, and how many are 0."""

    nearest: float
    ties: int


class Twin:
    """A system, ready to be evaluated and differentiated at any data.

    `sizes` names the size of every index.
    """

    def __init__(
        self,
        system: System,
        sizes: Mapping[str, int],
        dtype: str = "float64",
        training: bool = True,
    ) -> None:
        self.system = system
        self.sizes = dict(sizes)
        self.dtype = dtype
        self.training = training
        self.slices = self._find_recurrences()

    def values(self, arrays: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Every tensor that an equation defines."""
        run = Run(self, NUMPY, arrays)
        return {name: np.asarray(run.tensor(name)) for name in self.system.definitions}

    def cost(self, arrays: Mapping[str, Any]) -> float:
        return float(Run(self, NUMPY, arrays).tensor(self.system.cost))

    def gradients(
        self, arrays: Mapping[str, Any], wrt: Sequence[str], fast: bool = False
    ) -> dict[str, np.ndarray]:
        """∂cost/∂tensor, for data, parameters and tensors that equations define alike.

        An inner tensor gets a term of zeros added where it is defined; the
        derivative by that term is the derivative by the tensor.
        """
        inner = {name for name in wrt if name in self.system.definitions}
        at = {
            name: np.zeros(self.shape(name)) if name in inner else np.asarray(arrays[name], float)
            for name in wrt
        }

        def cost(at: Mapping[str, Array]) -> Array:
            outer = {name: a for name, a in at.items() if name not in inner}
            nudges = {name: a for name, a in at.items() if name in inner}
            return Run(self, JAX, {**arrays, **outer}, nudges).tensor(self.system.cost)

        gradient = jax.grad(cost)
        found = run_with_numpy(gradient, at) if fast else gradient(at)
        return {name: np.asarray(g) for name, g in found.items()}

    def kinks(self, arrays: Mapping[str, Any]) -> Kinks:
        """How near the values come to a kink or to the edge of a condition, and how often to one.

        Nearer than rounding errors two correct evaluations may fall on different sides.
        """
        run = Run(self, NUMPY, arrays)
        run.distances = []
        for name in self.system.definitions:
            run.tensor(name)
        distances = np.array(run.distances)
        nearest = distances[distances > 0].min(initial=math.inf)
        return Kinks(float(nearest), int((distances == 0).sum()))

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor's storage, the starts of a recurrence included."""
        tensor = self.system.tensors[name]
        shape = [self.sizes[i] for i in tensor.indices]
        if name in self.slices:
            found = self.slices[name]
            shape[found.axis] += len(found.starts)
        return tuple(shape)

    def first(self, name: str) -> int:
        """The subscript of the first slice that is stored: 0, or below it where starts are."""
        return min((s for s in self.slices[name].starts if s < 0), default=0)

    def constant(self, e: ex.Expression, **indices: int) -> int:
        return int(Run(self, NUMPY, {}).evaluate(e, Scope(indices)))

    def _find_recurrences(self) -> dict[str, Slices]:
        reads = {
            name: {
                r.tensor
                for equation in equations
                for r in _references_of(equation)
                if r.tensor in self.system.definitions
            }
            for name, equations in self.system.definitions.items()
        }
        reach = {name: _closure(name, reads) for name in reads}
        found = {}
        for name, (main, *starts) in self.system.definitions.items():
            group = frozenset(other for other in reach[name] if name in reach[other])
            if starts:
                axis = _axis_of_start(starts[0])
            elif group:
                axis = main.indices.index(self._loop_index(group))
            else:
                continue
            at = {self.constant(start.subscripts[axis]): start for start in starts}
            found[name] = Slices(axis, group | {name}, at)
        return found

    def _loop_index(self, group: frozenset[str]) -> str:
        """The index along which the equations of the group step."""
        for name in group:
            for start in self.system.definitions[name][1:]:
                return self.system.definitions[name][0].indices[_axis_of_start(start)]
        mains = [self.system.definitions[name][0] for name in group]
        for index in mains[0].indices:
            if all(index in main.indices for main in mains):
                steps = [
                    self._step(r, index)
                    for main in mains
                    for r in _references_of(main)
                    if r.tensor in group
                ]
                if None not in steps and any(steps):
                    return index
        raise ValueError(f"no index along which {sorted(group)} can be evaluated")

    def _step(self, r: ex.Reference, index: str) -> int | None:
        """c where the slice that is read is index + c, 0 for a start, None for anything else."""
        main, *starts = self.system.definitions[r.tensor]
        axis = main.indices.index(index)
        subscript = r.subscripts[axis]
        if isinstance(subscript, ex.Pad):
            subscript = subscript.subscript
        if any(True for _ in ex.references(subscript)) or subscript.free - {index}:
            return None
        if not subscript.free:
            places = [self.constant(start.subscripts[axis]) for start in starts]
            return 0 if self.constant(subscript) in places else None
        steps = {self.constant(subscript, **{index: value}) - value for value in range(5, 11)}
        return steps.pop() if len(steps) == 1 else None


def _axis_of_start(start: Equation) -> int:
    return next(a for a, s in enumerate(start.subscripts) if not isinstance(s, ex.Index))


def _references_of(equation: Equation) -> list[ex.Reference]:
    return list(ex.references(equation.value))


def _closure(start: str, edges: Mapping[str, set[str]]) -> set[str]:
    """What can be reached from `start` in one step or more."""
    found: set[str] = set()
    todo = list(edges[start])
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo.extend(edges[name])
    return found


class Run:
    """One evaluation: what has been computed so far, and how anything else is."""

    def __init__(
        self,
        twin: Twin,
        backend: Library,
        arrays: Mapping[str, Any],
        nudges: Mapping[str, Array] | None = None,
    ) -> None:
        self.twin = twin
        self.backend = backend
        self.np = backend.np
        self.sizes = twin.sizes
        self.arrays = arrays
        self.nudges = nudges or {}
        self.tensors: dict[str, Array] = {}
        self.parts: dict[tuple[str, int], Array] = {}
        self.distances: list[float] | None = None

    # Tensors

    def tensor(self, name: str) -> Array:
        """A whole tensor."""
        if name not in self.tensors:
            self.tensors[name] = self._compute(name)
        return self.tensors[name]

    def _compute(self, name: str) -> Array:
        if name not in self.twin.system.definitions:
            value = self.arrays[name]
            return value if np.issubdtype(value.dtype, np.integer) else self.real(value)
        if name in self.twin.slices:
            first, axis = self.twin.first(name), self.twin.slices[name].axis
            count = self.twin.shape(name)[axis]
            return self.np.stack([self.part(name, first + s) for s in range(count)], axis)
        (equation,) = self.twin.system.definitions[name]
        return self._equation(equation, Scope(), self.nudges.get(name))

    def part(self, name: str, at: int) -> Array:
        """One slice of a tensor that is evaluated slice by slice."""
        if (name, at) not in self.parts:
            found = self.twin.slices[name]
            main = self.twin.system.definitions[name][0]
            equation = found.starts.get(at, main)
            scope = Scope({main.indices[found.axis]: at} if equation is main else {})
            nudge = self.nudges.get(name)
            if nudge is not None:
                place = (slice(None),) * found.axis + (at - self.twin.first(name),)
                nudge = nudge[place]
            self.parts[name, at] = self._equation(equation, scope, nudge)
        return self.parts[name, at]

    def _equation(self, equation: Equation, scope: Scope, nudge: Array) -> Array:
        indices = [i for i in equation.indices if i not in scope.indices]
        inner = scope.bind(indices, self.sizes)
        value = self.evaluate(equation.value, inner)
        shape = tuple(self.sizes[i] for i in indices)
        if nudge is None:
            return self.np.broadcast_to(self.np.asarray(value), shape)
        return self.np.broadcast_to(self.real(value), shape) + nudge

    # Expressions

    def real(self, value: Array) -> Array:
        return self.np.asarray(value, self.twin.dtype)

    def evaluate(self, e: ex.Expression, scope: Scope) -> Array:
        """The value over all indices in scope, with axes of length 1 where it is constant."""
        match e:
            case ex.Number(value=value):
                return value if isinstance(value, int) else float(value)
            case ex.Index(name=name):
                return scope.indices[name]
            case ex.Size(index=index):
                return self.sizes[index]
            case ex.Reference():
                return self._read(e, scope)
            case ex.Add(terms=terms):
                return sum(
                    (self.evaluate(t, scope) for t in terms[1:]), self.evaluate(terms[0], scope)
                )
            case ex.Multiply(factors=factors):
                return self._product(factors, scope)
            case ex.Power(base=base, exponent=exponent):
                return self._power(base, exponent, scope)
            case ex.FloorDivide(left=left, right=right):
                return self.evaluate(left, scope) // self.evaluate(right, scope)
            case ex.Modulo(left=left, right=right):
                return self.evaluate(left, scope) % self.evaluate(right, scope)
            case ex.Call(function=function, arguments=arguments):
                values = [self._guarded(a, scope) for a in arguments]
                if function in KINKS:
                    self._notice(*KINKS[function](*values), scope)
                if function == "log":
                    self._notice_cancellation(values[0], scope)
                return self.backend.function(function)(*values)
            case ex.Reduce():
                return self._reduce(e, scope)
            case ex.Softmax():
                return self._softmax(e, scope)
            case ex.Bracket(condition=condition):
                return self.np.where(self.condition(condition, scope), 1.0, 0.0)
            case ex.Where(condition=condition, yes=yes, no=no):
                truth = self.condition(condition, scope)
                return self.np.where(
                    truth,
                    self.evaluate(yes, scope.where(truth)),
                    self.evaluate(no, scope.where(~truth)),
                )
        raise TypeError(f"not a value: {e!r}")

    def condition(self, e: ex.Expression, scope: Scope) -> Array:
        """The truth of a condition, as booleans."""
        match e:
            case ex.Training():
                return np.asarray(self.twin.training)
            case ex.Compare(operator=operator, left=left, right=right):
                a, b = self.evaluate(left, scope), self.evaluate(right, scope)
                self._notice(a, b, scope)
                return COMPARISONS[operator](np.asarray(a) if np.isscalar(a) else a, b)
            case ex.Logic(operator="not", arguments=(argument,)):
                return ~self.condition(argument, scope)
            case ex.Logic(operator=operator, arguments=arguments):
                truth = self.condition(arguments[0], scope)
                for argument in arguments[1:]:
                    more = self.condition(argument, scope)
                    truth = truth & more if operator == "and" else truth | more
                return truth
        raise TypeError(f"not a condition: {e!r}")

    def _read(self, r: ex.Reference, scope: Scope) -> Array:
        name = r.tensor
        found = self.twin.slices.get(name)
        inside: Array = True
        subscripts: list[Array] = []
        array: Array = None
        for axis, s in enumerate(r.subscripts):
            padded = isinstance(s, ex.Pad)
            at = self.evaluate(s.subscript if padded else s, scope)
            first, length = 0, self.twin.shape(name)[axis]
            if found and found.axis == axis:
                first = self.twin.first(name)
                if isinstance(at, int):
                    if padded and not first <= at < first + length:
                        return self.np.zeros((), self.twin.dtype)
                    array = self.part(name, at)
                    continue
            at = at - first
            if padded:
                inside = both(inside, (at >= 0) & (at < length))
                at = at.clip(0, length - 1) if hasattr(at, "clip") else min(max(at, 0), length - 1)
            subscripts.append(at)
        if array is None:
            array = self.tensor(name)
        value = self._pick(array, subscripts)
        return value if inside is True else self.np.where(inside, value, 0)

    def _pick(self, array: Array, subscripts: Sequence[Array]) -> Array:
        """array[subscripts], read off the flat array."""
        place: Array = 0
        for subscript, length in zip(subscripts, array.shape, strict=True):
            place = place * length + subscript
        return self.np.take(array.reshape(-1), place, mode="clip") if subscripts else array

    def _guarded(self, e: ex.Expression, scope: Scope) -> Array:
        """A real argument of a nonlinear function: 1 wherever it does not matter."""
        value = self.real(self.evaluate(e, scope))
        return value if scope.mask is True else self.np.where(scope.mask, value, 1.0)

    def _product(self, factors: Sequence[ex.Expression], scope: Scope) -> Array:
        """Brackets first: where one is false the others do not matter."""
        truth: Array = True
        for factor in factors:
            if isinstance(factor, ex.Bracket):
                truth = both(truth, self.condition(factor.condition, scope.where(truth)))
        product: Array = 1
        for factor in factors:
            if not isinstance(factor, ex.Bracket):
                product = product * self.evaluate(factor, scope.where(truth))
        return product if truth is True else self.np.where(truth, self.real(product), 0.0)

    def _power(self, base: ex.Expression, exponent: ex.Expression, scope: Scope) -> Array:
        if isinstance(exponent, ex.Number) and isinstance(exponent.value, int):
            return self._guarded(base, scope) ** exponent.value
        return self._guarded(base, scope) ** self._guarded(exponent, scope)

    def _body(self, e: ex.Reduce | ex.Softmax, scope: Scope) -> tuple[Array, Array, Scope]:
        """The body with the bound indices along the first axis, row-major, and its condition."""
        inner = scope.bind(e.indices, self.sizes)
        lead = tuple(self.sizes[i] for i in e.indices)
        truth: Array = True
        if e.condition is not None:
            truth = self.condition(e.condition, inner)
        body = self.evaluate(e.body, inner.where(truth))
        shape = np.broadcast_shapes(np.shape(body), np.shape(truth), lead + (1,) * scope.depth)
        flat = (math.prod(lead), *shape[len(lead) :])
        body = self.np.broadcast_to(self.np.asarray(body), shape).reshape(flat)
        if truth is not True:
            truth = self.np.broadcast_to(truth, shape).reshape(flat)
        return body, truth, inner

    def _reduce(self, e: ex.Reduce, scope: Scope) -> Array:
        body, truth, _ = self._body(e, scope)
        if e.operation in ("sum", "mean"):
            total = body.sum(0) if truth is True else self.np.where(truth, body, 0).sum(0)
            if e.operation == "sum":
                return total
            return self.real(total) / (len(body) if truth is True else truth.sum(0))
        body = self.real(body)
        masked = body if truth is True else self.np.where(truth, body, -self.np.inf)
        if e.operation == "logsumexp":
            return self._logsumexp(masked, body, truth)
        if self.distances is not None and len(masked) > 1:
            best, second = -np.sort(-np.asarray(masked), axis=0)[:2]
            self._notice(best, second, scope)
        winner = self.np.argmax(masked, axis=0)
        if e.operation == "argmax":
            return winner
        place = np.arange(winner.size).reshape(winner.shape)
        return self._pick(body.reshape(len(body), -1), [winner, place])

    def _logsumexp(self, masked: Array, body: Array, truth: Array) -> Array:
        """log Σ exp along the first axis; `masked` is -∞ where `truth` is false."""
        top = self.backend.constant(masked.max(0))
        terms = self.np.exp(self.np.where(truth, body - top, 0.0))
        return self.np.log(self.np.where(truth, terms, 0.0).sum(0)) + top

    def _softmax(self, e: ex.Softmax, scope: Scope) -> Array:
        """Over indices of its own, of which the one that stands outside is then selected."""
        body, truth, inner = self._body(e, scope)
        body = self.real(body)
        masked = body if truth is True else self.np.where(truth, body, -self.np.inf)
        share = self.np.exp(self.np.where(truth, body - self._logsumexp(masked, body, truth), -1.0))
        if truth is not True:
            share = self.np.where(truth, share, 0.0)
        lead = tuple(self.sizes[i] for i in e.indices)
        share = share.reshape(lead + share.shape[1:])
        for i in e.indices:
            share = self.np.where(inner.indices[i] == scope.indices[i], share, 0.0)
        return share.sum(tuple(range(len(lead))))

    def _notice_cancellation(self, x: Array, scope: Scope) -> None:
        """A logarithm so near 0 that x has lost the digits which decide it is as bad as a kink."""
        if self.distances is not None:
            gap, mask = np.broadcast_arrays(np.abs(np.asarray(x) - 1), np.asarray(scope.mask))
            lost = mask & (gap > 0) & (gap < LOST_DIGITS)
            self.distances.extend([float(np.finfo(np.float64).tiny)] * int(lost.sum()))

    def _notice(self, left: Array, right: Array, scope: Scope) -> None:
        """Record how near two compared values are, where anybody asked and it matters."""
        if self.distances is None or not any(
            np.issubdtype(np.asarray(v).dtype, np.floating) for v in (left, right)
        ):
            return
        a, b, mask = np.broadcast_arrays(*map(np.asarray, (left, right, scope.mask)))
        with np.errstate(invalid="ignore"):
            gap = np.abs(a - b) / (1 + np.minimum(np.abs(a), np.abs(b)))
        self.distances.extend(gap[mask & ~np.isnan(gap)].tolist())
