"""The history: as text, as a table, and through a file."""

import json
from collections.abc import Callable

import polars as pl
import pytest

import whygrad as wg
from whygrad.training import History

from .problems import classification, regression


def test_as_a_table() -> None:
    net, data = classification()
    history = net.train(data=data, epochs=5, validation=0.2)
    table = history.table()
    columns = ["epoch", "cost", "accuracy", "validation_cost", "validation_accuracy"]
    assert table.columns == columns
    assert table["epoch"].to_list() == [1, 2, 3, 4, 5]
    assert table["cost"].to_list() == history.cost
    assert table["validation_accuracy"].to_list() == history.validation_score
    assert table.schema["accuracy"] == pl.Float64


def test_columns_are_there_for_what_was_measured() -> None:
    net, data = regression()
    assert net.train(data=data, epochs=2).table().columns == ["epoch", "cost", "R²"]
    text = "param w ~ ones\nJ = w**2\nminimize J"
    assert wg.Network(text).init().train(epochs=2).table().columns == ["epoch", "cost"]
    assert History().table().shape == (0, 1)


@pytest.mark.parametrize("options", [{}, {"validation": 0.2}, {"validation": 0.2, "patience": 2}])
def test_through_a_file(options: dict) -> None:
    net, data = regression()
    history = net.train(data=data, epochs=4, **options)
    assert History.from_json(json.loads(json.dumps(history.to_json()))) == history


@pytest.mark.parametrize(
    "damage",
    [
        lambda h: [],
        lambda h: None,
        lambda h: {},
        lambda h: {**h, "more": 1},
        lambda h: {k: v for k, v in h.items() if k != "cost"},
        lambda h: {**h, "measure": "precision"},
        lambda h: {**h, "measure": ["accuracy"]},
        lambda h: {**h, "cost": 3},
        lambda h: {**h, "cost": ["a", "b", "c"]},
        lambda h: {**h, "cost": [1, 2, True]},
        lambda h: {**h, "cost": h["cost"][:-1]},
        lambda h: {**h, "score": {}},
        lambda h: {**h, "measure": ""},
        lambda h: {**h, "interrupted": 1},
        lambda h: {**h, "best": -1},
        lambda h: {**h, "best": 4},
        lambda h: {**h, "best": 1.5},
        lambda h: {**h, "best": "1"},
    ],
)
def test_a_damaged_history_is_refused(damage: Callable) -> None:
    net, data = classification()
    stored = net.train(data=data, epochs=3, validation=0.2, patience=2).to_json()
    with pytest.raises(wg.DataError, match="the history of the training is damaged"):
        History.from_json(damage(stored))
