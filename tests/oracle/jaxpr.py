"""Run what JAX traced with NumPy.

`jax.grad` is a transformation of a program into another one. The second one is
traced without being run, and its operations, which are few and simple, are then
carried out by NumPy: nothing is compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np
import scipy.special
from jax.extend.core import Literal

Array = np.ndarray
Parameters = Mapping[str, Any]


def run_with_numpy(function: Callable[[Any], Any], argument: Any) -> Any:
    """`function(argument)`, where both are trees of arrays."""
    traced, shape = jax.make_jaxpr(function, return_shape=True)(argument)
    leaves = map(np.asarray, jax.tree.leaves(argument))
    with np.errstate(all="ignore"):
        results = _run(traced.jaxpr, traced.consts, list(leaves))
    return jax.tree.unflatten(jax.tree.structure(shape), results)


def _run(jaxpr: Any, consts: Sequence[Any], arguments: Sequence[Array]) -> list[Array]:
    values = dict(zip(jaxpr.constvars, map(np.asarray, consts), strict=True))
    values |= zip(jaxpr.invars, arguments, strict=True)

    def value(v: Any) -> Array:
        return np.asarray(v.val) if isinstance(v, Literal) else values[v]

    for equation in jaxpr.eqns:
        results = _operate(
            equation.primitive.name, equation.params, [value(v) for v in equation.invars]
        )
        for v, result in zip(equation.outvars, results, strict=True):
            values[v] = np.asarray(result, v.aval.dtype)
    return [value(v) for v in jaxpr.outvars]


def _operate(name: str, parameters: Parameters, values: list[Array]) -> Sequence[Array]:
    for key in ("jaxpr", "call_jaxpr"):
        if key in parameters:
            return _run(parameters[key].jaxpr, parameters[key].consts, values)
    if name in SHAPED:
        return [SHAPED[name](parameters, *values)]
    if name == "unstack":
        return list(np.moveaxis(values[0], parameters["axis"], 0))
    return [ELEMENTWISE[name](*values)]


def _broadcast(parameters: Parameters, x: Array) -> Array:
    shape = [1] * len(parameters["shape"])
    for axis, length in zip(parameters["broadcast_dimensions"], x.shape, strict=True):
        shape[axis] = length
    return np.broadcast_to(x.reshape(shape), parameters["shape"])


def _gather(parameters: Parameters, x: Array, places: Array) -> Array:
    """x[places] of an array with one axis, which is all that the oracle reads with."""
    assert parameters["slice_sizes"] == (1,) and x.ndim == 1
    return x[places[..., 0]]


def _scatter_add(parameters: Parameters, x: Array, places: Array, updates: Array) -> Array:
    assert x.ndim == 1 and places.shape[:-1] == updates.shape
    result = x.copy()
    np.add.at(result, places[..., 0], updates)
    return result


def _slice(parameters: Parameters, x: Array) -> Array:
    strides = parameters["strides"] or (1,) * x.ndim
    bounds = zip(parameters["start_indices"], parameters["limit_indices"], strides, strict=True)
    return x[tuple(slice(*b) for b in bounds)]


def _pad(parameters: Parameters, x: Array, value: Array) -> Array:
    assert all(
        low >= 0 and high >= 0 and not inner for low, high, inner in parameters["padding_config"]
    )
    widths = [(low, high) for low, high, _ in parameters["padding_config"]]
    return np.pad(x, widths, constant_values=value)


SHAPED: dict[str, Callable[..., Array]] = {
    "argmax": lambda p, x: np.argmax(x, axis=p["axes"][0]),
    "broadcast_in_dim": _broadcast,
    "concatenate": lambda p, *xs: np.concatenate(xs, p["dimension"]),
    "convert_element_type": lambda p, x: x.astype(p["new_dtype"]),
    "gather": _gather,
    "integer_pow": lambda p, x: x ** float(p["y"]),
    "iota": lambda p: _broadcast(
        {"shape": p["shape"], "broadcast_dimensions": (p["dimension"],)},
        np.arange(p["shape"][p["dimension"]]),
    ),
    "pad": _pad,
    "reduce_max": lambda p, x: x.max(p["axes"]),
    "reduce_sum": lambda p, x: x.sum(p["axes"]),
    "reshape": lambda p, x: x.reshape(p["new_sizes"]),
    "scatter-add": _scatter_add,
    "slice": _slice,
    "squeeze": lambda p, x: x.squeeze(p["dimensions"]),
    "stack": lambda p, *xs: np.stack(xs, p["axis"]),
    "transpose": lambda p, x: x.transpose(p["permutation"]),
}

ELEMENTWISE: dict[str, Callable[..., Array]] = {
    "abs": np.abs,
    "add": np.add,
    "add_any": np.add,
    "and": np.logical_and,
    "copy": lambda x: x,
    "cos": np.cos,
    "div": np.divide,
    "eq": np.equal,
    "erf": scipy.special.erf,
    "exp": np.exp,
    "expm1": np.expm1,
    "ge": np.greater_equal,
    "gt": np.greater,
    "is_finite": np.isfinite,
    "le": np.less_equal,
    "log": np.log,
    "log1p": np.log1p,
    "logistic": scipy.special.expit,
    "lt": np.less,
    "max": np.maximum,
    "min": np.minimum,
    "mul": np.multiply,
    "ne": np.not_equal,
    "neg": np.negative,
    "not": np.logical_not,
    "or": np.logical_or,
    "pow": np.power,
    "select_n": lambda which, *cases: np.choose(which, cases),
    "sign": np.sign,
    "sin": np.sin,
    "sqrt": np.sqrt,
    "square": np.square,
    "stop_gradient": lambda x: x,
    "sub": np.subtract,
    "tanh": np.tanh,
}
