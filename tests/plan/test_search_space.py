"""What ``tune:`` means: what an arm searches, on which points, and what of it enters the id."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from study.plan.arm import Arm
from study.plan.plan import Plan
from study.plan.search import Searched
from study.store.layout import Store
from tests.plan.tuned import LR, Planned, arms, searches, tuned

TARGET = {"metric": "val_accuracy", "value": 0.9}


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def test_ids_of_searches_and_of_arms_that_choose_from_them(study: dict[str, Any], plan: Planned) -> None:
    """A covered setting leaves the recipe; a selection enters the id of the arm, and not that of the search."""
    first = arms(plan(tuned(study, metrics=["steps_to_target", "test_loss"], target=TARGET)))[0]
    content = {"batch_size": 32, "dataset": {"name": "digits"}, "epochs": 2, "network": {"hidden": [8], "name": "mlp"}}
    recipe = json.dumps(content | {"optimizer": {"name": "sgd"}, "recipe": 2}, sort_keys=True, separators=(",", ":"))
    space = {"settings": [{"key": "optimizer.lr", "log": [0.001, 10.0], "points": 9}], "seeds": 3, "extend": 4}
    search = digest(recipe + json.dumps(space, sort_keys=True))
    assert first.search
    assert (first.search.id, search) == ("94de1ee19af6", "94de1ee19af6")
    assert "lr" not in first.search.model_dump(mode="json")["recipe"]["optimizer"]
    assert first.id == digest(json.dumps([search, "steps_to_target val_accuracy 0.9"]))


def ids(planned: Plan) -> tuple[set[str], set[str]]:
    """Of the searches, and of the arms."""
    return set(planned.searches), set(planned.arms)


def test_what_stands_at_a_covered_setting_moves_no_id(study: dict[str, Any], plan: Planned) -> None:
    before = ids(plan(tuned(study)))
    study["baseline"]["optimizer"] = {"name": "sgd", "lr": 0.7}
    assert ids(plan(tuned(study))) == before
    study["baseline"]["optimizer"] = "sgd"  # its required rate is covered
    assert ids(plan(tuned(study, baseline={"optimizer.lr": 0.3}))) == before
    reordered = {"extend": 4, "seeds": 3, "optimizer.lr": {"points": 9, "log": [1e-3, 10.0]}}
    assert ids(plan(tuned(study, tune=reordered))) == before


@pytest.mark.parametrize(
    "change",
    [
        {"optimizer.lr": {"log": [0.001, 1], "points": 9}},
        {"optimizer.lr": {"log": [0.001, 10], "points": 8}},
        {"optimizer.lr": {"linear": [0.001, 10], "points": 9}},
        {"seeds": 4},
        {"extend": 3},
        {"batch_size": {"values": [16, 32]}},
        {"optimizer.lr": {"log": [0.001, 10]}, "search": "sobol", "trials": 9},
        {"optimizer.lr": {"log": [0.001, 10]}, "search": "sobol", "trials": 8},
    ],
    ids=str,
)
def test_every_part_of_a_search_enters_the_ids(change: dict[str, Any], study: dict[str, Any], plan: Planned) -> None:
    for one, other in zip(ids(plan(tuned(study))), ids(plan(tuned(study, tune=LR | change))), strict=True):
        assert not one & other


def test_what_is_selected_by_enters_the_ids_of_arms_only(study: dict[str, Any], plan: Planned) -> None:
    def of(level: float, metric: str) -> tuple[set[str], set[str]]:
        return ids(plan(tuned(study, target=TARGET | {"value": level}, metrics=[metric])))

    accuracy, loss, steps = of(0.9, "test_accuracy"), of(0.9, "test_loss"), of(0.9, "steps_to_target")
    assert accuracy[0] == loss[0] == steps[0] == of(0.8, "steps_to_target")[0]
    assert len(accuracy[1] | loss[1] | steps[1]) == 3 * len(accuracy[1])
    assert accuracy == of(0.8, "test_accuracy")  # a target is that of what is selected by it
    assert not steps[1] & of(0.8, "steps_to_target")[1]


def test_tuned_arms_read_back_as_written(study: dict[str, Any], plan: Planned, tmp_path: Path) -> None:
    tune = LR | {"network.hidden": {"values": [[8], [4, 4]]}, "batch_size": {"linear": [16, 32], "points": 2}}
    planned, store = plan(tuned(study, tune=tune)), Store(tmp_path / "results")
    planned.write(store, planned.missing(store))
    assert Plan.load(store.study("small") / "plan.json") == planned
    for arm_id, arm in planned.arms.items():
        content = json.loads(store.recipe(arm_id).read_text(encoding="utf-8"))["recipe"]
        read = Arm.model_validate_json(json.dumps(content))
        assert (read, read.id) == (arm, arm_id)
        assert read.search
        assert "lr" not in content["search"]["recipe"]["optimizer"]


def test_every_arm_gets_as_many_trials(study: dict[str, Any], plan: Planned) -> None:
    tune = LR | {"regularizer.strength": {"log": [1e-4, 1e-2], "points": 3}}
    found = searches(plan(tuned(study, tune=tune, vary={"regularizer": ["none", "l2", "l1"]})))
    assert [(search.covers, search.first, search.candidates) for search in found] == [
        (("optimizer.lr",), 9, 31),
        (("optimizer.lr", "regularizer.strength"), 27, 31),
        (("optimizer.lr", "regularizer.strength"), 27, 31),
    ]


def test_an_arm_without_any_of_the_settings_is_not_tuned(study: dict[str, Any], plan: Planned) -> None:
    tune = {"schedule.final": {"values": [0.001, 0.1]}}
    planned = plan(tuned(study, tune=tune, vary={"schedule": ["constant", "cosine"]}))
    constant, cosine = planned.comparisons[0].arms
    assert (constant.tuned, planned.arms[constant.arm].search) == ({}, None)
    assert cosine.tuned == {"val_loss": cosine.arm}


GRIDS: list[tuple[dict[str, Any], list[Any]]] = [
    ({"log": [0.001, 10], "points": 5}, [0.001, 0.01, 0.1, 1.0, 10.0]),
    ({"log": [0.01, 0.04], "points": 3}, [0.01, 0.02, 0.04]),
    ({"linear": [0.1, 0.5], "points": 5}, [0.1, 0.2, 0.3, 0.4, 0.5]),
    ({"values": [1, 0.5, 0.25]}, [0.25, 0.5, 1.0]),
]


@pytest.mark.parametrize(("written", "points"), GRIDS)
def test_grids(written: dict[str, Any], points: list[Any], study: dict[str, Any], plan: Planned) -> None:
    (search, _) = searches(plan(tuned(study, tune={"optimizer.lr": written})))
    assert [settings["optimizer.lr"] for settings in search.grid()] == points


def test_whole_numbers_and_widths(study: dict[str, Any], plan: Planned) -> None:
    tune = {"batch_size": {"log": [16, 128], "points": 4}, "network.hidden": {"values": [[16], [8, 8]]}}
    (search, _) = searches(plan(tuned(study, tune=tune, vary={"activation": ["relu", "tanh"]})))
    assert list(search.grid()) == [
        {"batch_size": size, "network.hidden": hidden} for size in (16, 32, 64, 128) for hidden in ((8, 8), (16,))
    ]
    settled = search.at({"batch_size": 64, "network.hidden": (16,)})
    assert (settled.batch_size, settled.network.settings()) == (64, {"hidden": [16]})


def test_what_is_settled_is_the_recipe_without_tuning(study: dict[str, Any], plan: Planned) -> None:
    before = arms(plan(tuned(study)))[0]
    study["baseline"]["optimizer"]["lr"] = 0.25
    written = plan(study | {"comparisons": {"a": {"vary": {"optimizer": ["sgd"]}, "metrics": ["test_loss"]}}})
    assert before.settled({"optimizer.lr": 0.25}) == arms(written)[0].recipe
    assert before.settled({"optimizer.lr": 0.25}).id == arms(written)[0].id
    with pytest.raises(ValueError, match="greater than 0"):
        before.settled({"optimizer.lr": -1.0})


SCALES = [
    Searched(key="x", log=(0.001, 10.0), points=9),
    Searched(key="x", linear=(-1.0, 1.0), points=5),
    Searched(key="x", values=(0.1, 1.0, 3.0)),
]


@pytest.mark.parametrize("searched", SCALES, ids=str)
def test_positions_and_values_are_inverse(searched: Searched) -> None:
    for place, value in enumerate(searched.grid()):
        assert searched.position(value) == pytest.approx(place * searched.step)


def test_what_lies_past_an_end_keeps_the_ratio_or_the_step() -> None:
    log, linear, values = SCALES
    assert [log.at(1 + log.step), log.at(-2 * log.step)] == [pytest.approx(31.6227766017), 0.0001]
    assert [linear.at(1.25), linear.at(0.5)] == [1.5, 0.0]
    assert [values.at(3), values.at(4), values.at(-1)] == [9.0, 27.0, 0.01]
