"""Whether all of a pack is on its device: on torch's meta device, which has no values, so no GPU is needed."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch

from study.axes.recipe import Recipe
from study.engine import pack
from study.engine.determinism import stream
from study.engine.inputs.data import Split
from study.engine.networks.stack import Stack
from study.engine.pack import Pack, Run
from tests.run.conftest import make_recipe

META = torch.device("meta")
CASES: list[dict[str, Any]] = [
    {"optimizer": "adagrad", "regularizer": "l1", "dropout": 0.3},
    {"optimizer": "nadam", "evaluate": {"name": "steps", "steps": 3}},
    {"optimizer": "momentum", "regularizer": "l2", "ema": 0.9},
    {"optimizer": {"name": "adamw", "decay": "weights"}, "grad_clip": 1.0, "label_smoothing": 0.1},
    {"network": "convnet", "augmentation": {"name": "flip_crop"}},
    {"network": "resnet", "optimizer": "rprop"},
    {"network": "transformer", "optimizer": "radam"},
    {"early_stopping": {"name": "patience"}, "schedule": "cosine"},
    {"network": {"name": "custom", "factory": "tests.mine:Residual"}},
    {"network": {"name": "custom", "factory": "tests.mine:Net"}, "dropout": 0.2},
]


@pytest.mark.parametrize("batched", [("meta",), ()], ids=["batched", "in turn"])
@pytest.mark.parametrize("changes", CASES, ids=json.dumps)
def test_a_step_mixes_no_devices(changes, batched, data, monkeypatch):
    monkeypatch.setattr(Stack, "weights", lambda self: self.flat)  # how many there are is a value
    monkeypatch.setattr("study.engine.networks.stack.BATCHED", batched)
    monkeypatch.setattr(pack, "stream", lambda seed, purpose, device="cpu": stream(seed, purpose))
    recipe: Recipe = make_recipe(**{"dataset": "digits", "batch_size": 9} | changes)
    there = data(recipe)
    there = there._replace(
        **{name: Split(*(each.to(META) for each in getattr(there, name)[:2])) for name in ("train", "val", "test")}
    )
    subject = Pack([Run(recipe, seed) for seed in range(3)], there, META)
    subject.stack.train(True)
    norms = subject.step(torch.zeros(3, 5, dtype=torch.int64, device=META), 0.0)
    assert norms.device == META
    assert all(each.device == META for each in subject.optimizer.state() if each.dim())
