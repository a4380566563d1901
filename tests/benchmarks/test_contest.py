"""That all contenders do the same work, and that it is seen when one does not."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from benchmarks.contest import COMPARED, TOLERANCE, Contest, Result, distances
from benchmarks.errors import Disagreement
from benchmarks.peers import ENGINE, OURS, PEERS, TRUTH, Peer
from benchmarks.report import contest_table, number, table
from benchmarks.workloads import TABLE, Workload, drawn

NAMED = {workload.name: workload for workload in TABLE}
SMALL = [
    NAMED["spiral-tanh"].short(COMPARED),
    replace(NAMED["digits"].short(COMPARED), optimizer="adam", lr=0.001),
    NAMED["seed32"].short(COMPARED),
]
ABSENT = Peer("absent", "absent", "no_such_module", "absent.Absent")


def weights(peer: Peer, workload: Workload) -> list[tuple[np.ndarray, np.ndarray]]:
    contender = peer.load()(workload)
    contender.train(1)
    return contender.weights()


def single_precision(peer: Peer) -> AbstractContextManager[object]:
    """What JAX has by default, whatever other tests in this process have asked of it."""
    if peer.title != "JAX":
        return nullcontext()
    import jax

    return jax.enable_x64(False)


# PyTorch's compiler takes longer than a test should; the benchmark itself compares its weights
@pytest.mark.parametrize("peer", [OURS, ENGINE, *PEERS[:1], *PEERS[2:]], ids=lambda p: p.title)
@pytest.mark.parametrize("workload", SMALL, ids=lambda w: w.name)
def test_the_weights_of_each_contender_are_those_in_double_precision(peer, workload, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    if not peer.installed:
        pytest.skip(f"{peer.package} is not installed")
    given = workload.cost, workload.optimizer
    if peer.title == "scikit-learn" and given != ("cross_entropy", "sgd"):
        pytest.skip("scikit-learn has no such network")
    truth = weights(TRUTH, workload)
    with single_precision(peer):
        found = weights(peer, workload)
    assert distances(found, truth, workload.weights()) < TOLERANCE / 10


def test_another_learning_rate_is_seen():
    workload = SMALL[0]
    start, truth = workload.weights(), weights(TRUTH, workload)
    other = weights(TRUTH, replace(workload, lr=1.02 * workload.lr))
    assert distances(truth, truth, start) == 0
    assert distances(other, truth, start) > TOLERANCE
    assert not distances([(w * np.nan, b) for w, b in truth], truth, start) <= TOLERANCE


def test_weights_that_are_too_far_off_are_an_error(monkeypatch):
    monkeypatch.setattr("benchmarks.contest.distances", lambda *_: float("nan"))
    complaint = "after 40 steps the weights of whygrad are nan of their way"
    with Contest((OURS,)) as contest, pytest.raises(Disagreement, match=complaint):
        contest.run(SMALL[0], rounds=1, seconds=0.001, note=lambda line: None)


def test_who_is_not_installed_is_a_blank():
    assert not ABSENT.installed
    with Contest((OURS, ABSENT)) as contest:
        result = contest.run(SMALL[0], rounds=2, seconds=0.001, note=lambda line: None)
    assert list(result.seconds) == [("whygrad", None)]
    assert result.ratio is None
    assert len(result.seconds["whygrad", None]) == len(result.sgemm) == 2
    assert result.arithmetic[0] > result.speed > 0
    assert contest_table([result]).splitlines()[2].count("|  ") > len(PEERS)


def test_the_ratio_is_to_the_fastest_peer_in_its_best_number_of_threads():
    result = Result(SMALL[0])
    result.seconds = {
        ("whygrad", None): [1e-6, 2e-6, 9e-6],
        ("whygrad's engine", None): [1e-7],
        ("PyTorch", 1): [8e-6],
        ("JAX", 1): [5e-6],
        ("JAX", 2): [7e-6, 3e-6, 4e-6],
    }
    assert result.best("JAX") == (4e-6, 2)
    assert result.best("scikit-learn") is None
    assert result.ratio == pytest.approx(2)


def test_operations_of_a_step():
    # forward, weights, and the derivative of a1, each two operations a product: by hand
    layers = Workload("", (5, 3, 2), "relu", batch=7, rows=70)
    assert layers.operations == 2 * 7 * (5 * 3 + 3 * 2 + 5 * 3 + 3 * 2 + 3 * 2)


def test_the_table_of_workloads():
    for workload in TABLE:
        assert workload.rows % workload.batch == 0
        x, y = workload.short(2).samples()
        assert x.dtype == np.float32
        assert len(x) == len(y) == 2 * workload.batch
        assert x.shape[1:] == workload.widths[:1]
        assert np.array_equal(x, workload.short(2).samples()[0])


def test_the_orders_are_permutations_that_differ():
    first, second = SMALL[0].orders(2)
    assert np.array_equal(np.sort(first), np.arange(SMALL[0].rows))
    assert np.array_equal(np.sort(second), np.sort(first))
    assert not np.array_equal(first, second)


def test_shapes_are_drawn_by_the_seed():
    shapes = list(drawn(8))
    assert shapes == list(drawn(8))
    assert shapes[:3] == list(islice(drawn(3), 3))
    assert shapes != list(drawn(8, seed=1))
    assert {w.batch for w in shapes} >= {1, 1000}
    assert max(len(w.widths) for w in shapes) > 7
    assert len({w.name for w in shapes}) == 8
    assert all(w.rows % w.batch == 0 and w.steps >= 10 for w in shapes)


@pytest.mark.parametrize(
    ("value", "written"), [(0.0394, "0.0394"), (1.0, "1.00"), (12.34, "12.3"), (1234.5, "1234")]
)
def test_numbers_have_three_digits(value, written):
    assert number(value) == written


def test_a_table_is_as_wide_as_its_cells():
    lines = table(["a", "much"], [["first", "1"], ["b", ""]]).splitlines()
    assert lines == ["| a     | much |", "| ----- | ---: |", "| first |    1 |", "| b     |      |"]
