"""Optimizers: torch's results, every setting in force, and Lion against the paper's pseudo-code."""

from typing import Annotated, Literal, get_args, get_origin

import numpy as np
import pytest
import torch
from pydantic import Field, ValidationError

from study.axes.base import Count
from study.axes.optimizer import Betas, Lion, Optimizer
from tests.muon import FalselyElementwise, Muon

STEPS = 30  # so that the signs Lion steps by come to differ
OTHER = {  # a second value for settings; of those of a new name, ``another`` finds one
    "lr": 0.02,
    "momentum": 0.5,
    "lr_decay": 0.3,
    "eps": 0.1,
    "alpha": 0.5,
    "rho": 0.5,
    "betas": (0.5, 0.6),
    "weight_decay": 0.3,
    "momentum_decay": 0.5,
    "etas": (0.4, 1.5),
    "step_sizes": (1e-3, 0.02),
    "beta2_decay": -0.5,
    "d": 2.0,
    "adamw_lr": 0.02,
    "adamw_eps": 0.1,
    "adamw_weight_decay": 0.3,
    "adamw_betas": (0.5, 0.6),
    "history_size": 1,
    "max_iter": 3,
    "tolerance_grad": 5.0,
    "tolerance_change": 1.0,
}
SHAPES = {"0.weight": (2, 3), "0.bias": (6,), "1.weight": (3, 2)}  # of gradients of one size
BUILT_IN = {name: cls for name, cls in Optimizer.choices().items() if name != "custom"}
SETTINGS = [(name, s) for name, cls in BUILT_IN.items() for s in cls.model_fields if s != "name"]


def gradients():
    return torch.randn(STEPS, 6, generator=torch.Generator().manual_seed(0))


def trajectory(choice, shapes=None):
    """Where parameters of ``shapes``, one vector unless they are given, end; by random gradients, or of a bowl."""
    shapes = shapes or {"p": (6,)}
    named = {name: torch.nn.Parameter(torch.linspace(-1, 1, 6).view(shape)) for name, shape in shapes.items()}
    optimizer = choice.build(list(named.items()))

    def bowl():
        optimizer.zero_grad()
        value = sum(((p.flatten() - torch.arange(6.0)) ** 2 * (1 + torch.arange(6.0))).sum() for p in named.values())
        value.backward()
        return value

    for gradient in gradients()[:3] if getattr(choice, "again", False) else gradients():
        for parameter in named.values():
            parameter.grad = gradient.clone().view(parameter.shape)
        optimizer.step(bowl) if getattr(choice, "again", False) else optimizer.step()
    return torch.cat([parameter.detach().flatten() for parameter in named.values()])


def another(choice, setting):
    """A value for ``setting`` that it may have and has not."""
    now, field = getattr(choice, setting), type(choice).model_fields[setting]
    words = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    for value in (*words, not now, 0.5, 0.25, 2.0, 2, 3, (0.5,) * 2, (0.5,) * 3):
        try:
            found = getattr(type(choice)(**dict(choice) | {setting: value}), setting)
        except ValidationError:
            continue
        if found != now:
            return found
    raise AssertionError(f"give a second value of {setting!r} in OTHER")


class Various(Optimizer):
    """Settings of every kind; its ``name`` has no default, so that it is in no registry."""

    centered: bool = False
    power: Annotated[float, Field(gt=0, le=1)] = 0.5
    every: Count = 2
    mode: Literal["sum", "mean"] = "sum"
    betas: Betas = (0.9, 0.999)


def test_a_second_value_is_found_for_settings_of_every_kind():
    choice = Various(name="various", lr=0.5)
    found = {setting: another(choice, setting) for setting in Various.model_fields if setting != "name"}
    assert found == {"lr": 0.25, "centered": True, "power": 0.25, "every": 3, "mode": "mean", "betas": (0.5, 0.5)}


@pytest.mark.parametrize(("name", "setting"), SETTINGS, ids=map("-".join, SETTINGS))
def test_every_setting_changes_the_trajectory(name, setting):
    base = Optimizer.choices()[name](lr=0.01)
    if setting == "decay":
        base = base.model_copy(update={"weight_decay": 0.1})
    value = OTHER[setting] if setting in OTHER else another(base, setting)
    changed = base.model_copy(update={setting: value})
    assert not torch.equal(trajectory(base, SHAPES), trajectory(changed, SHAPES))


@pytest.mark.parametrize("position", [0, 1])
@pytest.mark.parametrize("name", [n for n, cls in Optimizer.choices().items() if "betas" in cls.model_fields])
def test_both_betas_are_used(name, position):
    base = Optimizer.choices()[name](lr=0.01)
    betas = tuple(0.5 if i == position else beta for i, beta in enumerate(base.betas))
    assert not torch.equal(trajectory(base), trajectory(base.model_copy(update={"betas": betas})))


def mixed(choice, *shape):
    """How many other elements move when one element's gradient changes; ``shape``: of the parameter."""
    moved = []
    for factor in (1.0, -3.0):
        generator = torch.Generator().manual_seed(0)
        parameter = torch.nn.Parameter(torch.randn(shape, generator=generator))
        optimizer = choice.build([("stack", parameter)])
        for k in range(3):
            parameter.grad = torch.randn(shape, generator=generator)
            parameter.grad.view(-1)[0] = factor * (k + 1)
            optimizer.step()
        moved.append(parameter.detach().flatten())
    different = moved[0] != moved[1]
    assert different[0]
    return int(different.sum()) - 1


@pytest.mark.parametrize("shape", [(3, 64), (2, 4, 6), (8,)], ids=str)
@pytest.mark.parametrize("name", [name for name, cls in BUILT_IN.items() if cls.elementwise])
def test_an_elementwise_optimizer_steps_each_element_by_itself(name, shape):
    """What lets runs share an optimizer object: it gets them as the rows of a matrix."""
    assert mixed(Optimizer.choices()[name](lr=0.01), *shape) == 0


def test_one_that_says_so_falsely_is_found():
    assert not Muon.elementwise
    assert mixed(FalselyElementwise(name="muon", lr=0.01), 3, 64) == 3 * 64 - 1


def test_lion_follows_algorithm_2():
    lr, (beta1, beta2), decay = 0.01, (0.8, 0.95), 0.1
    theta, m = np.linspace(-1, 1, 6), np.zeros(6)
    for g in gradients().numpy().astype(float):
        c = beta1 * m + (1 - beta1) * g
        theta = theta - lr * (np.sign(c) + decay * theta)
        m = beta2 * m + (1 - beta2) * g
    found = trajectory(Lion(lr=lr, betas=(beta1, beta2), weight_decay=decay))
    np.testing.assert_allclose(found.numpy(), theta, rtol=1e-5)


def test_lion_makes_its_state_once(monkeypatch):
    made, of = [], torch.zeros_like
    monkeypatch.setattr(torch, "zeros_like", lambda p: made.append(p) or of(p))
    trajectory(Lion(lr=0.01))
    assert len(made) == 1


REFERENCE = {
    "sgd": lambda p: torch.optim.SGD(p, 0.01),
    "momentum": lambda p: torch.optim.SGD(p, 0.01, momentum=0.9),
    "nesterov": lambda p: torch.optim.SGD(p, 0.01, momentum=0.9, nesterov=True),
    "adagrad": lambda p: torch.optim.Adagrad(p, 0.01),
    "rmsprop": lambda p: torch.optim.RMSprop(p, 0.01),
    "adadelta": lambda p: torch.optim.Adadelta(p, 0.01),
    "adam": lambda p: torch.optim.Adam(p, 0.01),
    "adamw": lambda p: torch.optim.AdamW(p, 0.01),
    "nadam": lambda p: torch.optim.NAdam(p, 0.01),
    "radam": lambda p: torch.optim.RAdam(p, 0.01),
    "adamax": lambda p: torch.optim.Adamax(p, 0.01),
    "rprop": lambda p: torch.optim.Rprop(p, 0.01),
    "adafactor": lambda p: torch.optim.Adafactor(p, 0.01),
}


@pytest.mark.parametrize("name", REFERENCE)
def test_defaults_are_those_of_torch(name):
    class Reference:
        build = staticmethod(REFERENCE[name])

    torch.testing.assert_close(trajectory(Optimizer.choices()[name](lr=0.01)), trajectory(Reference))
