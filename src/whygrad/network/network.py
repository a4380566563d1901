"""A network: its equations, and the numbers of its parameters."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Self

import numpy as np

from ..calculus import derive
from ..engines import find
from ..errors import DataError, SizeError, WhygradError, nearest
from ..language.checking import warnings as doubts
from ..language.latex import system_latex
from ..language.order import prerequisites
from ..language.parsing import parse
from ..language.sizes import check_ranges, infer_sizes
from ..language.system import System
from .arguments import by_name, checked_seed, names, whole_number
from .data import (
    Arrays,
    bind,
    check_whole_numbers,
    class_counts,
    merge,
    number_array,
    whole_numbered,
)
from .initialisers import initial_value
from .parameters import Parameters

if TYPE_CHECKING:
    from ..calculus import Derivation
    from ..engines.base import Program
    from ..training import History, Run


COMPUTED = ("equation", "noise")
KEPT = ("param", "state", "setting")

# how many numbers a tensor may hold: 32 GiB of float64
LARGEST_TENSOR = 2**32


class BaseNetwork:
    """Equations with parameters: what can be evaluated, and differentiated.

    Everything here runs on the reference engine in float64. Arrays are given by the names of
    the tensors (`x=X, y=y`) or in one mapping (`data={"x": X, "y": y}`).
    """

    def __init__(self, text: str | System) -> None:
        """Read the text of a network; raises LanguageError, which shows the place of a fault."""
        if not isinstance(text, str | System):
            raise WhygradError("a network is made from its text; `whygrad.read` opens a file")
        self.system = text if isinstance(text, System) else parse(text)
        for sentence in doubts(self.system):
            warnings.warn(sentence, stacklevel=2)
        self.settings = Parameters(
            {
                name: np.asarray(declaration.value, np.float64)
                for name, (kind, declaration) in self.system.declarations.items()
                if kind == "setting"
            }
        )
        self._parameters: Parameters | None = None
        self._states: Parameters | None = None
        self.sizes: dict[str, int] = {}
        self.history: History | None = None  # of the last training, as is `run`
        self.run: Run | None = None
        self._derivations: dict[tuple[str, ...] | None, Derivation] = {}
        self._programs: dict[object, Program] = {}

    def __str__(self) -> str:
        return str(self.system)

    def latex(self) -> str:
        """The equations as LaTeX: an `aligned` environment."""
        return system_latex(self.system)

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def init(
        self,
        *,
        seed: int = 0,
        sizes: Mapping[str, int] | None = None,
        data: Mapping[str, object] | None = None,
        **named: object,
    ) -> Self:
        """Draw every parameter and state, with the sizes that the text, `sizes` or data give.

        The same seed gives the same numbers. Raises SizeError for a size that is left open
        and for a tensor too large to be held, DataError for a seed that is no whole number.
        """
        seed = checked_seed(seed)
        given = self._known_sizes(sizes)
        arrays = self.bind(data, named, needed=())
        found = self._infer(self.system, given, arrays)
        check_whole_numbers(self.system, arrays, found)
        lasting = self._lasting_indices().union(given)
        self.sizes = {i: found[i] for i in lasting if i in found}
        self._parameters = self._draw("param", found, seed)
        self._states = self._draw("state", found, seed)
        self.history = self.run = None
        return self

    def restore(self, sizes: Mapping[str, int], values: Mapping[str, object]) -> Self:
        """Take over the sizes and values that a network of the same text had; see `fitting`."""
        arrays = self.fitting(sizes, values)
        self._parameters, self._states, self.settings = (
            Parameters({t.name: arrays[t.name] for t in self.system.of_kind(kind)}) for kind in KEPT
        )
        self.sizes = self._known_sizes(sizes)
        return self

    def fitting(self, sizes: Mapping[str, int], values: Mapping[str, object]) -> Arrays:
        """Parameters, states and settings, checked that they fit these sizes.

        Raises DataError for a value that is missing, unknown or not finite, SizeError for a shape
        that does not fit.
        """
        names = [t.name for kind in KEPT for t in self.system.of_kind(kind)]
        for name in names:
            if name not in values:
                raise DataError(f"the value of '{name}' is missing")
        for name in values:
            if name not in names:
                hint = nearest(name, names) or "it keeps nothing"
                raise DataError(f"the network keeps no '{name}'; {hint}")
        arrays = {name: number_array(name, values[name]).astype(np.float64) for name in names}
        self._infer(self.system, self._known_sizes(sizes), arrays)
        return arrays

    @property
    def drawn(self) -> bool:
        """Whether parameters and states have values."""
        return self._parameters is not None

    @property
    def params(self) -> Parameters:
        """The parameters' arrays by name; to set one checks its shape and that it is finite."""
        if self._parameters is None:
            raise WhygradError(
                "the parameters have no values yet: call net.init(seed=0, x=..., y=...) first"
            )
        return self._parameters

    @property
    def states(self) -> Parameters:
        """What the network keeps from step to step beside its parameters, by name."""
        if self._states is None:
            raise WhygradError(
                "the states have no values yet: call net.init(seed=0, x=..., y=...) first"
            )
        return self._states

    def derive(self, wrt: str | Iterable[str] | None = None) -> Derivation:
        """The derivation of ∂cost/∂(each parameter), or of the tensors named in `wrt`."""
        if self.system.cost is None:
            raise WhygradError("there is nothing to derive: the text has no line 'minimize J'")
        wanted = None if wrt is None else names("wrt", wrt)
        for name in wanted or ():
            self._check_differentiable(name)
        if wanted not in self._derivations:
            self._derivations[wanted] = derive(self.system, wrt=wanted)
        return self._derivations[wanted]

    def forward(
        self,
        *,
        data: Mapping[str, object] | None = None,
        training: bool = False,
        seed: int = 0,
        **named: object,
    ) -> Arrays:
        """The value of every tensor of the text, by its name.

        `training` is what the word means in the text, and `seed` the seed of its noise.
        """
        arrays = self.bind(data, named)
        wanted = [t.name for t in self.system.tensors.values() if t.kind in COMPUTED]
        values = self.evaluate(self.stable_system(), wanted, arrays, training=training, seed=seed)
        return {**arrays, **self.values(), **values}

    def predict(
        self, *, data: Mapping[str, object] | None = None, **named: object
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]] | Arrays:
        """What the text's `predict` names: an array, or arrays by name if there are several.

        Needs only the data from which that is computed.
        """
        wanted = self.system.predictions
        if not wanted:
            raise WhygradError("the text does not say what to predict: add a line 'predict yhat'")
        needed = prerequisites(self.system, wanted)
        arrays = self.bind(data, named, needed=self._read_by(needed))
        values = self.evaluate(self.stable_system(), wanted, arrays)
        return values[wanted[0]] if len(wanted) == 1 else values

    def gradients(
        self,
        *,
        wrt: str | Iterable[str] | None = None,
        data: Mapping[str, object] | None = None,
        training: bool = False,
        seed: int = 0,
        **named: object,
    ) -> Arrays:
        """∂cost/∂tensor for each parameter, or for each tensor in `wrt`, by the tensor's name."""
        derivation = self.derive(wrt)
        arrays = self.bind(data, named)
        slopes = {name: derivation.mark + name for name in derivation.wanted}
        values = self.evaluate(
            derivation.simplified_system, slopes.values(), arrays, training=training, seed=seed
        )
        return {name: values[slope] for name, slope in slopes.items()}

    # What the packages built on this one use

    def bind(
        self,
        data: Mapping[str, object] | None,
        named: Mapping[str, object],
        needed: Iterable[str] | None = None,
    ) -> Arrays:
        """Check and convert data; by default every given tensor has to be there."""
        if needed is None:
            needed = [t.name for t in self.system.of_kind("given")]
        return bind(self.system, merge(data, named), needed)

    def values(self) -> Arrays:
        """Parameters, states and settings by name, as an engine takes them."""
        return {**self.params, **self.states, **self.settings}

    def sizes_for(self, system: System, arrays: Arrays) -> dict[str, int]:
        """The size of every index of a system for these data.

        Raises SizeError where sizes disagree, DataError for a class number out of range.
        """
        values = {**self.values(), **arrays}
        shaped = {i for name in values for i in system.tensors[name].indices}
        known = {i: size for i, size in self.sizes.items() if i not in shaped}
        sizes = self._infer(system, known, values)
        check_whole_numbers(self.system, arrays, sizes)
        return sizes

    def open_sizes_for(self, system: System, arrays: Arrays) -> dict[str, int]:
        """The same without the number of samples, so that it may change from run to run."""
        sizes = self.sizes_for(system, arrays)
        axes = {i for tensor in system.of_kind("given") for i in tensor.indices}
        fixed = {i: sizes[i] for i in axes.union(self.sizes) - {system.batch} if i in sizes}
        return self._infer(system, fixed, self.values())

    def stable_system(self) -> System:
        """The system, its cost in the form that neither overflows nor cancels."""
        if self.system.cost is None:
            return self.system
        return self.derive().simplified_system

    def evaluate(
        self,
        system: System,
        wanted: Iterable[str],
        arrays: Arrays,
        *,
        training: bool = False,
        seed: int = 0,
    ) -> Arrays:
        """Run some tensors of the system, or of one derived from it, on bound data."""
        seed = checked_seed(seed)
        asked = tuple(wanted)
        needed = replace(prerequisites(system, asked), source=self.system.source)
        sizes = self.open_sizes_for(needed, arrays)
        key = (needed, asked, training, tuple(sorted(sizes.items())))
        if key not in self._programs:
            self._programs[key] = find("reference").compile(
                needed, sizes, asked, dtype="float64", training=training
            )
        return self._programs[key].run({**self.values(), **arrays}, seed=seed, step=0)

    def _known_sizes(self, sizes: Mapping[str, int] | None) -> dict[str, int]:
        given = by_name("sizes", sizes, "{'k': 3}")
        for index, size in given.items():
            whole_number(f"the size of {index}", size, 1)
            if index not in self.system.index_names:
                hint = nearest(index, self.system.index_names)
                raise DataError(f"the network has no index '{index}'; {hint}")
        return given

    def _infer(self, system: System, known: Mapping[str, int], arrays: Arrays) -> dict[str, int]:
        shapes = {name: array.shape for name, array in arrays.items()}
        sizes = infer_sizes(system, known, shapes, class_counts(self.system, arrays))
        for tensor in system.tensors.values():
            count = prod(sizes.get(i, 1) for i in tensor.indices)
            if tensor.kind != "given" and count > LARGEST_TENSOR:
                raise SizeError(
                    f"{tensor} would hold {count:,} numbers: "
                    f"a tensor holds at most {LARGEST_TENSOR:,}"
                )
        check_ranges(system, sizes)
        return sizes

    def _lasting_indices(self) -> frozenset[str]:
        """The indices whose sizes stay as they were at `init`.

        Those of parameters and states, and those of which class numbers are values.
        """
        kept = (*self.system.of_kind("param"), *self.system.of_kind("state"))
        classes = {d.within for _, d in self.system.declarations.values() if d.within}
        return frozenset(i for tensor in kept for i in tensor.indices) | classes

    def _draw(self, kind: str, sizes: Mapping[str, int], seed: int) -> Parameters:
        shapes = {t.name: tuple(sizes[i] for i in t.indices) for t in self.system.of_kind(kind)}
        return Parameters(
            {name: initial_value(self.system, name, shape, seed) for name, shape in shapes.items()}
        )

    def _read_by(self, system: System) -> list[str]:
        """The given tensors that the equations of a system read."""
        return [t.name for t in system.of_kind("given") if t.name in system.readers]

    def _check_differentiable(self, name: str) -> None:
        tensors = self.system.tensors
        if name not in tensors:
            raise DataError(f"the network has no tensor '{name}'; {nearest(name, tensors)}")
        if name == self.system.cost:
            raise DataError(f"{name} is the cost itself: ∂{name}/∂{name} = 1")
        if name in whole_numbered(self.system):
            raise DataError(f"'{name}' holds whole numbers, so there is no derivative for it")
