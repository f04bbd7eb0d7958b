"""What a study file means: arms and labels worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from study.axes.recipe import AXES, Recipe
from study.plan.plan import Plan

Planned = Callable[[Any], Plan]


def labels(plan: Plan, comparison: int = 0) -> list[str]:
    return [arm.label for arm in plan.comparisons[comparison].arms]


def recipes(plan: Plan, comparison: int = 0) -> list[Recipe]:
    found = [plan.arms[arm.arm].recipe for arm in plan.comparisons[comparison].arms]
    return [recipe for recipe in found if recipe]


def compared(study: dict[str, Any], **comparison: Any) -> dict[str, Any]:
    """``study`` with one comparison."""
    study["comparisons"] = {"a": {"metrics": ["test_loss"], **comparison}}
    return study


def test_axes_left_out_have_their_defaults(study: dict[str, Any], plan: Planned) -> None:
    (recipe,) = recipes(plan(compared(study, vary={"epochs": [1]})))
    columns = recipe.columns()
    assert list(columns) == [about.column or axis for axis, about in AXES.items()]
    today = {
        "dataset": "digits",
        "network": "mlp",
        "activation": "relu",
        "init": "default",
        "dropout": 0,
        "optimizer": "sgd",
        "schedule": "constant",
        "regularizer": "none",
        "batch_size": 32,
        "epochs": 1,
        "gpus": 1,
        "stack": True,
        "tf32": False,
    }
    assert {axis: columns[axis] for axis in today} == today
    for axis in AXES.keys() - today.keys():
        assert getattr(recipe, axis) == Recipe.model_fields[axis].default


@pytest.mark.parametrize(
    ("given", "title", "question"),
    [
        ({}, "small", ""),
        ({"question": "Which?"}, "Which?", ""),
        ({"title": "Both", "question": "Which?"}, "Both", "Which?"),
    ],
)
def test_a_question_is_the_title_where_there_is_no_other(
    study: dict[str, Any], plan: Planned, given: dict[str, str], title: str, question: str
) -> None:
    found = plan(study | given)
    assert (found.title, found.question) == (title, question)


def test_a_bare_name_is_the_baselines_choice_or_one_with_defaults(study: dict[str, Any], plan: Planned) -> None:
    study["baseline"]["schedule"] = {"name": "cosine", "final": 0.5}
    vary = {"schedule": ["cosine", "linear", {"name": "cosine"}]}
    found = [arm.schedule for arm in recipes(plan(compared(study, vary=vary)))]
    assert [(s.name, s.settings()) for s in found] == [
        ("cosine", {"final": 0.5}),
        ("linear", {"final": 0.01}),
        ("cosine", {"final": 0.01}),
    ]


def test_a_comparisons_baseline_is_laid_over_the_studys(study: dict[str, Any], plan: Planned) -> None:
    baseline = {"optimizer.lr": 0.5, "network": "linear", "epochs": 7}
    study["comparisons"]["b"] = {"baseline": baseline, "vary": {"optimizer": ["sgd"]}, "metrics": ["test_loss"]}
    planned = plan(study)
    first, other = recipes(planned, 0)[0], recipes(planned, 1)[0]
    assert (first.optimizer.lr, first.network.name, first.epochs, first.batch_size) == (0.1, "mlp", 2, 32)
    assert (other.optimizer.lr, other.network.name, other.epochs, other.batch_size) == (0.5, "linear", 7, 32)


def test_a_comparisons_baseline_decides_what_a_bare_name_means(study: dict[str, Any], plan: Planned) -> None:
    baseline = {"optimizer": {"name": "adam", "lr": 0.02}}
    found = recipes(plan(compared(study, baseline=baseline, vary={"optimizer": ["adam", "adadelta"]})))
    assert [(arm.optimizer.name, arm.optimizer.lr) for arm in found] == [("adam", 0.02), ("adadelta", 1.0)]


def test_vary_is_a_cross_product_whose_last_key_turns_fastest(study: dict[str, Any], plan: Planned) -> None:
    planned = plan(compared(study, vary={"batch_size": [16, 64], "activation": ["tanh", "relu"]}))
    assert labels(planned) == [
        "batch_size=16, tanh",
        "batch_size=16, relu",
        "batch_size=64, tanh",
        "batch_size=64, relu",
    ]
    assert [(a.batch_size, a.activation.name) for a in recipes(planned)] == [
        (16, "tanh"), (16, "relu"), (64, "tanh"), (64, "relu"),
    ]  # fmt: skip
    assert planned.comparisons[0].keys == ("batch_size", "activation")


def test_arms_times_vary_with_labels_in_place_of_the_arms_part(study: dict[str, Any], plan: Planned) -> None:
    coupled = [{"label": "small step", "optimizer.lr": 0.001, "batch_size": 64}, {"optimizer.lr": 0.01}]
    planned = plan(compared(study, vary={"activation": ["tanh", "relu"]}, arms=coupled))
    assert labels(planned) == [
        "small step, tanh",
        "small step, relu",
        "lr=0.01, batch_size=32, tanh",
        "lr=0.01, batch_size=32, relu",
    ]
    assert [(a.optimizer.lr, a.batch_size) for a in recipes(planned)] == [(0.001, 64)] * 2 + [(0.01, 32)] * 2


LABELS: list[tuple[dict[str, list[Any]], list[str]]] = [
    ({"optimizer": ["sgd", {"name": "adam", "lr": 0.01}]}, ["sgd", "adam"]),
    (
        {"optimizer": [{"name": "adam", "lr": 0.01}, {"name": "adam", "lr": 0.1}, "sgd"]},
        ["adam lr=0.01", "adam lr=0.1", "sgd"],
    ),
    (
        {"optimizer": ["sgd", {"name": "sgd", "lr": 1}]},
        ["sgd lr=0.1", "sgd lr=1"],
    ),
    (
        {"optimizer": [{"name": "adam", "lr": 0.1, "betas": [0, 0.9]}, {"name": "adam", "lr": 0.1}]},
        ["adam betas=[0, 0.9]", "adam betas=[0.9, 0.999]"],
    ),
    ({"network.hidden": [[64, 64], [8]]}, ["hidden=[64, 64]", "hidden=[8]"]),
    ({"optimizer.lr": [1e-3, 0.00001, 10.0]}, ["lr=0.001", "lr=1e-05", "lr=10"]),
    ({"dropout": [0, 0.0625]}, ["dropout=0", "dropout=0.0625"]),
    ({"epochs": [5], "dropout": [0, 0.3]}, ["dropout=0", "dropout=0.3"]),  # epochs does not differ
    ({"epochs": [5]}, ["epochs=5"]),
    ({"activation": ["tanh"], "init": ["zeros"]}, ["tanh, zeros"]),
    (
        {"network": [{"name": "convnet", "batch_norm": False}, "convnet"]},
        ["convnet batch_norm=false", "convnet batch_norm=true"],
    ),
]


@pytest.mark.parametrize(("vary", "expected"), LABELS)
def test_labels(vary: dict[str, list[Any]], expected: list[str], study: dict[str, Any], plan: Planned) -> None:
    assert labels(plan(compared(study, vary=vary))) == expected


def test_a_setting_that_a_choice_does_not_have_is_not_in_its_label(study: dict[str, Any], plan: Planned) -> None:
    coupled = [{"network": "linear"}, {"network": {"name": "mlp"}, "network.hidden": [4]}]
    assert labels(plan(compared(study, arms=coupled))) == ["linear", "mlp, hidden=[4]"]


def test_skip_leaves_out_what_matches_every_key(study: dict[str, Any], plan: Planned) -> None:
    optimizers = ["sgd", {"name": "adam", "lr": 0.1}, {"name": "adam", "lr": 0.01}]
    skip: list[Any] = [
        {"optimizer": "adam", "batch_size": 16},  # any adam
        {"optimizer": {"name": "adam", "lr": 0.1}, "batch_size": 32},
        {"optimizer.lr": 0.1, "batch_size": 64},  # sgd and one adam
    ]
    planned = plan(compared(study, vary={"optimizer": optimizers, "batch_size": [16, 32, 64]}, skip=skip))
    assert labels(planned) == ["sgd, batch_size=16", "sgd, batch_size=32", "adam, batch_size=32", "adam, batch_size=64"]
    assert [arm.optimizer.lr for arm in recipes(planned)] == [0.1, 0.1, 0.01, 0.01]
    assert planned.comparisons[0].skipped == 5


def test_a_budget_in_steps_stands_for_one_in_epochs(study: dict[str, Any], plan: Planned) -> None:
    planned = plan(compared(study, vary={"steps": [10, 20]}))
    assert [(one.epochs, one.steps) for one in recipes(planned)] == [(None, 10), (None, 20)]
    study["baseline"] |= {"steps": 30}
    del study["baseline"]["epochs"]
    planned = plan(compared(study, arms=[{"epochs": 2}, {"activation": "tanh"}]))
    assert [(one.epochs, one.steps) for one in recipes(planned)] == [(2, None), (None, 30)]
    assert [arm.label for arm in planned.comparisons[0].arms] == ["epochs=2, relu", "tanh"]


def test_an_interval_of_evaluation_needs_no_name(study: dict[str, Any], plan: Planned) -> None:
    study["baseline"] |= {"evaluate": {"steps": 10}}
    short = plan(compared(study, vary={"activation": ["tanh"]}))
    study["baseline"] |= {"evaluate": {"name": "steps", "steps": 10}}
    assert [*plan(compared(study, vary={"activation": ["tanh"]})).arms] == [*short.arms]
    planned = plan(compared(study, vary={"evaluate": ["epoch", {"steps": 10}, {"steps": 20}]}))
    assert [arm.label for arm in planned.comparisons[0].arms] == ["epoch", "steps steps=10", "steps steps=20"]


def test_an_impossible_combination_may_be_skipped(study: dict[str, Any], plan: Planned) -> None:
    vary = {"network": ["mlp", "linear"], "dropout": [0, 0.5]}
    planned = plan(compared(study, vary=vary, skip=[{"network": "linear", "dropout": 0.5}]))
    assert labels(planned) == ["mlp, dropout=0", "mlp, dropout=0.5", "linear, dropout=0"]


def test_reference_and_reported(study: dict[str, Any], plan: Planned) -> None:
    comparison = study["comparisons"]["a"]
    assert plan(study).comparisons[0].reference == "tanh"
    comparison |= {"reference": "relu", "reported": {"source": "Table 1", "relu": {"test_accuracy": 92.3}}}
    planned = plan(study).comparisons[0]
    assert planned.reference == "relu"
    assert planned.source == "Table 1"
    assert planned.reported == {"relu": {"test_accuracy": "92.3"}}


def test_a_comparison_may_have_its_own_seeds_and_target(study: dict[str, Any], plan: Planned) -> None:
    study["target"] = {"metric": "val_accuracy", "value": 0.9}
    own = {"metric": "val_loss", "value": 0.5}
    study["comparisons"]["b"] = {"vary": {"activation": ["relu", "elu"]}, "metrics": ["steps_to_target"]}
    study["comparisons"]["b"] |= {"seeds": 5, "target": own}
    planned = plan(study)
    first, second = planned.comparisons
    assert (first.seeds, first.target and first.target.value) == (3, 0.9)
    assert (second.seeds, second.target and second.target.metric) == (5, "val_loss")
    shared = {arm.arm for arm in first.arms} & {arm.arm for arm in second.arms}
    assert len(shared) == 1
    assert sorted(planned.seeds.values()) == [3, 5, 5]
    assert planned.seeds[shared.pop()] == 5


def test_study_files_are_yaml_1_2(plan: Planned) -> None:
    text = """
study: no
baseline: {dataset: digits, network: mlp, optimizer: {name: sgd, lr: 1e-3}, batch_size: 0o20, epochs: 010}
comparisons:
  off:
    arms: [{label: yes, dropout: 0}, {label: on, dropout: .5}]
    metrics: [test_loss]
"""
    planned = plan(text)
    assert planned.study == "no"
    assert planned.comparisons[0].name == "off"
    assert labels(planned) == ["yes", "on"]
    assert [(a.optimizer.lr, a.batch_size, a.epochs) for a in recipes(planned)] == [(0.001, 16, 10)] * 2


def test_only_timing_metrics_ask_for_timing(study: dict[str, Any], plan: Planned) -> None:
    assert plan(study).timing is None
    study["comparisons"]["b"] = {"vary": {"activation": ["elu"]}, "metrics": ["memory_mib"], "seeds": 9}
    planned = plan(study)
    assert planned.timing is not None
    assert planned.timing.arms == tuple(arm.arm for arm in planned.comparisons[1].arms)
    assert planned.timing.rounds == 9
