"""The caller's arrays and the addresses that a training step gets, from epoch to epoch."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import NamedTuple

import numpy as np

from ...errors import DataError
from ...language.system import Tensor
from ..base import Array
from ..request import Request
from .arrays import Unusual, suited
from .code import Code
from .memory import ELEMENTS
from .names import ALL

Shape = tuple[int, ...]


class Bound(NamedTuple):
    """What was given for a tensor, the array that the code works on, and its address.

    `lasting` says that the same object may be taken for the same numbers the next time: an array
    that is worked on in place, or a number.
    """

    given: object
    array: Array
    address: int
    lasting: bool


class Binding:
    """The arrays of a training step.

    An array of the right type that lies in one piece is worked on in place, which also makes the
    next epoch start sooner; of any other there is a copy, and what is updated is copied back. Where
    zeros of the data are left out, what is updated has to be `finite`, since 0 times anything else
    is not 0; what a step writes is checked there.
    """

    def __init__(self, request: Request, code: Code, finite: bool) -> None:
        self._finite = finite
        whole = request.whole
        self.updated = [u.name for u in whole.updates]
        tensors = (*request.inputs, *(whole.tensors[name] for name in self.updated))
        self.tensors = {t.name: t for t in tensors}
        self._request = request
        external = [b for b in code.buffers if b.external]
        self._elements = {b.tensor.removesuffix(ALL): ELEMENTS[b.element] for b in external}
        self._names = [b.tensor for b in external if b.tensor.removesuffix(ALL) in self.tensors]
        self._classes = {t.name: t.within for t in tensors if t.within is not None}
        self._bound: dict[str, Bound] = {}
        self._shapes: Mapping[str, Shape] = {}
        self._addresses: dict[str, int] = {}

    def bind(
        self, arrays: Mapping[str, Array], sizes: Mapping[str, int], shapes: Mapping[str, Shape]
    ) -> None:
        """Take these arrays, which must have the given shapes.

        Raises Unusual, with nothing changed, where the reference engine has to look at them.
        """
        if not self._is_bound(arrays, shapes):
            self._bind(arrays, sizes, shapes)
        for name, index in self._classes.items():
            # read as unsigned, a negative number is larger than all others
            if self._bound[name].array.view(np.uint64).max(initial=0) >= sizes[index]:
                raise Unusual
        if self._finite and not all(np.isfinite(array).all() for array in self._values()):
            raise Unusual
        for name in self.updated:
            given = arrays[name]
            if not isinstance(given, np.ndarray) or not given.flags.writeable:
                raise Unusual

    def addresses(self) -> dict[str, int]:
        """Where the arrays are that the code reads or writes, by its names for them."""
        return self._addresses.copy()

    def _values(self) -> list[Array]:
        """The arrays of what is updated."""
        return [self._bound[name].array for name in self.updated]

    def give_back(self, arrays: MutableMapping[str, Array]) -> None:
        """Copy what is updated into the caller's arrays, where it is elsewhere."""
        for name, array in zip(self.updated, self._values(), strict=True):
            if array is not arrays[name]:
                arrays[name][...] = array

    def take_up(self, arrays: Mapping[str, Array]) -> None:
        """Copy what is updated from the caller's arrays."""
        for name, array in zip(self.updated, self._values(), strict=True):
            if array is not arrays[name]:
                array[...] = arrays[name]

    def _is_bound(self, arrays: Mapping[str, Array], shapes: Mapping[str, Shape]) -> bool:
        """Whether the same arrays were taken the last time, and may be again."""
        return shapes is self._shapes and all(
            self._is_kept(name, arrays, shapes) for name in self.tensors
        )

    def _is_kept(self, name: str, arrays: Mapping[str, Array], shapes: Mapping[str, Shape]) -> bool:
        known = self._bound.get(name)
        return (
            known is not None
            and known.lasting
            and known.given is arrays.get(name)
            and known.array.shape == shapes[name]
        )

    def _bind(
        self, arrays: Mapping[str, Array], sizes: Mapping[str, int], shapes: Mapping[str, Shape]
    ) -> None:
        self._shapes = {}  # until all is in its place
        for name, tensor in self.tensors.items():
            if not self._is_kept(name, arrays, shapes):
                self._bound[name] = self._new(tensor, arrays, sizes, shapes[name])
        self._addresses = {n: self._bound[n.removesuffix(ALL)].address for n in self._names}
        self._shapes = shapes

    def _new(
        self, tensor: Tensor, arrays: Mapping[str, Array], sizes: Mapping[str, int], shape: Shape
    ) -> Bound:
        try:
            array = self._request.one(tensor, arrays, sizes, shape)
        except DataError:
            raise Unusual from None
        array = suited(array, self._elements.get(tensor.name, array.dtype))
        given = arrays.get(tensor.name)
        lasting = array is given or not isinstance(given, np.ndarray | list | tuple)
        return Bound(given, array, array.ctypes.data, lasting)
