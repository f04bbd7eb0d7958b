"""An optimizer that mixes elements sees each run's own parameters, and nothing of the other runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

from study.axes.optimizer import Optimizer
from study.axes.recipe import Recipe
from study.engine.checkpoint import Checkpoints
from study.engine.data import Data
from study.engine.determinism import stream
from study.engine.network import build
from study.engine.pack import Pack, Run, train
from study.run.timing import peak_memory
from tests.muon import FalselyElementwise, Muon

PLATEAU = {"name": "plateau", "patience": 0, "threshold": 0.2}


def with_optimizer(recipe: Recipe, optimizer: Optimizer) -> Recipe:
    return Recipe.model_construct(None, **{**dict(recipe), "optimizer": optimizer})


@pytest.fixture(scope="session")
def muon(recipe: Callable[..., Recipe]) -> Callable[..., Recipe]:
    return lambda lr=0.02, **changes: with_optimizer(recipe(**changes), Muon(name="muon", lr=lr))


def plain(recipe: Recipe, seed: int, data: Data) -> list[float]:
    """Validation losses of one run, by autograd and a module of its own; cosine or constant rate."""
    module, order, losses = build(recipe, seed, data), stream(seed, "order"), []
    optimizer = recipe.optimizer.build(module.named_parameters())
    steps, k = recipe.epochs * -(-data.train.rows // recipe.batch_size), 0
    for _ in range(recipe.epochs):
        for rows in torch.split(torch.randperm(data.train.rows, generator=order), recipe.batch_size):
            optimizer.zero_grad()
            functional.cross_entropy(module(data.train.x[rows]), data.train.y[rows]).backward()  # type: ignore[union-attr]
            optimizer.param_groups[0]["lr"] = recipe.optimizer.lr * recipe.schedule.factor(k / steps)
            optimizer.step()
            k += 1
        with torch.no_grad():
            losses.append(float(functional.cross_entropy(module(data.val.x), data.val.y)))  # type: ignore[union-attr]
    return losses


@pytest.mark.parametrize("stack", [True, False])
@pytest.mark.parametrize("changes", [{}, {"schedule": "cosine"}, {"network": "linear"}], ids=str)
def test_it_agrees_with_a_plain_loop(
    changes: dict[str, Any], stack: bool, muon: Callable[..., Recipe], data: Callable[[Recipe], Data]
) -> None:
    chosen = muon(stack=stack, batch_size=25, **changes)
    for record, seed in zip(train([Run(chosen, 5), Run(chosen, 6)], data(chosen)), (5, 6), strict=True):
        found = [row["val_loss"] for row in record.curve[1:]]
        assert found == pytest.approx(plain(chosen, seed, data(chosen)), rel=2e-4)


@pytest.mark.parametrize(
    "changes",
    [{}, {"schedule": PLATEAU, "epochs": 4}, {"regularizer": "l1"}, {"regularizer": "l2", "dropout": 0.3},
     {"dataset": "digits", "network": "convnet", "batch_size": 50}],
    ids=str,
)  # fmt: skip
def test_packs_are_independent(
    changes: dict[str, Any], recipe: Callable[..., Recipe], muon: Callable[..., Recipe], data: Callable[[Recipe], Data]
) -> None:
    chosen, other = muon(**changes), recipe(**changes | {"optimizer": "adam"})
    (alone,) = train([Run(chosen, 0)], data(chosen))
    assert alone.finished
    assert train([Run(chosen, seed) for seed in range(3)], data(chosen))[0] == alone
    mixed = [Run(other, 0), Run(chosen, 2), Run(muon(lr=0.1, **changes), 0), Run(chosen, 0), Run(other, 1)]
    assert train(mixed, data(chosen))[3] == alone


def test_one_that_is_falsely_called_elementwise_leaks_between_seeds(
    recipe: Callable[..., Recipe], data: Callable[[Recipe], Data]
) -> None:
    """What the tests above would see."""
    wrong = with_optimizer(recipe(), FalselyElementwise(name="muon", lr=0.02))
    two, three = (train([Run(wrong, seed) for seed in range(n)], data(wrong)) for n in (2, 3))
    assert two[0] != three[0]


def test_names_and_shapes_are_those_of_the_network(muon: Callable[..., Recipe], data: Callable[[Recipe], Data]) -> None:
    chosen = muon()
    pack = Pack([Run(chosen, 3), Run(chosen, 4)], data(chosen))
    for seed, optimizer in zip((3, 4), pack.optimizer.optimizers, strict=True):
        state, module = optimizer.state_dict()["param_groups"][0], build(chosen, seed, data(chosen))
        assert state["param_names"] == [name for name, _ in module.named_parameters()]
        held = optimizer.param_groups[0]["params"]
        for parameter, expected in zip(held, module.parameters(), strict=True):
            assert torch.equal(parameter, expected)


def test_arms_that_differ_in_their_rates_are_stepped_by_one(
    recipe: Callable[..., Recipe], data: Callable[[Recipe], Data]
) -> None:
    arms = [recipe(optimizer={"name": "momentum", "lr": lr}, regularizer=r) for lr, r in ((0.1, "none"), (0.2, "l2"))]
    other = recipe(optimizer={"name": "momentum", "lr": 0.1, "momentum": 0.5})
    assert len(Pack([Run(arm, 0) for arm in arms], data(other)).optimizer.optimizers) == 1
    assert len(Pack([Run(arm, 0) for arm in [*arms, other]], data(other)).optimizer.optimizers) == 2


def test_peak_memory_counts_its_state(
    muon: Callable[..., Recipe], recipe: Callable[..., Recipe], data: Callable[[Recipe], Data]
) -> None:
    """As much as momentum's, one tensor of the parameters' size."""
    found = [peak_memory(Pack([Run(chosen, 0)], data(chosen))) for chosen in (muon(), recipe(optimizer="momentum"))]
    assert found[0] == found[1]


@pytest.mark.parametrize("changes", [{}, {"schedule": PLATEAU}], ids=str)
def test_it_goes_on_exactly(
    changes: dict[str, Any], muon: Callable[..., Recipe], data: Callable[[Recipe], Data], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    runs = [Run(muon(**changes), seed) for seed in range(3)]
    whole = train(runs, data(runs[0].recipe))
    checkpoints, tick = Checkpoints(tmp_path, every=0, seconds=0), Checkpoints.tick

    def ended(self: Checkpoints, done: int, *state: Any) -> None:
        tick(self, done, *state)
        if done == 30:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "tick", ended)
        with pytest.raises(KeyboardInterrupt):
            train(runs, data(runs[0].recipe), checkpoints=checkpoints)
    assert train(runs, data(runs[0].recipe), checkpoints=checkpoints) == whole
