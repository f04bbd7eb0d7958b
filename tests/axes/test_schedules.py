"""Schedules as functions of progress, against torch's schedulers stepped T times."""

import math

import pytest
import torch
from torch.optim import lr_scheduler

from study.axes.schedule import (
    Constant,
    Cosine,
    Exponential,
    Linear,
    OneCycle,
    Plateau,
    Polynomial,
    Schedule,
    Step,
    WarmupCosine,
)  # fmt: skip

T = 60


def rates(make):
    """The rate of every step under a torch scheduler, base rate 1."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = make(optimizer)
    found = []
    for _ in range(T):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


TORCH = {
    "constant": (Constant(), lambda o: lr_scheduler.ConstantLR(o, 1.0)),
    "step": (Step(levels=3, final=0.01), lambda o: lr_scheduler.StepLR(o, T // 3, gamma=0.1)),
    "step 5": (Step(levels=5, final=0.0016), lambda o: lr_scheduler.StepLR(o, T // 5, gamma=0.2)),
    "exponential": (Exponential(final=0.02), lambda o: lr_scheduler.ExponentialLR(o, 0.02 ** (1 / T))),
    "cosine": (Cosine(final=0.03), lambda o: lr_scheduler.CosineAnnealingLR(o, T, eta_min=0.03)),
    "linear": (Linear(final=0.04), lambda o: lr_scheduler.LinearLR(o, 1.0, 0.04, total_iters=T)),
    "polynomial": (Polynomial(power=3, final=0.0), lambda o: lr_scheduler.PolynomialLR(o, T, power=3)),
    # torch's peak and end lie one step before pct_start · T and T; asked for so that they lie on them.
    "one_cycle": (
        OneCycle(pct_start=0.3, div_factor=20, final_div_factor=100),
        lambda o: lr_scheduler.OneCycleLR(
            o, 1.0, T + 1, pct_start=(0.3 * T + 1) / (T + 1), div_factor=20, final_div_factor=100
        ),
    ),
}


@pytest.mark.parametrize("name", TORCH)
def test_the_rates_are_those_of_torch(name):
    schedule, make = TORCH[name]
    assert [schedule.factor(k / T) for k in range(T)] == pytest.approx(rates(make), rel=1e-6, abs=1e-9)


def test_polynomial_ends_at_its_final_rate():
    schedule = Polynomial(power=2, final=0.2)
    assert schedule.factor(0.5) == pytest.approx(0.2 + 0.8 * 0.25)
    assert schedule.factor(1.0) == pytest.approx(0.2)


def test_warmup_cosine_rises_straight_and_falls_by_half_a_cosine():
    schedule = WarmupCosine(warmup=0.2, final=0.1)
    assert schedule.factor(0.0) == 0
    assert schedule.factor(0.05) == pytest.approx(0.25)
    assert schedule.factor(0.2) == pytest.approx(1)
    assert schedule.factor(0.6) == pytest.approx(0.55)  # the middle of the cosine
    assert schedule.factor(0.4) == pytest.approx(0.1 + 0.9 * (1 + math.cos(math.pi / 4)) / 2)
    assert schedule.factor(1.0) == pytest.approx(0.1)


def test_plateau_leaves_the_rate_to_torch():
    assert {Plateau().factor(k / T) for k in range(T)} == {1.0}


@pytest.mark.parametrize("name", [n for n in Schedule.choices() if n != "custom"])
def test_a_factor_lies_between_0_and_1(name):
    schedule = Schedule.choices()[name]()
    factors = [schedule.factor(k / T) for k in range(T)]
    assert 0 <= min(factors) <= max(factors) <= 1
    assert max(factors) == pytest.approx(1, abs=0.01)


DECAYING = ("step", "exponential", "cosine", "linear", "polynomial", "warmup_cosine")


@pytest.mark.parametrize("name", DECAYING)
def test_decaying_schedules_end_at_the_same_rate(name):
    assert Schedule.choices()[name]().factor(1.0) == pytest.approx(0.01)
