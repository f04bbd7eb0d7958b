"""What ``tune:`` means: what an arm searches, on which points, and what of it enters the id."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from study.axes.recipe import RECIPE
from study.plan.plan import Plan, read_recipe
from study.plan.searches.space import Searched
from study.store.layout import Store
from tests.plan.tuned import LR, Planned, arms, searches, tuned


def test_a_covered_setting_leaves_the_arm_and_the_search_enters_its_id(study: dict[str, Any], plan: Planned) -> None:
    first = arms(plan(tuned(study)))[0]
    search = {"extend": 4, "seeds": 3, "select": "val_loss"}
    search["settings"] = [{"key": "optimizer.lr", "log": [0.001, 10.0], "points": 9}]
    content = {"batch_size": 32, "dataset": {"name": "digits"}, "epochs": 2, "network": {"hidden": [8], "name": "mlp"}}
    content |= {"optimizer": {"name": "sgd"}, "recipe": RECIPE, "tune": search}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    assert first.id == hashlib.sha256(text.encode()).hexdigest()[:12]
    assert "lr" not in first.model_dump(mode="json")["optimizer"]


def test_what_stands_at_a_covered_setting_moves_no_id(study: dict[str, Any], plan: Planned) -> None:
    before = set(plan(tuned(study)).arms)
    study["baseline"]["optimizer"] = {"name": "sgd", "lr": 0.7}
    assert set(plan(tuned(study)).arms) == before
    study["baseline"]["optimizer"] = "sgd"  # its required rate is covered
    assert set(plan(tuned(study, baseline={"optimizer.lr": 0.3})).arms) == before
    reordered = {"extend": 4, "seeds": 3, "optimizer.lr": {"points": 9, "log": [1e-3, 10.0]}}
    assert set(plan(tuned(study, tune=reordered)).arms) == before


@pytest.mark.parametrize(
    "change",
    [
        {"optimizer.lr": {"log": [0.001, 1], "points": 9}},
        {"optimizer.lr": {"log": [0.001, 10], "points": 8}},
        {"optimizer.lr": {"linear": [0.001, 10], "points": 9}},
        {"seeds": 4},
        {"extend": 3},
        {"select": "val_accuracy"},
        {"batch_size": {"values": [16, 32]}},
    ],
    ids=str,
)
def test_every_part_of_the_search_enters_the_id(change: dict[str, Any], study: dict[str, Any], plan: Planned) -> None:
    assert not set(plan(tuned(study)).arms) & set(plan(tuned(study, tune=LR | change)).arms)


def test_a_target_enters_the_id_of_what_is_selected_by_it_only(study: dict[str, Any], plan: Planned) -> None:
    def ids(level: float, metric: str) -> set[str]:
        target = {"metric": "val_accuracy", "value": level}
        return set(plan(tuned(study, target=target, metrics=[metric])).arms)

    assert ids(0.9, "test_accuracy") == ids(0.8, "test_accuracy")
    assert not ids(0.9, "steps_to_target") & ids(0.8, "steps_to_target")


def test_tuned_arms_read_back_as_written(study: dict[str, Any], plan: Planned, tmp_path: Path) -> None:
    tune = LR | {"network.hidden": {"values": [[8], [4, 4]]}, "batch_size": {"linear": [16, 32], "points": 2}}
    planned, store = plan(tuned(study, tune=tune)), Store(tmp_path / "results")
    planned.write(store, planned.missing(store))
    assert Plan.load(store.study("small") / "plan.json") == planned
    for arm_id, arm in planned.arms.items():
        read = read_recipe(store.recipe(arm_id))
        assert (read, read.id) == (arm, arm_id)
        assert "lr" not in json.loads(store.recipe(arm_id).read_text())["recipe"]["optimizer"]


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
    assert (constant.tuned, planned.arms[constant.arm].tune) == ({}, None)
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
    assert search.grid() == [
        {"batch_size": size, "network.hidden": hidden} for size in (16, 32, 64, 128) for hidden in ((8, 8), (16,))
    ]
    settled = arms(plan(tuned(study)))[0].settled({"batch_size": 64, "network.hidden": (16,)})
    assert (settled.batch_size, settled.network.settings(), settled.tune) == (64, {"hidden": [16]}, None)


def test_a_settled_arm_is_the_arm_without_tuning(study: dict[str, Any], plan: Planned) -> None:
    before = arms(plan(tuned(study)))[0]
    study["baseline"]["optimizer"]["lr"] = 0.25
    written = plan(study | {"comparisons": {"a": {"vary": {"optimizer": ["sgd"]}, "metrics": ["test_loss"]}}})
    assert before.settled({"optimizer.lr": 0.25}) == arms(written)[0]
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
