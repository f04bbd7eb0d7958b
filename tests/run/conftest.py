"""Small data and a short way to write an arm, for tests of training."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from study.plan.file.keys import CHOICES
from study.engine.data import Data, Split, load, prepare
from study.plan.arm import Arm
from study.plan.plan import recipe_text
from study.store.layout import Store

LR = {"key": "optimizer.lr", "log": [0.01, 1.0], "points": 3}
SMALL = {
    "mlp": {"hidden": [7, 5]},
    "convnet": {"channels": [3, 5]},
    "plateau": {"patience": 0, "threshold": 0.2},  # lowers the rate within two epochs
    "l1": {"strength": 0.01},
    "l2": {"strength": 0.01},
    "elastic_net": {"strength": 0.02},
}


def make_arm(**changes: Any) -> Arm:
    """An arm over wine. Choices may be bare names; an optimizer without a rate gets 0.05."""
    axes: dict[str, Any] = {"dataset": "wine", "network": "mlp", "optimizer": "sgd", "batch_size": 5, "epochs": 2}
    axes |= {"init": "xavier_uniform"} | changes
    for axis in CHOICES.keys() & axes:
        if isinstance(axes[axis], str):
            axes[axis] = {"name": axes[axis]} | SMALL.get(axes[axis], {})
    axes["optimizer"] = {"lr": 0.05} | axes["optimizer"]
    return Arm.model_validate_json(json.dumps(axes))


@pytest.fixture(scope="session")
def arm() -> Callable[..., Arm]:
    return make_arm


@pytest.fixture
def tuned(tmp_path: Path) -> Callable[..., tuple[Store, Arm]]:
    """An arm that searches ``settings`` and the store in which it is ready to be tuned."""

    def make(*settings: Any, axes: Mapping[str, Any] = MappingProxyType({}), **changes: Any) -> tuple[Store, Arm]:
        search = {"settings": settings or [LR], "seeds": 2, "extend": 2, "select": "val_accuracy"} | changes
        content = make_arm(**axes).model_dump(mode="json") | {"tune": search}
        made = Arm.model_validate_json(json.dumps(content))
        store = Store(tmp_path)
        prepare(made.dataset, store.dataset(made.dataset_id))
        store.arm(made.id).mkdir(parents=True)
        store.recipe(made.id).write_text(recipe_text(made), encoding="utf-8")
        return store, made

    return make


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Arm], Data]:
    """The data of an arm, with at most 106 training rows; or all of them, where seeds draw the split."""
    folder, loaded = tmp_path_factory.mktemp("datasets"), {}

    def of(arm: Arm) -> Data:
        if arm.dataset_id not in loaded:
            path = folder / f"{arm.dataset_id}.npz"
            prepare(arm.dataset, path)
            whole = loaded[arm.dataset_id] = load(path)
            if whole.unsplit:
                return whole
            parts = [Split(whole[i].x[:106], whole[i].y[:106]) for i in (3, 4, 5)]
            loaded[arm.dataset_id] = whole._replace(train=parts[0], val=parts[1], test=parts[2])
        return loaded[arm.dataset_id]

    return of
