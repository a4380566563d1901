"""`Network` and `Sequential`: a network with everything that can be asked of it.

This is where the packages meet: what a network does is written in `network`,
`training` and `insight`, and hangs here on one name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

from .network.costs import check_targets
from .network.data import Arrays
from .network.layers import Layer
from .network.network import BaseNetwork
from .network.optimizers import Optimizer
from .network.sequential import sequential_text

if TYPE_CHECKING:
    import polars as pl

    from .calculus import Derivation
    from .insight import Explainer, Explanation, Report, Verdict
    from .language.system import System
    from .table import Preprocessing
    from .tabular import Table
    from .training import History


class Network(BaseNetwork):
    """A network from its text.

    Example:
        net = Network(text)
        net.init(seed=0, x=X, y=y)
        net.train(x=X, y=y, epochs=50, batch_size=32)
        print(net.why("w1[0,2]", x=X, y=y))
    """

    def __init__(self, text: str | System) -> None:
        """Read the text of a network; raises LanguageError, which shows the place of a fault."""
        super().__init__(text)
        self.preprocessing: Preprocessing | None = None

    def train(
        self,
        *,
        epochs: int,
        batch_size: int | None = None,
        optimizer: Optimizer | None = None,
        validation: float = 0.0,
        patience: int | None = None,
        seed: int = 0,
        progress: bool = False,
        dtype: str = "float64",
        engine: str = "native",
        threads: int | None = None,
        data: Mapping[str, object] | None = None,
        **named: object,
    ) -> History:
        """Train the parameters by mini-batches; see `whygrad.training.train`."""
        from .training import train

        return train(
            self,
            epochs=epochs,
            batch_size=batch_size,
            optimizer=optimizer,
            validation=validation,
            patience=patience,
            seed=seed,
            progress=progress,
            dtype=dtype,
            engine=engine,
            threads=threads,
            data=data,
            **named,
        )

    def program(
        self,
        *,
        batch_size: int = 32,
        optimizer: Optimizer | None = None,
        dtype: str = "float64",
        threads: int | None = None,
        data: Mapping[str, object] | None = None,
        **named: object,
    ) -> str:
        """The training step as the native engine runs it, in words."""
        from .training.program import program

        return program(
            self,
            batch_size=batch_size,
            optimizer=optimizer,
            dtype=dtype,
            threads=threads,
            data=data,
            **named,
        )

    def fit(
        self,
        table: Table,
        *,
        target: str,
        epochs: int,
        validation: float = 0.2,
        seed: int = 0,
        **options: Any,
    ) -> History:
        """Train on a table: one column is the target, all others are the inputs.

        The inputs go into the given tensor `x[n,i]` that `predict` needs, the target into the
        one that it does not need. Numbers are standardised and other columns one-hot, as the rows
        that are trained on have them; a later call goes on from where this one ended.

        Args:
            table: the path of a CSV or Parquet file, or a polars DataFrame.
            target: the name of the column to be predicted.
            epochs: how often all rows are seen.
            validation: the share of rows held out (of each class, where there are classes).
            seed: of the parameters, unless they have values already, and of the training.
            options: what else `train` takes: batch_size, optimizer, patience, progress, ...

        Raises DataError for a table that does not fit the network, and names column and row.

        Example:
            net = wg.Sequential([wg.Dense(16, "tanh"), wg.Dense(3)], cost="cross_entropy")
            net.fit("wine.csv", target="cultivar", epochs=50, optimizer=wg.Adam(0.01))
            print(net.score(net.held_out("wine.csv")))
            net.predict_table("wine.csv").write_csv("predictions.csv")
        """
        from .tabular import fit

        return fit(self, table, target, epochs=epochs, validation=validation, seed=seed, **options)

    def predict_table(self, table: Table) -> pl.DataFrame:
        """A prediction for each row of a table, which need not have the target's column.

        The first column bears the target's name: the class by its name, or a number in the
        target's own units. For classes a column `target=class` follows for each: the network's
        output for it, which is its probability where the network ends in softmax or sigmoid.
        """
        from .tabular import predict

        return predict(self, table)

    def score(self, table: Table) -> float:
        """The share of rows that are predicted right, or R² where numbers are predicted.

        Of targets that are -1 and 1 the sign counts; R² = 1 - Σ(y - ŷ)² / Σ(y - mean of y)².
        """
        from .tabular import score

        return score(self, table)

    def held_out(self, table: Table) -> pl.DataFrame:
        """The rows that the latest training held out of this table; DataError for another table."""
        from .tabular import held_out

        return held_out(self, table)

    def arrays(self, table: Table) -> Arrays:
        """Inputs and target of a table by the names of their tensors, as `fit` trains on them.

        Example:
            net.why("w1[0,2]", data=net.arrays("wine.csv"))
        """
        from .tabular import arrays

        return arrays(self, table)

    def why(
        self,
        target: str,
        *,
        step: int | None = None,
        top: int = 10,
        training: bool = False,
        seed: int = 0,
        data: Mapping[str, object] | None = None,
        **named: object,
    ) -> Explanation:
        """Why a derivative is what it is; see `whygrad.insight.Explainer`.

        With `step`, which counts from 0, why that step of the latest training changed the
        element; see `whygrad.insight.explain_update`. The training is replayed up to there, on
        copies, so the data have to be those it was trained on; `training` and `seed` are its own.

        Example:
            w = net.why("w1[0,2]", x=X, y=y)
            print(w)
            w.terms[0].factors[0].why()
            print(net.why("w1[0,2]", step=40, x=X, y=y))
        """
        if step is not None:
            from .insight import explain_update
            from .training.replay import replay

            replayed = replay(self, self.bind(data, named), step)
            return explain_update(target, replayed, self.derive(), top)
        return self.explainer(
            target, top=top, training=training, seed=seed, data=data, **named
        ).why(target)

    def explainer(
        self,
        *targets: str,
        top: int = 10,
        training: bool = False,
        seed: int = 0,
        data: Mapping[str, object] | None = None,
        **named: object,
    ) -> Explainer:
        """One pass over the data, after which many questions can be asked of it.

        `targets` are elements or tensors that are no parameters and will be asked for.
        """
        from .insight import Explainer

        arrays = self.bind(data, named)
        return Explainer(
            self._derivation_for(targets),
            self.sizes_for(self.system, arrays),
            {**self.values(), **arrays},
            top=top,
            training=training,
            seed=seed,
        )

    def _derivation_for(self, targets: Sequence[str]) -> Derivation:
        """The usual derivation, or one that reaches what is asked for besides the params."""
        from .insight.target import tensor_asked

        usual = self.derive()
        names = [tensor_asked(t, usual.cost) for t in targets]
        others = [n for n in names if n in self.system.tensors and n not in usual.derived]
        return self.derive((*usual.wanted, *others)) if others else usual

    def check(
        self,
        *,
        wrt: str | Iterable[str] | None = None,
        training: bool = False,
        seed: int = 0,
        data: Mapping[str, object] | None = None,
        **named: object,
    ) -> Report:
        """Every derivative against central differences; see `whygrad.insight.check`."""
        from .insight import check

        arrays = self.bind(data, named)
        return check(
            self.derive(wrt),
            self.sizes_for(self.system, arrays),
            {**self.values(), **arrays},
            training=training,
            seed=seed,
        )

    def attempt(
        self,
        equation: str,
        *,
        training: bool = False,
        seed: int = 0,
        data: Mapping[str, object] | None = None,
        **named: object,
    ) -> Verdict:
        """Judge a derivative that somebody wrote; see `whygrad.insight.attempt`.

        Example:
            net.attempt("δz2[n,k] = (yhat[n,k] - [k == y[n]]) / size(n)", x=X, y=y)
        """
        from .insight import attempt

        left = equation.partition("=")[0] if isinstance(equation, str) else ""
        explainer = self.explainer(left, top=10, training=training, seed=seed, data=data, **named)
        return attempt(equation, explainer)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the network to a file, whole or not at all; `whygrad.load` reads it.

        A safetensors file: the text, the parameters, states and settings, and what belongs to
        them. Whatever happens, the file holds what it held before or all that is new.
        """
        from .storage.models import save

        save(self, path)


class Sequential(Network):
    """Layers in a row and the name of a cost; the text is written by the layers.

    The samples are `x[n,i]` and the targets y: class numbers `y[n] in k` for cross_entropy and
    for hinge with several outputs, otherwise `y[n,k]`. Where there is one output, an array of
    n numbers will do.
    """

    def __init__(self, layers: Sequence[Layer], cost: str) -> None:
        """Raises WhygradError for an unknown cost, and for one that does not fit the last layer."""
        super().__init__(sequential_text(layers, cost))
        self._cost = cost

    def bind(
        self,
        data: Mapping[str, object] | None,
        named: Mapping[str, object],
        needed: Iterable[str] | None = None,
    ) -> Arrays:
        """Check and convert data, and see that the cost makes sense for y."""
        arrays = super().bind(data, named, needed)
        if "y" in arrays and arrays["y"].ndim == 2:
            check_targets(self._cost, arrays["y"])
        return arrays


def read(path: str | PathLike[str]) -> Network:
    """The network whose text is in a file (usually `.wg`)."""
    from .storage.files import read_text

    return Network(read_text(path))


def load(path: str | PathLike[str]) -> Network:
    """The network in a file that `net.save` wrote, the same to the bit.

    Raises DataError for any other file, and for one that is cut short or was changed.
    """
    from .storage.models import load

    return load(path, Network)
