"""Mistakes in claims about a factorial: what is changed in the small study, and the one line that a person reads."""

from __future__ import annotations

from typing import Any

from tests.plan.mistakes_of_choices import A
from tests.plan.mistakes_of_claims import CLAIM, C

CROSSED = {"seeds": 8, f"{A}.vary": {"activation": ["tanh", "relu", "elu"], "dropout": [0, 0.1]}}
LEVELS = CLAIM | {"better": {"activation": "relu"}, "than": {"activation": "tanh"}}
EFFECT = {"metric": "test_accuracy", "effect": "activation", "exceeds": "dropout"}


def crossed(*claims: dict[str, Any], **more: Any) -> dict[str, Any]:
    return CROSSED | {C: list(claims)} | {f"{A}.{key}": value for key, value in more.items()}


FACTORIALS: dict[str, tuple[dict[str, Any], str]] = {
    "a level that is not there": (
        crossed(LEVELS | {"better": {"activation": "rellu"}}),
        "comparisons.a.claims[0].better.activation: 'rellu' is not a level of activation here; did you mean 'relu'?",
    ),
    "a level of what does not vary": (
        crossed(LEVELS | {"better": {"optimizer": "adam"}}),
        "comparisons.a.claims[0].better.optimizer: 'optimizer' is not a key that varies here; known: "
        "activation, dropout",
    ),
    "levels against a label": (
        crossed(LEVELS | {"than": "tanh, dropout=0"}),
        "comparisons.a.claims[0].than: 'tanh, dropout=0' is no mapping, and the other side is one; give "
        "levels on both, or labels",
    ),
    "no levels": (
        crossed(LEVELS | {"better": {}}),
        "comparisons.a.claims[0].better: is empty; give the label of an arm",
    ),
    "levels of different axes": (
        crossed(LEVELS | {"than": {"dropout": 0}}),
        "comparisons.a.claims[0].than: is of dropout, and the other side of activation; give levels of the same axes",
    ),
    "one level on both sides": (
        crossed(LEVELS | {"than": {"activation": "relu"}}),
        "comparisons.a.claims[0].than: activation=relu is the other side too; give another level",
    ),
    "a level without counterpart": (
        crossed(LEVELS, skip=[{"activation": "tanh", "dropout": 0.1}]),
        "comparisons.a.claims[0]: is unbalanced: 'relu, dropout=0.1' has no counterpart with "
        "activation=tanh; skip both, or claim labels",
    ),
    "levels that are not there together": (
        crossed(
            LEVELS | {"better": {"activation": "tanh", "dropout": 0.1}, "than": {"activation": "relu", "dropout": 0}},
            skip=[{"activation": "tanh", "dropout": 0.1}],
        ),
        "comparisons.a.claims[0]: no arm has activation=tanh, dropout=0.1; give levels that are there together",
    ),
    "levels where one axis varies": (
        {"seeds": 8, C: [LEVELS]},
        "comparisons.a.claims[0]: is about a factorial, and here only 'activation' varies; give the "
        "labels of two arms, as better and than",
    ),
    "levels twice": (
        crossed(LEVELS, LEVELS | {"margin": 0.1}),
        "comparisons.a.claims[1]: is about the same arms and metric as comparisons.a.claims[0]; keep one",
    ),
    "an effect of what does not vary": (
        crossed(EFFECT | {"effect": "dropuot"}),
        "comparisons.a.claims[0].effect: 'dropuot' is not a key that varies here; did you mean 'dropout'?",
    ),
    "one effect on both sides": (
        crossed(EFFECT | {"exceeds": "activation"}),
        "comparisons.a.claims[0].exceeds: 'activation' is the other side too; give another key",
    ),
    "effects where combinations are skipped": (
        crossed(EFFECT, skip=[{"activation": "tanh", "dropout": 0.1}]),
        "comparisons.a.claims[0]: needs every combination of activation and dropout, and only 5 of 6 are "
        "there: main effects of others would be in these; claim levels, or skip none",
    ),
    "an effect that exceeds nothing": (
        crossed({"metric": "test_accuracy", "effect": "activation"}),
        "comparisons.a.claims[0].exceeds: is missing; give another axis that varies",
    ),
    "an effect that is equal": (
        crossed(EFFECT | {"kind": "equal"}),
        "comparisons.a.claims[0].kind: 'kind' is not a key; known: metric, effect, exceeds, margin, "
        "exploratory, family",
    ),
    "an effect of a label": (
        crossed(EFFECT | {"better": "relu"}),
        "comparisons.a.claims[0].better: 'better' is not a key; known: metric, effect, exceeds, margin, "
        "exploratory, family",
    ),
    "effects and their opposite": (
        crossed(EFFECT, EFFECT | {"effect": "dropout", "exceeds": "activation"}),
        "comparisons.a.claims[1]: is about the same arms and metric as comparisons.a.claims[0]; keep one",
    ),
}
