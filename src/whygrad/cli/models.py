"""Commands on a saved model: `predict`, `why` and `show`."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import whole
from .source import Data, check_output

Model = typer.Argument(metavar="MODEL", help="A model that `whygrad train` saved.")


def predict(
    model: Annotated[str, Model],
    data: Annotated[str, Data],
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="Where the CSV goes, if not to the output.")
    ] = None,
) -> None:
    """Predict the target of each row of a table, as CSV.

    The first column is the prediction. For classes it is followed by a column for each, the
    probability that the model gives it. The table need not have the target's column.
    """
    from ..model import load
    from ..storage.files import write_whole

    if out is not None:
        check_output("--out", out, model, data)
    predictions = load(model).predict_table(data).write_csv()
    if out is None:
        typer.echo(predictions, nl=False)
    else:
        write_whole(out, [predictions.encode("utf-8")])


def why(
    model: Annotated[str, Model],
    element: Annotated[
        str, typer.Argument(metavar="ELEMENT", help="Of a parameter or another tensor: 'w1[0,2]'.")
    ],
    data: Annotated[str, typer.Option(metavar="DATA", help="A table: a CSV or Parquet file.")],
    step: Annotated[
        int | None,
        typer.Option(min=0, metavar="K", help="Why training step K, from 0, changed it so."),
    ] = None,
    top: Annotated[int, whole("How many terms to show.")] = 3,
) -> None:
    """Say why a derivative is what it is, term by term.

    The largest terms come first, and the derivative in the largest is opened in turn. With
    --step, DATA is the table of the training, which is run again up to that step.
    """
    from ..insight.display import explanation_text, headline_text
    from ..insight.explanation import Correction
    from ..model import load
    from .legend import legend

    network = load(model)
    explanation = network.why(element, data=network.arrays(data), step=step, top=top)
    if isinstance(explanation, Correction):
        typer.echo(headline_text(explanation))
    typer.echo(explanation_text(explanation, top))
    typer.echo(legend(network, explanation, data))


def show(model: Annotated[str, Model]) -> None:
    """Show what is in a model.

    Its target and inputs, sizes, weights, training, score and text.
    """
    from ..model import load
    from .summary import summary

    typer.echo(summary(load(model)))
