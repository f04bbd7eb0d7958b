"""What ``check`` says of searches: unequal, too narrow, or missing where a claim needs one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.plan.test_warnings import warned

Check = Callable[[Any], tuple[int, str, list[str]]]
CLAIM = {"metric": "test_accuracy", "better": "relu", "than": "tanh"}


PENALTIES = {
    "tune": {"optimizer.lr": {"values": [0.01, 0.1, 1]}, "regularizer.strength": {"values": [0.001, 0.1, 1]}},
    "vary": {"regularizer": ["none", "l1", "l2"]},
}


def test_an_arm_that_lacks_a_searched_setting_gets_fewer_trials(study: dict[str, Any], check: Check) -> None:
    study["comparisons"]["a"] |= PENALTIES
    (line,) = warned(check, study)
    assert line.startswith("comparisons.a: tuned in unequal numbers of trials: 9 for l1, l2; 3 for none; ")
    study["comparisons"]["a"]["tune"] = PENALTIES["tune"] | {"optimizer.lr": {"log": [0.01, 1], "points": 3}}
    assert warned(check, study) == []  # the rate has further points, as many as there are trials of the others


def test_an_arm_with_nothing_to_search_gets_no_trial(study: dict[str, Any], check: Check) -> None:
    strength = {"regularizer.strength": {"log": [0.001, 1], "points": 4}, "extend": 0}
    study["comparisons"]["a"] |= PENALTIES | {"tune": strength, "metrics": ["test_accuracy", "test_loss"]}
    (line,) = warned(check, study)  # once, though it holds for both selections
    assert "4 for l1, l2; 0 for none" in line


ADAM = {"name": "adam", "lr": 0.01}
UNTUNED: dict[str, tuple[dict[str, Any], tuple[str, str], str | None]] = {
    "one rate": ({"activation": ["relu", "tanh"]}, ("relu", "tanh"), "activations at one untuned learning rate"),
    "rates by hand": ({"optimizer": ["sgd", ADAM]}, ("adam", "sgd"), "optimizers at untuned learning rates"),
    "two axes": (
        {"batch_size": [16, 32], "schedule": ["constant", "cosine"]},
        ("batch_size=16, cosine", "batch_size=32, constant"),
        "schedules, batch sizes at one untuned learning rate",
    ),
    "the rate itself": (
        {"optimizer.lr": [0.1, 1], "batch_size": [16, 32]},
        ("lr=1, batch_size=16", "lr=1, batch_size=32"),
        None,
    ),
    "the rate of one optimizer": ({"optimizer": [ADAM, ADAM | {"lr": 1}]}, ("adam lr=0.01", "adam lr=1"), None),
    "devices": ({"gpus": [1, 2]}, ("gpus=2", "gpus=1"), None),
}


@pytest.mark.parametrize("case", UNTUNED)
def test_claims_on_arms_that_need_different_rates(case: str, study: dict[str, Any], check: Check) -> None:
    vary, (better, than), words = UNTUNED[case]
    metrics = ("test_accuracy", "step_seconds", "test_loss")  # no rate changes the second
    claims = [{"metric": metric, "better": better, "than": than} for metric in metrics]
    study |= {"seeds": 16, "comparisons": {"a": {"vary": vary, "metrics": ["test_loss"], "claims": claims}}}
    add = "add tune: {optimizer.lr: {log: [0.001, 10], points: 9}}"
    said = f"comparisons.a.claims[0], [2]: arms with different {words}; {add}"
    assert warned(check, study) == ([said] if words else [])
    if not set(vary) & {"optimizer", "optimizer.lr"}:
        study["comparisons"]["a"]["tune"] = {"optimizer.lr": {"log": [0.001, 10], "points": 9}}
        assert warned(check, study) == []


def test_two_points_have_no_middle(study: dict[str, Any], check: Check) -> None:
    study["tune"] = {"optimizer.lr": {"log": [0.1, 1], "points": 2}, "dropout": {"values": [0, 0.5]}}
    study["comparisons"]["b"] = study["comparisons"]["a"] | {"tune": {"optimizer.lr": {"log": [0.1, 1], "points": 3}}}
    assert warned(check, study) == [
        "comparisons.a: dropout is tuned on two points, so the best of them is at an edge; give three or more",
        "comparisons.a: optimizer.lr is tuned on two points, so the best of them is at an edge; give three or more",
    ]
    widths = {"network.hidden": {"values": [[8], [16, 16]]}}  # which have no edge
    sobol = {"optimizer.lr": {"log": [0.1, 1]}, "search": "sobol", "trials": 2}
    for tune in (widths, sobol):
        study["tune"] = tune
        assert warned(check, study) == []


def test_whole_numbers_are_listed_as_they_were_rounded(study: dict[str, Any], check: Check) -> None:
    ranges = {"batch_size": {"log": [8, 64], "points": 4}, "optimizer.lr": {"log": [0.1, 1], "points": 3}}
    study["tune"] = ranges
    assert "  candidates of batch_size: 8, 16, 32, 64" in check(study)[1].splitlines()
    study["tune"] = {"batch_size": {"linear": [1, 100], "points": 100}}
    lines = [line for line in check(study)[1].splitlines() if "candidates of" in line]
    assert lines == ["  candidates of batch_size: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, …, 100"]
