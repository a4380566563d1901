"""Layers in short, and the cost that goes with a last layer and a target column."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import whygrad as wg
from whygrad.network.layers import ACTIVATIONS
from whygrad.network.short import short_layers, usual_cost

LAYERS = st.builds(
    wg.Dense, st.integers(1, 10**6), st.none() | st.sampled_from(sorted(ACTIVATIONS))
)


def written(layer: wg.Dense) -> str:
    ending = f":{layer.activation}" if layer.activation else ""
    return f"dense:{layer.width}{ending}"


@given(st.lists(LAYERS, min_size=1, max_size=5), st.sampled_from([",", ", ", " ,"]))
def test_layers_are_read_as_they_are_written(layers: list[wg.Dense], comma: str) -> None:
    assert short_layers(comma.join(map(written, layers))) == layers


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dens:16", "'dens:16': there is no layer 'dens'; did you mean 'dense'?"),
        ("", "there is no layer between these commas"),
        ("dense", "'dense': a layer is written dense:WIDTH or dense:WIDTH:ACTIVATION"),
        ("dense:", "a layer's width is a whole number of up to 9 digits, not ''"),
        ("dense:16:tanh:zeros", "a layer is written dense:WIDTH"),
        ("dense:16,,dense:3", "'': there is no layer between these commas"),
        ("dense:0", "a layer's width has to be a whole number from 1 on, not 0"),
        ("dense:-3", "not '-3'"),
        ("dense:1000000000", "of up to 9 digits, not '1000000000'"),
        ("dense:1.5", "not '1.5'"),
        ("dense:٣", "not '٣'"),
        ("dense:" + "9" * 5000, "a layer's width is a whole number"),
        ("dense:8:tahn,dense:3", "'dense:8:tahn': unknown activation 'tahn'; did you mean 'tanh'?"),
        ("dense:8:tanh,dense:x", "'dense:x': a layer's width"),
        ("dense:8:", "unknown activation ''"),
    ],
)
def test_mistakes_are_shown_in_their_layer(text: str, message: str) -> None:
    with pytest.raises(wg.WhygradError) as error:
        short_layers(text)
    assert message in str(error.value)
    assert str(error.value).endswith("; for example dense:16:tanh,dense:3")


@given(st.text(alphabet="dense:,16tanh ¹", max_size=30))
def test_any_text_gives_layers_or_a_message(text: str) -> None:
    try:
        assert all(layer.width > 0 for layer in short_layers(text))
    except wg.WhygradError as error:
        assert "for example" in str(error)


@pytest.mark.parametrize(
    ("outputs", "kind", "cost"),
    [
        (1, {"text": True, "whole": False}, "binary_cross_entropy"),
        (1, {"text": False, "whole": True}, "half_squared_error"),
        (1, {"text": False, "whole": False}, "half_squared_error"),
        (3, {"text": True, "whole": False}, "cross_entropy"),
        (2, {"text": False, "whole": True}, "cross_entropy"),
    ],
)
def test_the_cost_follows_from_outputs_and_target(
    outputs: int, kind: dict[str, bool], cost: str
) -> None:
    assert usual_cost(outputs, **kind) == cost


def test_decimal_numbers_are_no_classes() -> None:
    with pytest.raises(wg.WhygradError, match=r"3 outputs tell classes apart.* ends in one output"):
        usual_cost(3, text=False, whole=False)
