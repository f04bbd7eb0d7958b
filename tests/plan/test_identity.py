"""What moves an arm's id, and what does not. A golden id that changes retrains every user's arms."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest

from study.axes.base import Choice
from study.axes.recipe import RECIPE, Recipe
from study.plan.arm import Arm
from study.plan.file.keys import CHOICES
from study.plan.plan import Plan
from study.store.checksums import Sums
from study.store.layout import Store
from study.store.notes import read_note

Planned = Callable[[Any], Plan]
BASE: dict[str, Any] = {
    "dataset": {"name": "digits"},
    "network": {"name": "mlp"},
    "optimizer": {"name": "sgd", "lr": 0.1},
    "batch_size": 32,
    "epochs": 40,
}
REQUIRED = {"lr": 0.1, "path": "somewhere", "target": "y", "factory": "tests.mine:network"}  # without a default
REQUIRED |= {"run": "python train.py {recipe} {seed} {log}"}

GOLDEN = {
    "481f08ae4272": {},
    "ea75dd24f6b0": {"optimizer": {"name": "adam", "lr": 0.001}, "schedule": {"name": "cosine"}},
    "05bc0a31f820": {"network": {"name": "convnet", "channels": [8]}, "dropout": 0.25, "stack": False},
    "a35d17f7de94": {"dataset": {"name": "idx", "path": "here", "sha256": "00ff"}, "regularizer": {"name": "l2"}},
}


def recipe(**changes: Any) -> Recipe:
    return Recipe.model_validate_json(json.dumps(BASE | changes))


@pytest.mark.parametrize("golden", GOLDEN)
def test_golden_ids(golden: str) -> None:
    """None of these settings is a default: an id is the digest of what differs from the defaults, but for paths."""
    content = BASE | GOLDEN[golden] | {"recipe": 2}
    dataset = {key: value for key, value in content["dataset"].items() if key != "path"}
    assert digest(content | {"dataset": dataset}) == recipe(**GOLDEN[golden]).id == golden


def test_prepared_data_are_of_their_recipe_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """How rows are split and scaled is part of what training means."""
    before = recipe().dataset_id
    monkeypatch.setattr("study.axes.recipe.RECIPE", RECIPE + 1)
    assert recipe().dataset_id != before


def digest(content: dict[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def ids(plan: Plan) -> list[str]:
    return sorted(plan.arms)


def test_what_never_enters_an_id(study: dict[str, Any], plan: Planned) -> None:
    before = ids(plan(study))
    study |= {"study": "other", "title": "Another", "seeds": 9, "target": {"metric": "val_loss", "value": 1}}
    study["comparisons"] = {
        "b": {
            "title": "B",
            "metrics": ["test_loss", "memory_mib"],
            "arms": [{"label": "second", "activation": "relu"}, {"label": "first", "activation": "tanh"}],
            "reference": "first",
            "reported": {"second": {"test_loss": 1}},
        }
    }
    study["baseline"] = dict(reversed(study["baseline"].items()))
    assert ids(plan(study)) == before


def test_comments_and_spelling_never_enter_an_id(plan: Planned) -> None:
    text = (
        "study: a\nbaseline: {dataset: digits, network: mlp, optimizer: {name: sgd, lr: 1}, batch_size: 8, epochs: 1}"
    )
    text += "\ncomparisons: {a: {vary: {dropout: [0, 0.5]}, metrics: [test_loss]}}\n"
    spelled = text.replace("lr: 1}", "lr: 1.0}").replace("[0,", "[0.0,").replace("network: mlp", "network: {name: mlp}")
    assert ids(plan(text)) == ids(plan("# why\n" + spelled.replace("study: a", "study: a  # name")))


def test_a_written_default_moves_no_id() -> None:
    written = {axis: {"name": "relu"} for axis in ["activation"]} | {
        "dropout": 0,
        "grad_clip": 0,
        "label_smoothing": 0,
        "label_noise": 0,
        "train_share": 1,
        "augmentation": {"name": "none"},
        "precision": {"name": "float32"},
        "ema": 0,
        "early_stopping": {"name": "none"},
        "steps": None,
        "evaluate": {"name": "epoch"},
        "gpus": 1,
        "stack": True,
        "tf32": False,
    }
    digits = {"name": "digits", "split_seed": 0, "split": "fixed"}
    written |= {"network": {"name": "mlp", "hidden": [64, 64]}, "dataset": digits}
    assert recipe(**written).id == recipe().id


EVERY = [
    (axis, name, setting)
    for axis, kind in CHOICES.items()
    for name, choice in kind.choices().items()
    for setting in choice.written()
    if setting
    not in (
        "name",
        "path",
        "label",
        "cache",
        "timeout",
        "folds",
        "fold",
    )  # these change no number, but the last two, which go together
]


def other(choice: type[Choice], setting: str) -> Any:
    """A value of the setting that is allowed and is not its default."""
    field = choice.model_fields[setting]
    default = REQUIRED.get(setting) if field.is_required() else field.default
    words = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    candidates: list[Any] = [*words, 0.5, 0.25, 3, 7, True, False, [3], [0.5, 0.25], "regression", "a:b", "text"]
    candidates += ["other.py {recipe} {seed} {log}"]
    candidates += [["text"], "median", "RGB", 30, {"sep": ";"}, -0.5, [0.5, 1.5]]
    required = {key: value for key, value in REQUIRED.items() if key in choice.model_fields}
    for value in candidates:
        if value != default:
            try:
                choice.model_validate_json(json.dumps({**required, setting: value}))
            except ValueError:
                continue
            return value
    raise AssertionError(f"no other value for {setting}")


@pytest.mark.parametrize(("axis", "name", "setting"), EVERY)
def test_every_setting_of_every_choice_enters_the_id(axis: str, name: str, setting: str) -> None:
    choice = CHOICES[axis].choices()[name]
    plain = {"name": name} | {key: value for key, value in REQUIRED.items() if key in choice.model_fields}
    assert recipe(**{axis: plain}).id != recipe(**{axis: plain | {setting: other(choice, setting)}}).id


@pytest.mark.parametrize(
    "change",
    [
        {"dropout": 0.5},
        {"grad_clip": 1.0},
        {"label_smoothing": 0.1},
        {"label_noise": 0.1},
        {"train_share": 0.5},
        {"augmentation": {"name": "flip_crop"}},
        {"precision": {"name": "bfloat16"}},
        {"ema": 0.9},
        {"early_stopping": {"name": "patience"}},
        {"epochs": None, "steps": 40},
        {"evaluate": {"name": "steps", "steps": 10}},
        {"batch_size": 8},
        {"epochs": 3},
        {"gpus": 2},
        {"stack": False},
        {"tf32": True},
    ],
    ids=str,
)
def test_every_number_enters_the_id(change: dict[str, Any]) -> None:
    assert recipe(**change).id != recipe().id


def test_a_fold_enters_the_id() -> None:
    folds = [{"name": "wine", "folds": 5, "fold": fold} for fold in range(3)]
    assert len({recipe(dataset=fold).id for fold in [{"name": "wine"}, *folds]}) == 4


def test_choices_of_different_names_have_different_ids() -> None:
    for axis, kind in CHOICES.items():
        found = {
            name: recipe(**{axis: {"name": name} | {k: v for k, v in REQUIRED.items() if k in choice.model_fields}}).id
            for name, choice in kind.choices().items()
        }
        assert len(set(found.values())) == len(found), axis


def table(study: dict[str, Any], path: str) -> dict[str, Any]:
    dataset = {"name": "table", "path": path, "target": "y"}
    return study | {"baseline": study["baseline"] | {"dataset": dataset, "batch_size": 8}}


def test_the_bytes_of_a_dataset_enter_the_id_and_its_path_does_not(
    study: dict[str, Any], plan: Planned, tmp_path: Path
) -> None:
    text = "x,y\n" + "1,2\n2,3\n" * 10
    (tmp_path / "a.csv").write_text(text)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "b.csv").write_text(text)
    first = plan(table(study, "a.csv"))
    assert ids(plan(table(study, "folder/b.csv"))) == ids(first)
    assert ids(plan(table(study, str(tmp_path / "a.csv")))) == ids(first)
    dataset = next(iter(first.datasets.values()))
    assert dataset.model_dump()["sha256"] == hashlib.sha256(text.encode()).hexdigest()
    (tmp_path / "a.csv").write_text(text.replace("1,2", "1,3").replace("2,3", "2,2"))
    changed = plan(table(study, "a.csv"))
    assert not set(ids(changed)) & set(ids(first))
    assert not set(changed.datasets) & set(first.datasets)


def test_a_sum_is_remembered_until_the_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    plain = hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda file, name: read.append(file.name) or plain(file, name))
    memory, source = tmp_path / "sums.json", tmp_path / "data.csv"

    def known() -> str:
        sums = Sums(memory)
        found = sums.sum(source)
        sums.keep()
        return found

    for text in ("old", "new", "longer"):  # the second of the same size, and with the mtime put back
        source.write_text(text)
        os.utime(source, ns=(1, 1))
        for _ in range(2):
            assert known() == hashlib.sha256(text.encode()).hexdigest()
    assert len(read) == 3


@pytest.mark.parametrize("spoiled", ["", "[]", "{", "null"])
def test_a_spoiled_memory_of_sums_is_made_again(spoiled: str, tmp_path: Path) -> None:
    (tmp_path / "sums.json").write_text(spoiled)
    (tmp_path / "data").write_text("x")
    assert Sums(tmp_path / "sums.json").sum(tmp_path / "data") == hashlib.sha256(b"x").hexdigest()


def test_a_plan_and_its_recipes_read_back_as_written(study: dict[str, Any], plan: Planned, tmp_path: Path) -> None:
    planned, store = plan(study), Store(tmp_path / "results")
    planned.write(store, planned.missing(store))
    assert Plan.load(store.study("small") / "plan.json") == planned
    for arm_id, arm in planned.arms.items():
        assert arm.id == arm_id
        content = read_note(store.recipe(arm_id))
        assert content == {"arm": arm_id, "recipe_version": RECIPE, "recipe": arm.model_dump(mode="json")}
        assert Arm.model_validate_json(json.dumps(content["recipe"])) == arm
