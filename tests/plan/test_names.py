"""Names of choices in a study file are meant in any case, wherever one may stand, and so are labels made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from study.axes.recipe import AXES
from study.errors import Refused, nearest
from study.plan.file.read import known_names
from study.plan.plan import Plan

Planned = Callable[[Any], Plan]
TEXT = """
study: names
baseline:
  {dataset: digits, network: {name: mlp, hidden: [8]}, optimizer: {name: adamw, lr: 0.01}, batch_size: 32, epochs: 2}
seeds: 8
comparisons:
  a:
    baseline: {init: he_normal}
    vary: {optimizer: [adamw, {name: sgd, lr: 0.1}], activation: [tanh, gelu]}
    skip: [{optimizer: sgd, activation: gelu}]
    metrics: [test_accuracy]
    reference: adamw, gelu
    reported: {"adamw, tanh": {test_accuracy: 92 %}}
    claims: [{metric: test_accuracy, better: "sgd, tanh", than: "adamw, tanh"}]
  b:
    arms: [{schedule: cosine}, {schedule: {name: step, final: 0.5}}]
    metrics: [test_loss]
"""
OTHERWISE = {
    "digits": "Digits", "mlp": "MLP", "adamw": "AdamW", "sgd": "SGD", "tanh": "TanH", "gelu": "GELU",
    "he_normal": "He_Normal", "cosine": "Cosine", "step": "STEP",
}  # fmt: skip


def test_a_study_is_the_same_in_whatever_case_names_are_written(plan: Planned) -> None:
    text = TEXT
    for name, other in OTHERWISE.items():
        text = text.replace(name, other)
    assert text != TEXT
    assert plan(text) == plan(TEXT)


@pytest.mark.parametrize(
    ("axis", "name"), [(a, n) for a, about in AXES.items() if about.choices for n in about.choices.choices()]
)
def test_every_choice_may_be_written_in_capitals(axis: str, name: str) -> None:
    for part in (name, {"name": name}):
        written = {"name": name.upper()} if isinstance(part, dict) else name.upper()
        content = {
            "baseline": {axis: written},
            "comparisons": {"c": {"vary": {axis: [written]}, "skip": [{axis: written}]}},
        }
        expected = {"baseline": {axis: part}, "comparisons": {"c": {"vary": {axis: [part]}, "skip": [{axis: part}]}}}
        assert known_names(content) == expected


def test_two_spellings_of_one_choice_are_one_arm(plan: Planned) -> None:
    with pytest.raises(Refused, match="makes the same arm as"):
        plan(
            TEXT.replace(
                "arms: [{schedule: cosine}, {schedule: {name: step, final: 0.5}}]", "vary: {activation: [ReLU, relu]}"
            )
        )


def test_the_nearest_name_is_found_in_whatever_case() -> None:
    assert nearest("LeakyReLU", ["relu", "leaky_relu"]) == "leaky_relu"
    assert nearest("ADAGARD", ["adam", "adagrad"]) == "adagrad"
