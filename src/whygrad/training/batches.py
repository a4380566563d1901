"""Rows of data: taken out, held out, and shuffled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..language.system import System
from ..network.arguments import is_number
from ..network.data import Array, Arrays
from ..network.random import generator

BATCH_SIZE = 32

# how many permutations of either kind are drawn, see Shuffle
PERMUTATIONS = 4

Rows = NDArray[np.int64]


class Samples:
    """Data whose tensors have the batch index as an axis: rows can be taken out of them.

    A tensor without that axis is the same for every batch. Without a batch index there is one
    row, which is everything.
    """

    def __init__(self, system: System, arrays: Arrays) -> None:
        self.arrays = arrays
        self.axes = {
            t.name: t.indices.index(system.batch)
            for t in system.of_kind("given")
            if system.batch in t.indices and t.name in arrays
        }
        self.count = next((arrays[name].shape[axis] for name, axis in self.axes.items()), 1)

    def take(self, rows: Rows) -> Arrays:
        """The data of these rows."""
        return {name: self.one(name, rows) for name in self.arrays}

    def one(self, name: str, rows: Rows) -> Array:
        """The data of these rows in one tensor."""
        array = self.arrays[name]
        return np.take(array, rows, self.axes[name]) if name in self.axes else array


def check_share(share: object) -> None:
    """Raise DataError for a share of rows to hold out that makes no sense."""
    if not (is_number(share) and 0 <= share < 1):
        raise DataError(f"validation is a share from 0 up to, but not including, 1; not {share!r}")


def _classes(system: System, arrays: Arrays) -> Rows | None:
    """The class number of each row where the text has a `y[n] in k`, or None."""
    for tensor in system.of_kind("given"):
        if tensor.within and tensor.indices == (system.batch,):
            return arrays[tensor.name]
    return None


def split(system: System, arrays: Arrays, share: float, seed: int) -> tuple[Rows, Rows]:
    """The numbers of the rows to train on, and of those held out, drawn by the seed.

    With class numbers, every class is held out to the same share, as near as whole rows allow.
    """
    check_share(share)
    count = Samples(system, arrays).count
    if share == 0:
        return np.arange(count), np.arange(0)
    order = generator(seed, "validation").permutation(count)
    wanted = round(share * count)
    if not 0 < wanted < count:
        raise DataError(
            f"validation={share} of {count} rows holds out {wanted}: "
            "both parts need at least one row; 0 holds out none"
        )
    classes = _classes(system, arrays)
    if classes is not None:
        order = order[_interleaved(classes[order])]
    return np.sort(order[wanted:]), np.sort(order[:wanted])


def _interleaved(classes: NDArray[np.int64]) -> Rows:
    """An order of the rows whose every beginning holds the classes in their proportions."""
    place = np.empty(len(classes))
    for value in np.unique(classes):
        members = np.flatnonzero(classes == value)
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
    return np.argsort(place, kind="stable")


class Shuffle:
    """An order of the rows for each epoch, by the seed and the number of the epoch alone.

    To draw a permutation takes longer than a small network takes to train on the rows. So a few
    are drawn, of two kinds, and an order is one of the first kind read in an order of the second:
    as uniform as each of them, and independent of every order that does not share both. When all
    pairs have had their turn, those of the first kind are turned by a place.
    """

    def __init__(self, rows: Rows, seed: int) -> None:
        self.rows, self.seed = rows, seed
        self._drawn: dict[int, Rows] = {}

    def places(self, start: int, stop: int, room: Rows | None = None) -> Rows:
        """The rows at some places of the orders of all epochs, one after the other.

        They are put into `room` if there is one, which may be larger.
        """
        found = np.empty(stop - start, np.int64) if room is None else room[: stop - start]
        place = start
        while place < stop:
            epoch, begin = divmod(place, len(self.rows))
            end = min(len(self.rows), begin + stop - place)
            turned, order = self._pair(epoch)
            # any mode but the usual one writes without a copy, and all numbers are in range
            turned.take(order[begin:end], out=found[place - start :][: end - begin], mode="clip")
            place += end - begin
        return found

    def _pair(self, epoch: int) -> tuple[Rows, Rows]:
        """A permutation of the rows, and one of the places in it."""
        turns, pair = divmod(epoch, PERMUTATIONS**2)
        first, second = divmod(pair, PERMUTATIONS)
        start = turns % len(self.rows)
        turned = self._permutation(first, twice=True)[start : start + len(self.rows)]
        return turned, self._permutation(PERMUTATIONS + second)

    def _permutation(self, number: int, twice: bool = False) -> Rows:
        if number not in self._drawn:
            drawn = generator(self.seed, "shuffle", number).permutation(len(self.rows))
            self._drawn[number] = np.tile(self.rows[drawn], 2) if twice else drawn
        return self._drawn[number]
