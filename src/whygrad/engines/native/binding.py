"""The caller's arrays and the addresses that a training step gets, from epoch to epoch."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any, NamedTuple

import numpy as np

from ...errors import DataError
from ...language.system import Tensor
from ..base import Array
from ..request import Request
from .arrays import Unusual, suited


class Bound(NamedTuple):
    """What was given for a tensor, the array that the code works on, and its address."""

    given: object
    array: Array
    address: int

    def serves(self, given: object, shape: tuple[int, ...]) -> bool:
        """Whether it will do again: the same array, worked on in place, or the same number."""
        if self.given is not given or self.array.shape != shape:
            return False
        return self.array is given or not isinstance(given, np.ndarray | list | tuple)


class Binding:
    """The arrays of a training step.

    An array of the right type that lies in one piece is worked on in place, which also makes the
    next epoch start sooner; of any other there is a copy, and what is updated is copied back.
    """

    def __init__(self, request: Request, elements: Mapping[str, np.dtype[Any]]) -> None:
        """`elements` has the number type of each tensor in the code; the others are not read."""
        whole = request.whole
        self.updated = [u.name for u in whole.updates]
        tensors = (*request.inputs, *(whole.tensors[name] for name in self.updated))
        self.tensors = {t.name: t for t in tensors}
        self._request = request
        self._elements = elements
        self._bound: dict[str, Bound] = {}

    def bind(
        self,
        arrays: Mapping[str, Array],
        sizes: Mapping[str, int],
        shapes: Mapping[str, tuple[int, ...]],
    ) -> dict[str, int]:
        """The address of each tensor's array, which must have the given shape.

        Raises Unusual, with nothing changed, where the reference engine has to look at them.
        """
        for name, tensor in self.tensors.items():
            given = arrays.get(name)
            known = self._bound.get(name)
            if known is None or not known.serves(given, shapes[name]):
                self._bound[name] = self._new(tensor, arrays, sizes, shapes[name])
            elif tensor.declaration is not None and tensor.declaration.within is not None:
                _check_classes(known.array, sizes[tensor.declaration.within])
        for name in self.updated:
            given = arrays[name]
            if not isinstance(given, np.ndarray) or not given.flags.writeable:
                raise Unusual
        return {name: bound.address for name, bound in self._bound.items()}

    def values(self) -> list[Array]:
        """The arrays of what is updated."""
        return [self._bound[name].array for name in self.updated]

    def give_back(self, arrays: MutableMapping[str, Array]) -> None:
        """Copy what is updated into the caller's arrays, where it is elsewhere."""
        for name, array in zip(self.updated, self.values(), strict=True):
            if array is not arrays[name]:
                arrays[name][...] = array

    def take_up(self, arrays: Mapping[str, Array]) -> None:
        """Copy what is updated from the caller's arrays."""
        for name, array in zip(self.updated, self.values(), strict=True):
            if array is not arrays[name]:
                array[...] = arrays[name]

    def _new(
        self,
        tensor: Tensor,
        arrays: Mapping[str, Array],
        sizes: Mapping[str, int],
        shape: tuple[int, ...],
    ) -> Bound:
        try:
            array = self._request.one(tensor, arrays, sizes, shape)
        except DataError:
            raise Unusual from None
        array = suited(array, self._elements.get(tensor.name, array.dtype))
        return Bound(arrays.get(tensor.name), array, array.ctypes.data)


def _check_classes(array: Array, count: int) -> None:
    if array.size and (array.min() < 0 or array.max() >= count):
        raise Unusual
