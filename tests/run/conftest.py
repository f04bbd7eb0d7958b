"""Small data and a short way to write a recipe, an arm and a search, for tests of training."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd
import pytest

from study.axes.recipe import Recipe
from study.engine.inputs.data import Data, Split, load
from study.engine.inputs.prepare import prepare
from study.plan.arm import Arm
from study.plan.file.keys import CHOICES
from study.plan.jobs import BlockUnit, Job, SearchUnit
from study.plan.search import Search, Selection
from study.run.job import run
from study.store.layout import Block, Store
from tests.run.scripts import Make, maker

LR = {"key": "optimizer.lr", "log": [0.01, 1.0], "points": 3}
SMALL = {
    "mlp": {"hidden": [7, 5]},
    "convnet": {"channels": [3, 5]},
    "resnet": {"channels": [3, 5]},
    "transformer": {"width": 8, "heads": 2, "depth": 1},
    "lbfgs": {"max_iter": 4},
    "plateau": {"patience": 0, "threshold": 0.2},  # lowers the rate within two epochs
    "l1": {"strength": 0.01},
    "l2": {"strength": 0.01},
    "elastic_net": {"strength": 0.02},
}


def make_recipe(**changes: Any) -> Recipe:
    """A recipe over wine. Choices may be bare names; an optimizer without a rate gets 0.05."""
    axes: dict[str, Any] = {"dataset": "wine", "network": "mlp", "optimizer": "sgd", "batch_size": 5, "epochs": 2}
    axes |= {"init": "xavier_uniform"} | changes
    if "steps" in changes:
        del axes["epochs"]
    for axis in CHOICES.keys() & axes:
        if isinstance(axes[axis], str):
            axes[axis] = {"name": axes[axis]} | SMALL.get(axes[axis], {})
        if axes[axis]["name"] == "custom":
            axes[axis] = {"factory": f"tests.mine:{axis}"} | axes[axis]
    axes["optimizer"] = {"lr": 0.05} | axes["optimizer"]
    return Recipe.model_validate_json(json.dumps(axes))


@pytest.fixture(scope="session")
def recipe() -> Callable[..., Recipe]:
    return make_recipe


def make_search(*settings: Any, axes: Mapping[str, Any] = MappingProxyType({}), **changes: Any) -> Search:
    """A search of ``settings``, by default of three rates, of a recipe with ``axes``."""
    content = make_recipe(**axes).model_dump(mode="json")
    space = {"settings": settings or [LR], "seeds": 2, "extend": 2} | changes
    return Search.model_validate_json(json.dumps({"recipe": content} | space))


def block_job(block: Block, *arms: Arm, searches: tuple[SearchUnit, ...] = ()) -> Job:
    """A block of seeds of each of ``arms``, after ``searches``."""
    return Job(searches=searches, blocks=tuple(BlockUnit(arm=arm, block=block) for arm in arms))


def search_job(search: Search, *selections: Selection) -> Job:
    return Job(searches=(SearchUnit(search=search, selections=selections),))


def train_block(store: Store, arm: Arm, block: Block) -> None:
    """Do it as a job does. Raises RuntimeError with its lines where it failed."""
    if failed := run(block_job(block, arm), store):
        raise RuntimeError("\n".join(failed))


def names(store: Store, arm: Arm) -> list[str]:
    """The files of an arm."""
    return sorted(path.name for path in store.arm(arm.id).iterdir())


def frame(store: Store, search: Search) -> pd.DataFrame:
    """The stored trials, with a column for each setting: numbers, or lists as text."""
    rows = pd.read_parquet(store.search(search.id))
    settings = [json.loads(text) for text in rows["settings"]]
    for key in search.covers:
        values = [each[key] for each in settings]
        rows[key] = [str(value) if isinstance(value, list) else value for value in values]
    return rows


@pytest.fixture
def ready(tmp_path: Path) -> Callable[..., tuple[Store, Arm]]:
    """An arm whose recipe has the changes given, and the store in which its data lie."""

    def make(**changes: Any) -> tuple[Store, Arm]:
        store, made = Store(tmp_path), Arm(recipe=make_recipe(**changes))
        prepare(made.dataset, store.dataset(made.dataset_id))
        return store, made

    return make


@pytest.fixture
def arm() -> Arm:
    return Arm(recipe=make_recipe())


@pytest.fixture
def store(ready: Callable[..., tuple[Store, Arm]]) -> Store:
    """A store in which everything is ready to train the default arm."""
    return ready()[0]


@pytest.fixture
def searched(tmp_path: Path) -> Callable[..., tuple[Store, Search]]:
    """A search as ``make_search`` makes it, and the store in which its data lie."""

    def make(*settings: Any, **changes: Any) -> tuple[Store, Search]:
        store, made = Store(tmp_path), make_search(*settings, **changes)
        dataset = made.first_recipe.dataset
        prepare(dataset, store.dataset(made.first_recipe.dataset_id))
        return store, made

    return make


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Recipe], Data]:
    """The data of a recipe, with at most 106 training rows; or all of them, where seeds draw the split."""
    folder, loaded = tmp_path_factory.mktemp("datasets"), {}

    def of(recipe: Recipe) -> Data:
        if recipe.dataset_id not in loaded:
            path = folder / f"{recipe.dataset_id}.npz"
            prepare(recipe.dataset, path)
            whole = loaded[recipe.dataset_id] = load(path)
            if whole.draw:
                return whole
            parts = [Split(whole[i].x[:106], whole[i].y[:106]) for i in (3, 4, 5)]
            loaded[recipe.dataset_id] = whole._replace(train=parts[0], val=parts[1], test=parts[2])
        return loaded[recipe.dataset_id]

    return of


@pytest.fixture
def script(tmp_path: Path) -> Make:
    return maker(tmp_path)
