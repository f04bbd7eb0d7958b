"""Which arms a comparison reads its metrics and claims from, and which it times."""

from __future__ import annotations

from typing import Any

import pytest

from study.metrics import METRICS
from tests.plan.tuned import LR, Planned, arms, tuned

SELECTED = {  # from docs/statistics.md, Tuning
    "test_accuracy": "val_accuracy", "train_accuracy": "train_accuracy", "val_accuracy": "val_accuracy",
    "test_loss": "val_loss", "train_loss": "train_loss", "val_loss": "val_loss", "generalization_gap": "val_accuracy",
    "steps_to_target": "steps_to_target", "epochs_to_target": "steps_to_target",
    "seconds_to_target": "steps_to_target", "train_seconds": "val_accuracy", "step_seconds": "val_accuracy",
    "memory_mib": "val_accuracy", "small_weights": "val_accuracy", "weight_norm": "val_accuracy",
    "speedup": "val_accuracy",
}  # fmt: skip
SELECTED |= {  # metrics that the page does not know, by what their record says
    name: metric.source.twin or "val_accuracy" for name, metric in METRICS.items() if name not in SELECTED
}
TARGET = {"metric": "val_accuracy", "value": 0.9}


@pytest.mark.parametrize("metric", [name for name in METRICS if name != "script_seconds"])  # of scripts only
def test_selection_is_the_validation_twin(metric: str, study: dict[str, Any], plan: Planned) -> None:
    planned = plan(tuned(study, metrics=[metric], target=TARGET))
    assert planned.comparisons[0].selections == {metric: SELECTED[metric]}
    assert {arm.selection and arm.selection.metric for arm in arms(planned)} == {SELECTED[metric]}


def test_several_selections_make_an_arm_each_for_one_label(study: dict[str, Any], plan: Planned) -> None:
    claims = [{"metric": "test_loss", "better": "adam", "than": "sgd", "exploratory": True}]
    metrics = ["steps_to_target", "memory_mib", "test_accuracy"]
    planned = plan(tuned(study, metrics=metrics, target=TARGET, claims=claims))
    comparison = planned.comparisons[0]
    # Memory depends on no rate: it is read from arms that are there anyway.
    assert comparison.selections == {
        "steps_to_target": "steps_to_target",
        "memory_mib": "steps_to_target",
        "test_accuracy": "val_accuracy",
        "test_loss": "val_loss",
    }
    assert len(planned.arms) == len(planned.seeds) == len(comparison.trained) == 6
    assert [arm.label for arm in comparison.arms] == ["sgd", "adam"]
    for metric, select in comparison.selections.items():
        read = comparison.arms_for(metric)
        assert list(read) == ["sgd", "adam"]
        selections = [planned.arms[arm].selection for arm in read.values()]
        assert {selection and selection.metric for selection in selections} == {select}
        assert [planned.arms[arm].outline.optimizer.name for arm in read.values()] == ["sgd", "adam"]
    (claim,) = comparison.claims
    assert (claim.better_arm, claim.than_arm) == tuple(comparison.arms_for("test_loss")[a] for a in ("adam", "sgd"))


def test_one_search_serves_the_selections_of_a_label(study: dict[str, Any], plan: Planned) -> None:
    metrics = ["test_accuracy", "test_loss", "steps_to_target"]
    content = tuned(study, metrics=metrics, target=TARGET)
    other = dict(content["comparisons"]["a"], target=TARGET | {"value": 0.95}, metrics=["steps_to_target"])
    content["comparisons"]["b"] = other
    planned = plan(content)
    assert (len(planned.arms), len(planned.searches)) == (8, 2)
    for label in ("sgd", "adam"):
        first, second = ({arm.label: arm.tuned for arm in c.arms}[label] for c in planned.comparisons)
        mine = [planned.arms[arm] for arm in {*first.values(), *second.values()}]
        assert len({arm.search and arm.search.id for arm in mine}) == 1
        assert {arm.selection.name for arm in mine if arm.selection} == {
            "val_accuracy",
            "val_loss",
            "steps_to_target val_accuracy 0.9",
            "steps_to_target val_accuracy 0.95",
        }


def test_a_listed_selection_serves_what_it_does_not_list(study: dict[str, Any], plan: Planned) -> None:
    tune = LR | {"select": ["val_accuracy", "val_loss"]}
    planned = plan(tuned(study, tune=tune, metrics=["epochs_to_target", "train_loss"], target=TARGET))
    assert planned.comparisons[0].selections == {"epochs_to_target": "val_accuracy", "train_loss": "val_accuracy"}
    only = plan(tuned(study, tune=LR | {"select": "val_loss"}, metrics=["test_accuracy"]))
    assert only.comparisons[0].selections == {"test_accuracy": "val_loss"}


def test_what_is_claimed_is_read_from_arms_that_are_tuned_for_it(study: dict[str, Any], plan: Planned) -> None:
    claim = {"better": "adam", "than": "sgd"}
    claims = [claim | {"metric": "train_loss"}, claim | {"metric": "epochs_to_target", "exploratory": True}]
    tune = LR | {"select": "val_accuracy"}
    planned = plan(tuned(study | {"seeds": 8}, tune=tune, metrics=["test_loss"], claims=claims, target=TARGET))
    comparison = planned.comparisons[0]
    assert comparison.selections == {
        "test_loss": "val_accuracy",
        "train_loss": "train_loss",
        "epochs_to_target": "val_accuracy",
    }
    assert comparison.claims[0].better_arm == comparison.arms_for("train_loss")["adam"]


def test_a_regression_is_selected_by_loss(study: dict[str, Any], plan: Planned) -> None:
    study["baseline"]["dataset"] = "diabetes"
    assert plan(tuned(study, metrics=["small_weights"])).comparisons[0].selections == {"small_weights": "val_loss"}


def test_a_comparison_may_tune_nothing_or_otherwise(study: dict[str, Any], plan: Planned) -> None:
    study |= {"tune": LR | {"seeds": 5, "select": "val_accuracy"}}
    vary = {"vary": {"activation": ["relu", "tanh"]}, "metrics": ["test_loss"]}
    strength = {"regularizer.strength": {"log": [1e-5, 0.1], "points": 5}, "by_seed": False}
    study["comparisons"] = {
        "as it is": vary,
        "none": vary | {"tune": None},
        "fewer seeds": vary | {"tune": {"seeds": 2}},
        "other": {"vary": {"regularizer": ["l1", "l2"]}, "metrics": ["test_loss"], "tune": strength | {"extend": 0}},
    }
    study["comparisons"] = {name.replace(" ", "_"): content for name, content in study["comparisons"].items()}
    planned = plan(study)
    found = [planned.arms[comparison.arms[0].arm] for comparison in planned.comparisons]
    assert [arm.search and (arm.search.covers, arm.search.seeds, arm.search.extend) for arm in found] == [
        (("optimizer.lr",), 5, 4),
        None,
        (("optimizer.lr",), 2, 4),
        (("regularizer.strength",), 5, 0),
    ]
    assert [arm.selection and arm.selection.name for arm in found] == ["val_accuracy", None, *["val_accuracy"] * 2]
    assert found[1].outline.optimizer.lr == found[3].outline.optimizer.lr == 0.1


TIMED = {  # whether timing must wait for what tuning chooses
    "optimizer.lr": ({"log": [0.1, 1], "points": 2}, False),
    "batch_size": ({"values": [16, 32]}, True),
    "network.hidden": ({"values": [[8], [16]]}, True),
    "dropout": ({"values": [0, 0.5]}, True),
    "optimizer.weight_decay": ({"values": [0.1, 0.5]}, False),
}


@pytest.mark.parametrize("key", TIMED)
def test_timing_waits_where_the_choice_changes_an_operation(key: str, study: dict[str, Any], plan: Planned) -> None:
    written, waits = TIMED[key]
    study["baseline"]["optimizer"] = {"name": "adamw", "lr": 0.1}
    planned = plan(tuned(study, tune={key: written}, vary={"activation": ["relu"]}, metrics=["step_seconds"]))
    assert planned.timing
    assert planned.timed_searches == (list(planned.searches) if waits else [])


def test_a_claimed_time_asks_for_timing(study: dict[str, Any], plan: Planned) -> None:
    claims = [{"metric": "step_seconds", "better": "sgd", "than": "adam", "margin": 0.2}]
    planned = plan(tuned(study, claims=claims))
    comparison = planned.comparisons[0]
    assert comparison.metrics == ("test_loss",)
    assert planned.timing
    assert set(planned.timing.arms) == set(comparison.arms_for("step_seconds").values())


def test_claims_as_planned(study: dict[str, Any], plan: Planned) -> None:
    equal = {"metric": "test_accuracy", "better": "relu", "than": "tanh", "kind": "equal", "margin": 0.01}
    study["comparisons"]["a"]["claims"] = [
        {"metric": "train_seconds", "better": "relu", "than": "tanh"},
        {"metric": "speedup", "better": "relu", "than": "tanh", "derived": True, "exploratory": True},
        equal | {"family": "others"},
    ]
    study["seeds"] = 7
    planned = plan(study | {"looks": 3})
    by_label = {arm.label: arm.arm for arm in planned.comparisons[0].arms}
    first, second, third = planned.comparisons[0].claims
    assert planned.looks == 3
    assert (first.better_arm, first.than_arm, first.margin, first.kind) == (
        by_label["relu"],
        by_label["tanh"],
        None,
        "better",
    )
    assert (first.derived, first.exploratory) == (False, False)
    assert (second.margin, second.kind, second.derived, second.exploratory) == (None, "better", True, True)
    assert (third.margin, third.kind, third.derived, third.family) == (0.01, "equal", False, "others")
    assert set(plan(study).arms) == set(planned.arms)


def test_labels_show_nothing_of_what_is_tuned(study: dict[str, Any], plan: Planned) -> None:
    vary = {"optimizer": ["momentum", {"name": "momentum", "momentum": 0.5}]}
    baseline = {"optimizer": {"name": "momentum", "lr": 0.2}, "optimizer.lr": 0.3}
    for own in (baseline, {"optimizer": "momentum", "optimizer.lr": 0.3}):
        planned = plan(tuned(study, vary=vary, baseline=own))
        assert [arm.label for arm in planned.comparisons[0].arms] == [
            "momentum momentum=0.9",
            "momentum momentum=0.5",
        ]
