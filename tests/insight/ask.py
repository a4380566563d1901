"""The networks of tests/systems with values, ready to be asked."""

from __future__ import annotations

import numpy as np
from tests.systems.catalogue import KNOWN

import whygrad as wg
from whygrad.insight import Explanation

Data = dict[str, np.ndarray]


def network(name: str, seed: int = 0) -> tuple[wg.Network, Data]:
    """A known network with random parameters, and random data for it."""
    known = KNOWN[name]
    net = wg.Network(known.text)
    arrays = known.arrays(seed)
    data = {t.name: arrays[t.name] for t in net.system.of_kind("given")}
    sizes = {i: n for i, n in known.sizes.items() if i in net.system.index_names}
    net.init(seed=0, sizes=sizes, data=data)
    for t in net.system.of_kind("param"):
        net.params[t.name] = arrays[t.name]
    for t in net.system.of_kind("state"):
        net.states[t.name] = arrays[t.name]
    return net, data


def everything(name: str, net: wg.Network) -> list[str]:
    """Every tensor that has a derivative: parameters, data and inner tensors."""
    inner = [t for t in net.system.definitions if t != net.system.cost]
    return [*KNOWN[name].differentiable, *inner]


def opened(e: Explanation, rng: np.random.Generator, depth: int) -> list[Explanation]:
    """The explanation and, down to some depth, those of two of its terms."""
    found = [e]
    if depth == 0:
        return found
    for place in rng.permutation(len(e.terms))[:2]:
        term = e.terms[place]
        below = [term.why()] if term.expand else []
        below += [f.why() for f in term.factors if f.expand]
        for inner in below:
            found += opened(inner, rng, depth - 1)
    return found
