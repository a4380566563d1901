"""whygrad: a network is the equations on a whiteboard.

Back-propagation is derived from them by the chain rule, every term of every
derivative can be looked at, and the same derivation trains.

    import whygrad as wg

    net = wg.Sequential([wg.Dense(16, "tanh"), wg.Dense(3)], cost="cross_entropy")
    net.init(seed=0, x=X, y=y)
    net.train(x=X, y=y, epochs=50, batch_size=32, optimizer=wg.Adam(0.01))
    print(net.why("w1[0,2]", x=X, y=y))
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .errors import DataError, LanguageError, SizeError, TrainingError, WhygradError
    from .language.parsing import parse
    from .model import Network, Sequential, load, read
    from .network.layers import Dense
    from .network.optimizers import SGD, Adam
    from .network.schedules import Cosine, Exponential, Step

__version__ = "0.1.0"

__all__ = [
    "SGD",
    "Adam",
    "Cosine",
    "DataError",
    "Dense",
    "Exponential",
    "LanguageError",
    "Network",
    "Sequential",
    "SizeError",
    "Step",
    "TrainingError",
    "WhygradError",
    "load",
    "parse",
    "read",
]

# Each public name is imported from its module when it is first used.
_HOMES = {
    "errors": ("DataError", "LanguageError", "SizeError", "TrainingError", "WhygradError"),
    "language.parsing": ("parse",),
    "model": ("Network", "Sequential", "load", "read"),
    "network.layers": ("Dense",),
    "network.optimizers": ("SGD", "Adam"),
    "network.schedules": ("Cosine", "Exponential", "Step"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'whygrad' has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
