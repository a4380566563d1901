"""Learning rates, step by step: against the formulas by hand, and against PyTorch's schedulers."""

from collections.abc import Callable
from math import cos, pi

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import whygrad as wg
from whygrad.network.schedules import Schedule
from whygrad.training.trainer import Trainer

BATCHES = 3  # to an epoch
few = settings(max_examples=20, deadline=None)
SLOPE = """
given x[n]
batch n
param w ~ zeros
J = mean[n](w * x[n])
minimize J
"""


def rates(schedule: Schedule | float, epochs: int, dtype: str = "float64") -> np.ndarray:
    """The learning rate of every step: how far it takes a weight whose derivative is 1."""
    net = wg.Network(SLOPE).init()
    data = {"x": np.ones(2 * BATCHES)}
    net.train(data=data, epochs=epochs, batch_size=2, optimizer=wg.SGD(schedule), dtype=dtype)
    assert net.run is not None
    trainer = Trainer(net, net.run, net.bind(data, {}))
    values = []
    for step in range(epochs * BATCHES + 1):
        trainer.go_to(step)
        values.append(float(trainer.values["w"]))
    return -np.diff(values)


def by_hand(rate: Callable[[float], float], epochs: int) -> list[float]:
    return [rate(step / BATCHES) for step in range(epochs * BATCHES)]


def test_a_number_is_constant() -> None:
    np.testing.assert_allclose(rates(0.1, 3), 0.1, rtol=1e-12)


@few
@given(st.integers(1, 4), st.floats(0.1, 1))
def test_step(every: int, factor: float) -> None:
    expected = by_hand(lambda epoch: 0.5 * factor ** (int(epoch + 1e-9) // every), 5)
    np.testing.assert_allclose(rates(wg.Step(0.5, every, factor), 5), expected, rtol=1e-9)


@few
@given(st.floats(0.1, 1.1))
def test_exponential(factor: float) -> None:
    expected = by_hand(lambda epoch: 0.5 * factor**epoch, 4)
    np.testing.assert_allclose(rates(wg.Exponential(0.5, factor), 4), expected, rtol=1e-9)


@few
@given(st.floats(0, 0.5), st.one_of(st.none(), st.integers(1, 6)))
def test_cosine(end: float, epochs: int | None) -> None:
    length = epochs or 4
    expected = by_hand(
        lambda epoch: end + (0.5 - end) * (1 + cos(pi * min(epoch / length, 1))) / 2, 4
    )
    found = rates(wg.Cosine(0.5, end, epochs), 4)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_as_in_pytorch() -> None:
    torch = pytest.importorskip("torch")
    schedulers = torch.optim.lr_scheduler
    steps = 4 * BATCHES
    cases = [
        (
            wg.Step(0.5, every=2, factor=0.3),
            lambda o: schedulers.StepLR(o, step_size=2 * BATCHES, gamma=0.3),
        ),
        (
            wg.Exponential(0.5, factor=0.8),
            lambda o: schedulers.ExponentialLR(o, gamma=0.8 ** (1 / BATCHES)),
        ),
        (
            wg.Cosine(0.5, end=0.1),
            lambda o: schedulers.CosineAnnealingLR(o, T_max=steps, eta_min=0.1),
        ),
    ]
    for schedule, make in cases:
        weight = torch.zeros(1, dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.SGD([weight], lr=0.5)
        scheduler = make(optimizer)
        expected = []
        for _ in range(steps):
            before = weight.item()
            weight.grad = torch.ones_like(weight)
            optimizer.step()
            scheduler.step()
            expected.append(before - weight.item())
        np.testing.assert_allclose(rates(schedule, 4), expected, rtol=1e-9)


def test_in_float32_too() -> None:
    schedule = wg.Cosine(0.5, end=0.1)
    np.testing.assert_allclose(rates(schedule, 4, "float32"), rates(schedule, 4), rtol=1e-5)


def test_the_last_smaller_batch_is_a_step_too() -> None:
    net = wg.Network(SLOPE).init()
    net.train(x=np.ones(5), epochs=2, batch_size=2, optimizer=wg.SGD(wg.Step(1, 1, 0.5)))
    assert float(net.params["w"]) == -(3 * 1 + 3 * 0.5)


def test_adam_takes_a_schedule_and_counts_its_steps_once() -> None:
    net = wg.Network(SLOPE).init()
    net.train(x=np.ones(6), epochs=2, batch_size=2, optimizer=wg.Adam(wg.Exponential(0.1, 0.5)))
    # a derivative that is always 1 makes each step of Adam as long as the learning rate
    expected = sum(0.1 * 0.5 ** (step / 3) for step in range(6))
    assert float(net.params["w"]) == pytest.approx(-expected, rel=1e-7)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: wg.Step(0), "start has to be a number above 0"),
        (lambda: wg.Step(0.1, every=0), "every has to be a whole number from 1 on"),
        (lambda: wg.Step(0.1, every=2.5), "every has to be a whole number"),
        (lambda: wg.Step(0.1, factor=-1), "factor has to be a number above 0"),
        (lambda: wg.Exponential("a"), "start has to be"),
        (lambda: wg.Exponential(0.1, factor=0), "factor has to be a number above 0"),
        (lambda: wg.Cosine(float("inf")), "start has to be"),
        (lambda: wg.Cosine(0.1, end=-1), "end has to be a number from 0 on"),
        (lambda: wg.Cosine(0.1, epochs=0), "epochs has to be a whole number from 1 on"),
        (lambda: wg.SGD(10**400), "lr has to be a number above 0"),
        (lambda: wg.SGD(0.1, l2=10**400), "l2 has to be a number from 0 on"),
        (lambda: wg.SGD("cosine"), "lr has to be a number above 0"),
        (lambda: wg.SGD(wg.Cosine), "lr has to be a number above 0"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(wg.WhygradError, match=message):
        make()
