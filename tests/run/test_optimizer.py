"""An optimizer that mixes elements sees each run's own parameters, and nothing of the other runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

from study.axes.combinations import impossible
from study.axes.optimizer import Optimizer
from study.axes.recipe import Recipe, changes_steps
from study.engine.checkpoint import Checkpoints
from study.engine.determinism import stream
from study.engine.inputs.data import Data
from study.engine.networks.network import build
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
            for group in optimizer.param_groups if recipe.schedule.name != "constant" else ():
                group["lr"] = recipe.optimizer.lr * recipe.schedule.factor(k / steps)
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


SPARING = [
    {"name": "adamw", "weight_decay": 0.3, "decay": "weights", "lr": 0.02},
    {"name": "lion", "weight_decay": 0.3, "decay": "weights", "lr": 0.002},
    {"name": "adafactor", "weight_decay": 0.3, "decay": "weights", "lr": 0.02},
    {"name": "muon", "weight_decay": 0.3, "decay": "weights", "lr": 0.02, "adamw_weight_decay": 0.3},
]


@pytest.mark.parametrize("stack", [True, False])
@pytest.mark.parametrize("optimizer", SPARING, ids=lambda each: each["name"])
def test_a_decay_of_weights_alone_agrees_with_parameter_groups(
    optimizer: dict[str, Any], stack: bool, recipe: Callable[..., Recipe], data: Callable[[Recipe], Data]
) -> None:
    """Those of torch, which a plain loop has; and differs from a decay of all. Two rates are stepped side by side."""
    chosen = recipe(optimizer=optimizer, stack=stack, batch_size=25)
    slower = recipe(optimizer=optimizer | {"lr": optimizer["lr"] / 2}, stack=stack, batch_size=25)
    everywhere = recipe(optimizer=optimizer | {"decay": "all"}, stack=stack, batch_size=25)
    runs = [Run(each, 5) for each in (chosen, slower, everywhere)]
    records = train(runs, data(chosen))
    for run, record in zip(runs, records, strict=True):
        found = [row["val_loss"] for row in record.curve[1:]]
        assert found == pytest.approx(plain(run.recipe, 5, data(chosen)), rel=2e-4)
    assert records[0].curve != records[2].curve
    assert train([Run(chosen, 4), runs[2], runs[0]], data(chosen))[2] == records[0]


def test_muon_steps_hidden_matrices_and_kernels_and_adamw_the_rest() -> None:
    shapes = {"token_table": (9, 4), "conv.weight": (4, 2, 3, 3), "conv.bias": (4,), "head.weight": (3, 4)}
    draw = torch.Generator().manual_seed(0)
    start = {name: torch.randn(shape, generator=draw) for name, shape in shapes.items()}
    gradients = [{name: torch.randn(shape, generator=draw) for name, shape in shapes.items()} for _ in range(3)]

    def moved(make: Callable[[dict[str, torch.nn.Parameter]], list[torch.optim.Optimizer]]) -> dict[str, torch.Tensor]:
        held = {name: torch.nn.Parameter(value.clone()) for name, value in start.items()}
        optimizers = make(held)
        for each in gradients:
            for name, p in held.items():
                p.grad = each[name].clone().view(p.shape)
            for optimizer in optimizers:
                optimizer.step()
        return {name: p.detach().flatten() for name, p in held.items()}

    def by_torch(held: dict[str, torch.nn.Parameter]) -> list[torch.optim.Optimizer]:
        held["conv.weight"] = torch.nn.Parameter(held["conv.weight"].detach().flatten(1))
        rest = [p for name, p in held.items() if name != "conv.weight"]
        return [
            torch.optim.Muon([held["conv.weight"]], lr=0.02),
            torch.optim.AdamW(rest, lr=0.003, weight_decay=0.01),
        ]

    chosen = Optimizer.choices()["muon"](lr=0.02, adamw_lr=0.003)
    found, expected = moved(lambda held: [chosen.build(held.items())]), moved(by_torch)
    for name in shapes:
        torch.testing.assert_close(found[name], expected[name])


@pytest.mark.parametrize(
    ("changes", "axes", "words"),
    [
        ({"optimizer": "muon", "network": "linear"}, ("optimizer", "network"), "matrices: all"),
        ({"optimizer": "lbfgs", "gpus": 2}, ("optimizer", "gpus"), "use gpus 1"),
    ],
    ids=str,
)
def test_what_cannot_be_stepped_is_refused(
    changes: dict[str, Any], axes: tuple[str, ...], words: str, recipe: Callable[..., Recipe]
) -> None:
    found = impossible(recipe(**changes))
    assert found
    assert found[0] == axes
    assert words in found[1]


def test_runs_that_evaluate_again_are_trained_one_at_a_time(recipe: Callable[..., Recipe]) -> None:
    """They are timed apart by how often they do, too."""
    chosen = recipe(optimizer="lbfgs")
    assert not chosen.stacked
    assert chosen.operations() != recipe(optimizer={"name": "lbfgs", "max_iter": 5}).operations()
    assert changes_steps("optimizer.max_iter", zero=False)
    assert not changes_steps("optimizer.lr", zero=False)
