"""The record of a training: everything from which it can be run again, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from hashlib import sha256
from typing import Any

import numpy as np

from ..errors import DataError, WhygradError
from ..network.arguments import check_kind, checked_seed, is_number, one_of, whole_number
from ..network.data import Arrays
from ..network.optimizers import SGD, Adam, Optimizer
from ..network.schedules import Cosine, Exponential, Step
from .batches import check_share

DTYPES = ("float64", "float32")
WRITERS: dict[str, Any] = {kind.__name__: kind for kind in (SGD, Adam, Step, Exponential, Cosine)}


@dataclass(frozen=True)
class Run:
    """The arguments of one training, where it began, and how far it went.

    Args:
        optimizer: with its schedule and penalties.
        epochs: how many were asked for.
        batch_size: rows to a step.
        validation: the share of rows held out.
        patience: epochs without a better validation cost before it stops, or None.
        seed: of the rows held out, of the order of the rows and of noise.
        dtype: in which it computed.
        engine: the name of the engine.
        threads: in how many threads it was to run, or None.
        fingerprint: that of the data, see `fingerprint`.
        arrays: the network's parameters, states and settings at the start, by name.
        taken: how many steps it took.
        kept: after how many steps the parameters had the values that the network got.
    """

    optimizer: Optimizer
    epochs: int
    batch_size: int
    validation: float
    patience: int | None
    seed: int
    dtype: str
    engine: str
    threads: int | None
    fingerprint: str
    arrays: Arrays = field(repr=False, compare=False)
    taken: int = 0
    kept: int = 0

    def __post_init__(self) -> None:
        """Raises WhygradError for an argument that makes no sense."""
        check_kind(self.optimizer, Optimizer, "whygrad.Adam(0.01)")
        whole_number("epochs", self.epochs, 1)
        whole_number("batch_size", self.batch_size, 1)
        check_share(self.validation)
        if self.patience is not None:
            whole_number("patience", self.patience, 1)
            if not self.validation:
                raise WhygradError(
                    "patience needs rows to validate on: pass for example validation=0.2"
                )
        checked_seed(self.seed)
        if self.threads is not None:
            whole_number("threads", self.threads, 1)
        one_of("dtype", self.dtype, DTYPES)

    def check(self, arrays: Arrays) -> None:
        """Raise DataError unless these are the data of the run."""
        if fingerprint(arrays) != self.fingerprint:
            raise DataError(
                "these are not the data that the network was trained on: "
                "pass the same arrays, of the same type, all rows in the same order"
            )

    def to_json(self) -> dict[str, object]:
        """Everything but the arrays, as JSON knows it.

        Raises WhygradError for an optimiser or a schedule that is not one of whygrad's own.
        """
        return {name: _plain(getattr(self, name)) for name in _entries()}

    @classmethod
    def from_json(cls, stored: object, arrays: Arrays) -> Run:
        """What `to_json` gave, and the arrays; raises DataError for anything else."""
        try:
            if not isinstance(stored, dict) or set(stored) != set(_entries()):
                raise DataError(f"its entries should be {', '.join(_entries())}")
            run = cls(**{**stored, "optimizer": _made(stored["optimizer"])}, arrays=arrays)
            for name in ("engine", "fingerprint"):
                if not isinstance(stored[name], str):
                    raise DataError(f"{name} should be a text")
            whole_number("kept", run.kept, 0, whole_number("taken", run.taken, 0))
        except (TypeError, WhygradError) as error:
            raise DataError(f"the record of the training is damaged: {error}") from None
        return run


def _entries() -> list[str]:
    return [f.name for f in fields(Run) if f.name != "arrays"]


PIECE = 1 << 22
"""So many bytes of an array are hashed by one thread."""


def fingerprint(arrays: Mapping[str, np.ndarray[Any, Any]]) -> str:
    """A hash of names, types, shapes and numbers: other data have another one."""
    digest = sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.data if array.nbytes <= PIECE else _digests(array))
    return digest.hexdigest()


def _digests(array: np.ndarray[Any, Any]) -> bytes:
    """The hashes of the pieces of a large array, found at the same time."""
    from concurrent.futures import ThreadPoolExecutor

    octets = array.reshape(-1).view(np.uint8)
    pieces = [octets[k : k + PIECE] for k in range(0, len(octets), PIECE)]
    with ThreadPoolExecutor() as pool:
        return b"".join(pool.map(lambda piece: sha256(piece).digest(), pieces))


def _plain(value: object) -> object:
    """A value as JSON knows it: an optimiser or a schedule is what it was made with."""
    if value is None or isinstance(value, str):
        return value
    if is_number(value):
        return int(value) if isinstance(value, int | np.integer) else float(value)
    name = type(value).__name__
    if WRITERS.get(name) is not type(value):
        raise WhygradError(
            f"a training by {name} cannot be recorded in a file: "
            f"what can be are {', '.join(WRITERS)}; "
            "net.run = None saves the network without the record"
        )
    return {"kind": name, **{f.name: _plain(getattr(value, f.name)) for f in fields(WRITERS[name])}}


def _made(plain: object) -> Any:
    """The optimiser or the schedule that `_plain` described."""
    if not isinstance(plain, dict) or "kind" not in plain:
        raise DataError(f"{plain!r} is no optimizer")
    name = one_of("optimizer", plain["kind"], WRITERS)
    kind = WRITERS[name]
    values = {name: value for name, value in plain.items() if name != "kind"}
    if set(values) != {f.name for f in fields(kind)}:
        raise DataError(f"{name} has other entries")
    return kind(**{n: _made(v) if isinstance(v, dict) else v for n, v in values.items()})
