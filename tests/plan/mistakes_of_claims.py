"""Mistakes in what is claimed: what is changed in the small study, and the one line that a person reads."""

from __future__ import annotations

from typing import Any

from tests.plan.mistakes_of_choices import A

CLAIM = {"metric": "test_accuracy", "better": "relu", "than": "tanh"}
C = f"{A}.claims"


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in CLAIM.items() if name != key}


CLAIMS: dict[str, tuple[dict[str, Any], str]] = {
    "claims that are none": (
        {C: CLAIM},
        'comparisons.a.claims: {"metric": "test_accuracy", "better": "relu", "than": "tanh"} is refused; give a list',
    ),
    "a claim that is text": (
        {C: ["relu"]},
        "comparisons.a.claims[0]: 'relu' is refused; give a claim, such as {metric: test_accuracy, "
        "better: relu, than: sigmoid}",
    ),
    "no metric": (
        {C: [without("metric")]},
        "comparisons.a.claims[0].metric: is missing; give what the two arms are compared by, such as test_accuracy",
    ),
    "no other side": (
        {C: [without("than")]},
        "comparisons.a.claims[0].than: is missing; give the label of another arm",
    ),
    "a key spelled wrong": (
        {C: [without("than") | {"then": "tanh"}]},
        "comparisons.a.claims[0].then: 'then' is not a key; did you mean 'than'?",
    ),
    "an unknown metric claimed": (
        {C: [CLAIM | {"metric": "test_acuracy"}]},
        "comparisons.a.claims[0].metric: 'test_acuracy' is not a metric; did you mean 'test_accuracy'?",
    ),
    "an unknown label claimed": (
        {C: [CLAIM | {"better": "rellu"}]},
        "comparisons.a.claims[0].better: 'rellu' is not a label of this comparison; did you mean "
        "'relu'? the labels are 'tanh', 'relu'",
    ),
    "one arm on both sides": (
        {C: [CLAIM | {"than": "relu"}]},
        "comparisons.a.claims[0].than: 'relu' is the other side too; give the label of another arm",
    ),
    "a negative margin": (
        {C: [CLAIM | {"margin": -1}]},
        "comparisons.a.claims[0].margin: -1 is refused; give a number of at least 0",
    ),
    "families that differ in case": (
        {C: [CLAIM | {"family": "Speed"}, CLAIM | {"metric": "train_loss", "family": "speed"}]},
        "comparisons.a.claims[1].family: 'speed' differs from 'Speed', comparisons.a.claims[0].family, in case only; "
        "write them alike",
    ),
    "a primary family in another case": (
        {C: [CLAIM | {"family": "Primary"}]},
        "comparisons.a.claims[0].family: 'Primary' differs from 'primary', that of claims which name none, in case "
        "only; write them alike",
    ),
    "an unknown kind": (
        {C: [CLAIM | {"kind": "same"}]},
        "comparisons.a.claims[0].kind: 'same' is refused; give one of 'better' or 'equal'",
    ),
    "equal without a margin": (
        {C: [CLAIM | {"kind": "equal"}]},
        "comparisons.a.claims[0].margin: 'equal' needs a margin above 0: by how much two arms may "
        "differ and still count as equal",
    ),
    "equal with a margin of 0": (
        {C: [CLAIM | {"kind": "equal", "margin": 0}]},
        "comparisons.a.claims[0].margin: 'equal' needs a margin above 0: by how much two arms may "
        "differ and still count as equal",
    ),
    "a switch that is text": (
        {C: [CLAIM | {"derived": "yes"}]},
        "comparisons.a.claims[0].derived: 'yes' is refused; give true or false",
    ),
    "a claim twice": (
        {C: [CLAIM, CLAIM | {"margin": 0.1}]},
        "comparisons.a.claims[1]: is about the same arms and metric as comparisons.a.claims[0]; keep one",
    ),
    "a claim and its opposite": (
        {C: [CLAIM, CLAIM | {"better": "tanh", "than": "relu"}]},
        "comparisons.a.claims[1]: is about the same arms and metric as comparisons.a.claims[0]; keep one",
    ),
    "a time to no target claimed": (
        {"seeds": 6, C: [CLAIM | {"metric": "steps_to_target"}]},
        "comparisons.a.claims[0].metric: 'steps_to_target' needs a target; give the study target: "
        "{metric: val_accuracy, value: 0.95}",
    ),
    "an accuracy of a regression claimed": (
        {
            C: [CLAIM | {"metric": "val_accuracy"}],
            f"{A}.baseline": {"dataset": "diabetes"},
            f"{A}.metrics": ["test_loss"],
        },
        "comparisons.a.claims[0].metric: 'val_accuracy' needs classes and 'diabetes' is for regression; use a loss",
    ),
    "no looks": ({"looks": 0}, "looks: 0 is refused; give a number of at least 1"),
}
