"""Whatever is in a table: a network is trained on it, or one message says why not."""

from datetime import date

import numpy as np
import polars as pl
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

import whygrad as wg

ROWS = 9
COLUMNS = {
    "decimal": st.floats(-1e6, 1e6),
    "any number": st.floats(),
    "huge": st.floats(allow_nan=False, allow_infinity=False),
    "whole": st.integers(-5, 5),
    "large": st.integers(-(2**63), 2**63 - 1),
    "sign": st.sampled_from([-1, 1]),
    "bit": st.sampled_from([0, 1]),
    "class": st.sampled_from(["ant", "bee"]),
    "text": st.text(max_size=3),
    "truth": st.booleans(),
    "date": st.dates(date(2000, 1, 1), date(2000, 12, 31)),
    "list": st.lists(st.integers(0, 3), max_size=2),
    "nothing": st.none(),
}
# Columns that any network takes, each with the values that it holds.
GOOD = {
    "decimal": [0.5, -2.25, 1e3, 7.0],
    "whole": [3, 4, 5],
    "sign": [-1, 1],
    "bit": [0, 1],
    "class": ["ant", "bee", "wasp"],
    "truth": [False, True],
}


@st.composite
def any_frames(draw: st.DrawFn) -> pl.DataFrame:
    """Up to four columns of any kind; now and then a value is missing."""
    kinds = draw(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=4))
    rows = draw(st.sampled_from([1, 2, ROWS]))
    columns = {}
    for place, kind in enumerate(kinds):
        values = draw(st.lists(COLUMNS[kind], min_size=rows, max_size=rows))
        if draw(st.integers(0, 9)) == 0:
            values[draw(st.integers(0, rows - 1))] = None
        columns[f"{kind}{place}"] = pl.Series(values, strict=False)
    return pl.DataFrame(columns)


@st.composite
def good_frames(draw: st.DrawFn) -> pl.DataFrame:
    """Two to four columns in which every value occurs more than once."""
    kinds = draw(st.lists(st.sampled_from(sorted(GOOD)), min_size=2, max_size=4))
    columns = {}
    for place, kind in enumerate(kinds):
        values = (GOOD[kind] * ROWS)[:ROWS]
        columns[f"{kind}{place}"] = draw(st.permutations(values))
    return pl.DataFrame(columns)


def networks(outputs: int) -> st.SearchStrategy[tuple[list[wg.Dense], str]]:
    """Layers that end in so many outputs, or in one, with a cost that goes with them."""
    several = [([wg.Dense(outputs, a)], "cross_entropy") for a in (None, "softmax")]
    several += [([wg.Dense(2, "tanh"), wg.Dense(outputs)], "hinge")]
    one = [([wg.Dense(1, a)], "binary_cross_entropy") for a in (None, "sigmoid")]
    one += [([wg.Dense(1)], cost) for cost in ("half_squared_error", "huber", "hinge")]
    return st.sampled_from((several if outputs > 1 else []) + one)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(any_frames() | good_frames() | good_frames(), st.data())
def test_any_table_is_trained_on_or_refused(frame: pl.DataFrame, data: st.DataObject) -> None:
    target = data.draw(st.sampled_from(frame.columns))
    layers, cost = data.draw(networks(frame[target].n_unique()))
    network = wg.Sequential(layers, cost)
    try:
        network.fit(frame, target=target, epochs=1, batch_size=4, validation=0.3)
    except wg.WhygradError as error:
        event(f"refused: {str(error)[:30]}")
        return
    event(f"trained: {cost}, {'several' if layers[-1].width > 1 else 'one'}")
    found, fitted = network.predict_table(frame.drop(target)), network.preprocessing
    assert fitted is not None and len(found) == len(frame)
    if fitted.classes is None:
        assert found.columns == [target]
        assert np.isfinite(found[target].to_numpy()).all()
    else:
        assert found.columns == [target, *(f"{target}={value}" for value in fitted.classes)]
        shares = found[:, 1:].to_numpy()
        best = [fitted.classes[k] for k in np.argmax(shares, axis=1)]
        assert found[target].to_list() == best
        if cost != "hinge":
            np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-9)
    assert network.score(network.held_out(frame)) <= 1
