"""A network as a file, and back.

The arrays are the parameters, states and settings: `value/w1` and so on as they are, and
`start/w1` and so on as they were when the last training began. The words are the network's
`text` and, as JSON, its `sizes`, the `preprocessing` of its table, and the `history` and the
record (`run`) of the training; `whygrad` is the version that wrote them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import DataError, WhygradError
from ..network.data import Arrays, number_array
from ..table import Preprocessing
from ..training import History, Run
from .sealed import Sealed, read_sealed, write_sealed

if TYPE_CHECKING:
    from ..model import Network

T = TypeVar("T")

MARKS = ("value", "start")


def save(net: Network, path: object) -> None:
    """Write a network whose parameters have values to a file, whole or not at all.

    Raises DataError for a value that is not finite, WhygradError where the file cannot be written.
    """
    arrays = {"value": net.values(), "start": net.run.arrays if net.run else {}}
    for group in arrays.values():
        for name, array in group.items():
            number_array(name, array)
    parts = {"preprocessing": net.preprocessing, "history": net.history, "run": net.run}
    stored = {name: part.to_json() for name, part in parts.items() if part is not None}
    words = {name: json.dumps(value) for name, value in stored.items()}
    words["sizes"] = json.dumps(net.sizes, sort_keys=True)
    words |= {"whygrad": version("whygrad"), "text": str(net)}
    marked = {f"{mark}/{name}": a for mark, group in arrays.items() for name, a in group.items()}
    write_sealed(path, Sealed(marked, words))


def load(path: object, kind: type[Network]) -> Network:
    """The network in a file that `save` wrote, the same to the bit.

    Raises DataError, which names the file and what is wrong with it.
    """
    content = read_sealed(path)
    try:
        return _restored(content, kind)
    except WhygradError as error:
        raise DataError(f"the model in {path} cannot be restored: {error}") from None


def _restored(content: Sealed, kind: type[Network]) -> Network:
    words = content.words
    for name in ("text", "sizes"):
        if name not in words:
            raise DataError(f"it has no {name}")
    arrays, sizes = _by_mark(content.arrays), _stored(words, "sizes")
    net = kind(words["text"]).restore(sizes, arrays["value"])
    net.preprocessing = _part(words, "preprocessing", Preprocessing.from_json)
    net.history = _part(words, "history", History.from_json)
    net.run = _part(
        words, "run", lambda run: Run.from_json(run, net.fitting(sizes, arrays["start"]))
    )
    return net


def _by_mark(arrays: Arrays) -> dict[str, Arrays]:
    """The arrays in their groups, by the names that they have there."""
    groups: dict[str, Arrays] = {mark: {} for mark in MARKS}
    for name, array in arrays.items():
        mark, _, short = name.partition("/")
        if mark not in groups:
            raise DataError(f"it has an array '{name}', which no model has")
        groups[mark][short] = array
    return groups


def _part(words: Mapping[str, str], name: str, read: Callable[[Any], T]) -> T | None:
    return read(_stored(words, name)) if name in words else None


def _stored(words: Mapping[str, str], name: str) -> Any:
    try:
        value = json.loads(words[name])
        json.dumps(value, ensure_ascii=False).encode()  # half a character is no text
        return value
    except (ValueError, RecursionError):
        raise DataError(f"its {name} cannot be read: it is no JSON") from None
