"""Which tensors of a text a table fills."""

import pytest

import whygrad as wg
from whygrad.language.parsing import parse
from whygrad.network.roles import roles

REGRESSION = """
batch n
given {given}
param w[i] ~ ones
yhat[n] = sum[i](x[n,i] * w[i])
J = mean[n]((yhat[n] - {target})**2)
minimize J
predict {predict}
"""


def text(given: str = "x[n,i], y[n]", target: str = "y[n]", predict: str = "yhat") -> str:
    return REGRESSION.format(given=given, target=target, predict=predict)


def test_the_inputs_are_what_the_prediction_needs() -> None:
    found = roles(parse(text("y[n], x[n,i]")))
    assert (found.inputs.name, found.target.name, found.prediction.name) == ("x", "y", "yhat")
    assert found.classes is None


def test_a_target_of_classes_names_their_index() -> None:
    net = wg.Sequential([wg.Dense(4, "tanh"), wg.Dense(3)], cost="cross_entropy")
    assert roles(net.system).classes == "k"


def test_one_output_may_have_an_axis_of_its_own() -> None:
    net = wg.Sequential([wg.Dense(1)], cost="half_squared_error")
    assert roles(net.system).target.indices == ("n", "k")


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (text(predict="yhat, J"), "'predict yhat' has to name one tensor, not 2"),
        (text().replace("predict yhat\n", ""), "has to name one tensor, not 0"),
        (text("x[n,i], u[n], y[n]"), "beside x, as y[n]: there is u[n] and y[n]"),
        (
            text("x[n,i]", target="1"),
            "there has to be one given tensor beside x, as y[n]: there is none",
        ),
        (
            text("x[n,i], u[n], y[n]").replace("(x[n,i] * w[i])", "(x[n,i] * w[i] * u[n])"),
            "that yhat needs, as x[n,i]: there is x[n,i] and u[n]",
        ),
        (text("x[i,n], y[n]").replace("x[n,i] *", "x[i,n] *"), "not x[i,n]"),
        (text("x[n,i,j], y[n]").replace("x[n,i] *", "x[n,i,0] *"), "not x[n,i,j]"),
        (text("x[n,i], y", target="y"), "not y with yhat[n]"),
        (text().replace("batch n\n", "").replace("mean[n]", "sum[n]"), "a line 'batch n'"),
    ],
)
def test_a_text_that_fits_no_table_says_why(net: str, message: str) -> None:
    with pytest.raises(wg.DataError) as error:
        roles(parse(net))
    assert message in str(error.value)
    assert str(error.value).startswith("this network cannot be filled from a table: ")
