"""Networks of a person's own: stacked where they are a chain of layers, else computed one run after another."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from study.axes.recipe import Recipe
from study.engine.checkpoint import Checkpoints
from study.engine.networks.chain import NoChain, chain
from study.engine.pack import Pack, Run, train
from tests.run.conftest import make_recipe
from tests.run.plain import assert_agree
from tests.run.test_packs import assert_independent

HERE = "tests.run.test_own_networks"


def own(factory: str, **changes: Any) -> Recipe:
    return make_recipe(network={"name": "custom", "factory": factory}, **changes)


class Noisy(nn.Module):
    """Draws within its forward, and counts its calls in Python and in a buffer that is made anew."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        self.calls = 0
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        self.seen = self.seen + 1
        x = F.dropout(x, 0.3, self.training)
        return self.linear(x) * (1 + 0.1 * (self.calls % 2)) + self.seen / 100


class Channels(nn.Module):
    """Whole channels are dropped; a convolution without a bias."""

    def __init__(self, inputs: tuple[int, int, int], outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs[0], 4, 3, bias=False)
        self.drop = nn.Dropout2d()
        self.head = nn.Linear(4, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.drop(F.relu(self.conv(x))).mean((2, 3)))


def frozen(inputs: int, outputs: int) -> nn.Module:
    network = nn.Sequential(nn.Linear(inputs, 8), nn.ReLU(), nn.Linear(8, outputs))
    network[0].requires_grad_(False)
    return network


def early(inputs: int, outputs: int) -> nn.Module:
    """What is computed in place must not be the data."""
    return nn.Sequential(nn.ReLU(), nn.Linear(inputs, 8), nn.Tanh(), nn.ReLU(), nn.Linear(8, outputs))


NETWORKS = {
    "tests.mine:Net": {},
    "tests.mine:Residual": {},
    f"{HERE}:Noisy": {},
    f"{HERE}:Channels": {"dataset": "digits"},
    f"{HERE}:early": {},
}


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "custom"])
@pytest.mark.parametrize("factory", NETWORKS)
def test_a_run_is_the_same_in_every_pack(factory, optimizer, data):
    subject = own(factory, batch_size=9, optimizer=optimizer, **NETWORKS[factory])
    assert_independent(subject, data(subject), drops="Net" in factory or "Channels" in factory)


@pytest.mark.parametrize("factory", [name for name in NETWORKS if "Noisy" not in name])
def test_it_agrees_with_a_plain_loop(factory, data):
    subject = own(factory, batch_size=20, optimizer={"name": "sgd", "lr": 0.01}, **NETWORKS[factory])
    assert_agree(subject, data(subject))


def test_an_mlp_written_by_hand_is_the_built_in_one(data):
    built_in = make_recipe(network={"name": "mlp", "hidden": [16, 16]}, dropout=0.3)
    by_hand = own("tests.mine:Net", dropout=0.3)
    found = [train([Run(recipe, seed) for seed in (1, 2)], data(recipe)) for recipe in (built_in, by_hand)]
    assert found[0] == found[1]


def test_frozen_parameters_stay(data):
    subject = own(f"{HERE}:frozen", optimizer={"name": "adamw", "lr": 0.1, "weight_decay": 0.5})
    pack = Pack([Run(subject, 0), Run(subject, 1)], data(subject))
    before = [module[0].weight.clone() for module in pack.stack.turn.modules]
    pack.train()
    assert pack.stack.n_parameters == 8 * 3 + 3
    for module, weight in zip(pack.stack.turn.modules, before, strict=True):
        assert torch.equal(module[0].weight, weight)


class Stop(Exception):
    pass


@pytest.mark.parametrize("factory", ["tests.mine:Residual", f"{HERE}:Channels"])
def test_it_goes_on_where_it_stopped(factory, data, tmp_path):
    subject = own(factory, dropout=0.2 if "Channels" in factory else 0.0, batch_size=9, **NETWORKS[factory])
    runs = [Run(subject, 0), Run(subject, 4)]
    expected = train(runs, data(subject))

    def stop(done: int, budget: int, _: object) -> None:
        if done == budget // 2:
            raise Stop

    first = Checkpoints(tmp_path, every=0.0, seconds=0.0, watch=stop)
    with pytest.raises(Stop):
        train(runs, data(subject), checkpoints=first)
    assert list(tmp_path.iterdir())
    assert train(runs, data(subject), checkpoints=Checkpoints(tmp_path)) == expected


def test_dropout_without_a_layer_for_it_is_refused(data):
    subject = own("tests.mine:Residual", dropout=0.5)
    with pytest.raises(
        ValueError, match=r"tests.mine:Residual has no nn.Dropout whose rate could be 0.5; use dropout 0"
    ):
        train([Run(subject, 0)], data(subject))


LAYERS = {
    "a sum": (lambda m, x: x + m.a(x), "'add' in its forward is no layer of a chain"),
    "a layer twice": (lambda m, x: m.a(m.a(x)), "'a' is called twice, or has a hook"),
    "what its values decide": (lambda m, x: m.a(x) if x.sum() > 0 else x, "symbolically traced"),
    "training": (lambda m, x: m.a(x) * (2 if m.training else 1), "'mul' in its forward is no layer of a chain"),
}


@pytest.mark.parametrize("case", LAYERS)
def test_what_is_no_chain_says_why(case):
    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Linear(4, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return LAYERS[case][0](self, x)

    with pytest.raises(NoChain, match=LAYERS[case][1]):
        chain(Network(), (4,))


def test_a_recipe_holds_its_settings():
    subject = own("tests.mine:Net")
    wide = Recipe.model_validate_json(
        json.dumps(
            subject.model_dump(mode="json") | {"network": subject.network.model_dump() | {"settings": {"width": 3}}}
        )
    )
    assert wide.value("network.settings.width") == 3
    assert wide.id != subject.id


@pytest.mark.parametrize("factory", ["tests.mine:Residual", f"{HERE}:Channels", "resnet"])
def test_what_is_no_chain_is_batched_on_a_gpu(factory, data, monkeypatch):
    """Here on a CPU, up to rounding."""
    image = factory == "resnet" or "Channels" in factory
    axes = {"dataset": "digits"} if image else {}
    make = own if ":" in factory else lambda name, **more: make_recipe(network=name, **more)
    subject = make(factory, batch_size=9, epochs=1, optimizer={"name": "sgd", "lr": 0.01}, **axes)
    runs = [Run(subject, 0), Run(subject, 1)]
    in_turn = train(runs, data(subject))
    monkeypatch.setattr("study.engine.networks.stack.BATCHED", ("cpu",))
    pack = Pack(runs, data(subject))
    assert pack.stack.turn is None
    for one, other in zip(pack.train(), in_turn, strict=True):
        for row, expected in zip(one.curve, other.curve, strict=True):
            for name, value in expected.items():
                assert row[name] == (value if value is None else pytest.approx(value, rel=1e-3, abs=1e-5)), name


@pytest.mark.parametrize("factory", [f"{HERE}:Noisy"])
def test_what_cannot_be_batched_is_computed_in_turn(factory, data, monkeypatch):
    monkeypatch.setattr("study.engine.networks.stack.BATCHED", ("cpu",))
    subject = own(factory)
    assert Pack([Run(subject, 0), Run(subject, 1)], data(subject)).stack.because


class Forgetful(nn.Module):
    """Drops in evaluation too, and keeps a buffer that is called a mask."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        self.register_buffer("running_mask", torch.ones(inputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            self.running_mask.mul_(0.95)
        return self.linear(F.dropout(x, 0.3) * self.running_mask)


def test_what_a_network_draws_and_keeps_is_its_own(data, tmp_path):
    subject = own(f"{HERE}:Forgetful", batch_size=9)
    assert_independent(subject, data(subject), drops=False)
    runs = [Run(subject, 0), Run(subject, 4)]

    def stop(done: int, budget: int, _: object) -> None:
        if done == budget // 2:
            raise Stop

    with pytest.raises(Stop):
        train(runs, data(subject), checkpoints=Checkpoints(tmp_path, every=0.0, seconds=0.0, watch=stop))
    assert train(runs, data(subject), checkpoints=Checkpoints(tmp_path)) == train(runs, data(subject))


def tied(inputs: int, outputs: int) -> nn.Module:
    network = nn.Sequential(nn.Linear(inputs, 8), nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, outputs))
    network[2].weight = network[1].weight
    return network


def hooked(inputs: int, outputs: int) -> nn.Module:
    network = nn.Sequential(nn.Linear(inputs, 8), nn.Linear(8, outputs))
    network[0].weight.register_hook(lambda gradient: gradient * 0)
    return network


def test_shared_parameters_and_hooks_are_heeded(data):
    for factory in (tied, hooked):
        subject = own(f"{HERE}:{factory.__name__}", batch_size=20, optimizer={"name": "sgd", "lr": 0.01})
        assert_agree(subject, data(subject))
        pack = Pack([Run(subject, 0), Run(subject, 1)], data(subject))
        before = pack.stack.flat.clone()
        pack.train()
        if factory is hooked:
            assert torch.equal(pack.stack.split(pack.stack.flat)["0.weight"], pack.stack.split(before)["0.weight"])
