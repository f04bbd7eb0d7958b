"""Optimizers from PyPI that know nothing of Evenhand, and what they ask of a loop: ``train()`` and ``eval()``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

from study.axes.optimizers.per_run import CustomOptimizer
from study.axes.recipe import Recipe
from study.engine.checkpoint import Checkpoints
from study.engine.determinism import stream
from study.engine.inputs.data import Data
from study.engine.networks.network import build
from study.engine.pack import Pack, Run, train
from study.engine.stepping.attributes import kept, lost
from study.run.dry import try_one

STRANGERS: dict[str, dict[str, Any]] = {
    "schedulefree:SGDScheduleFree": {"lr": 0.3, "settings": {"warmup_steps": 5}},
    "schedulefree:AdamWScheduleFree": {"lr": 0.01},
    "schedulefree:RAdamScheduleFree": {"lr": 0.01},
    "prodigyopt:Prodigy": {"lr": 1.0, "settings": {"d0": 0.001}},  # its step depends on all parameters
    "pytorch_optimizer:SOAP": {"lr": 0.01, "settings": {"precondition_frequency": 5}},  # turns matrices
    "tests.run.test_strangers:Counting": {"lr": 0.05},
}


class Counting(torch.optim.Optimizer):
    """It keeps its state where torch does not look: a list of tensors, and a number of its own."""

    def __init__(self, params: Any, lr: float) -> None:
        super().__init__(params, {"lr": lr})
        self._steps, self.means = 0, [torch.zeros_like(p) for group in self.param_groups for p in group["params"]]

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        self._steps += 1
        for group in self.param_groups:
            for p, mean in zip(group["params"], self.means, strict=True):
                mean.mul_(0.9).add_(p.grad)
                p.sub_(mean / self._steps**0.5, alpha=group["lr"])


@pytest.fixture
def stranger(recipe: Callable[..., Recipe], request: pytest.FixtureRequest) -> Recipe:
    chosen = CustomOptimizer(factory=request.param, **STRANGERS[request.param])
    return recipe(batch_size=25).model_copy(update={"optimizer": chosen})


each = pytest.mark.parametrize("stranger", STRANGERS, indirect=True)


def plain(recipe: Recipe, seed: int, data: Data) -> list[float]:
    """Validation losses of one run, by the loop that the packages' own pages show."""
    module, order, losses = build(recipe, seed, data), stream(seed, "order"), []
    optimizer: Any = recipe.optimizer.build(module.named_parameters())
    has_modes = hasattr(optimizer, "eval")
    for _ in range(recipe.epochs):
        if has_modes:
            optimizer.train()
        for rows in torch.split(torch.randperm(data.train.rows, generator=order), recipe.batch_size):
            optimizer.zero_grad()
            functional.cross_entropy(module(data.train.x[rows]), data.train.y[rows]).backward()  # type: ignore[union-attr]
            optimizer.step()
        if has_modes:
            optimizer.eval()
        with torch.no_grad():
            losses.append(float(functional.cross_entropy(module(data.val.x), data.val.y)))  # type: ignore[union-attr]
    return losses


@each
def test_it_agrees_with_a_plain_loop(stranger: Recipe, data: Callable[[Recipe], Data]) -> None:
    for record, seed in zip(train([Run(stranger, 5), Run(stranger, 6)], data(stranger)), (5, 6), strict=True):
        found = [row["val_loss"] for row in record.curve[1:]]
        assert found == pytest.approx(plain(stranger, seed, data(stranger)), rel=2e-3)


@each
def test_packs_are_independent(stranger: Recipe, recipe: Callable[..., Recipe], data: Callable[[Recipe], Data]) -> None:
    (alone,) = train([Run(stranger, 0)], data(stranger))
    assert alone.finished
    other = recipe(batch_size=25, optimizer="adam")
    assert train([Run(other, 0), Run(stranger, 2), Run(stranger, 0)], data(stranger))[2] == alone


@each
def test_it_goes_on_exactly(
    stranger: Recipe, data: Callable[[Recipe], Data], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [Run(stranger, seed) for seed in range(2)]
    whole, tick = train(runs, data(stranger)), Checkpoints.tick
    checkpoints = Checkpoints(tmp_path, every=0, seconds=0)

    def ended(self: Checkpoints, done: int, *state: Any) -> None:
        tick(self, done, *state)
        if done in (3, 7):
            raise KeyboardInterrupt

    for _ in range(2):  # within an epoch, and within the next
        with monkeypatch.context() as patch:
            patch.setattr(Checkpoints, "tick", ended)
            with pytest.raises(KeyboardInterrupt):
                train(runs, data(stranger), checkpoints=checkpoints)
    assert train(runs, data(stranger), checkpoints=checkpoints) == whole


def test_schedule_free_is_evaluated_at_its_mean(recipe: Callable[..., Recipe], data: Callable[[Recipe], Data]) -> None:
    """x, which ``eval()`` moves the parameters to, is not y, where gradients are taken."""
    chosen = CustomOptimizer(factory="schedulefree:SGDScheduleFree", lr=0.3)
    pack = Pack(
        [Run(recipe(batch_size=25).model_copy(update={"optimizer": chosen}), s) for s in (0, 1)], data(recipe())
    )
    pack.train_on()
    y = pack.stack.flat.clone()
    pack.evaluate(None)
    x = pack.stack.flat.clone()
    assert not torch.equal(x, y)
    pack.optimizer.train(True)
    torch.testing.assert_close(pack.stack.flat, y)


def test_what_checkpoints_have_of_its_attributes() -> None:
    p = torch.nn.Parameter(torch.ones(2))
    assert set(kept(Counting([p], 0.1))) == {"_steps", "means"}
    odd: Any = Counting([p], 0.1)
    odd.of, odd.inner, odd.held, odd.name = {p: torch.ones(2)}, torch.optim.SGD([p], 0.1), [p], "odd"
    assert lost(odd) == ["of", "inner"]
    assert set(kept(odd)) == {"_steps", "means", "name"}


class Wrapped(torch.optim.Optimizer):
    """Another one inside, whose state nobody sees."""

    def __init__(self, params: Any, lr: float) -> None:
        super().__init__(params, {"lr": lr})
        self.inner = torch.optim.Adam(self.param_groups[0]["params"], lr)

    def step(self, closure: None = None) -> None:  # type: ignore[override]
        self.inner.step()


@pytest.mark.parametrize(("name", "anew"), [("Counting", ""), ("Wrapped", "inner")])
def test_what_does_not_go_on_exactly_is_told(
    name: str, anew: str, recipe: Callable[..., Recipe], data: Callable[[Recipe], Data]
) -> None:
    chosen = CustomOptimizer(factory=f"tests.run.test_strangers:{name}", lr=0.05)
    subject = recipe().model_copy(update={"optimizer": chosen})
    assert try_one(subject, data(subject), {}).anew == anew
