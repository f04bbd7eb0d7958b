"""The JSON Schema and the reference: generated, current, and of the same mind as ``check``."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from study.axes.recipe import AXES
from study.metrics import METRICS
from study.plan.file import reference
from study.plan.file.keys import CHOICES
from study.plan.plan import Plan
from tests.plan.conftest import load
from tests.plan.conftest import schema_errors as errors
from tests.plan.test_check import DESIGN, MATRIX
from tests.plan.test_fuzz import RICH, TUNED

CONFIG = Path(__file__).parents[2] / "config"
PAGE = CONFIG.parent / "docs" / "study_files.md"
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
STUDIES = {path.name: path.read_text(encoding="utf-8") for path in sorted(CONFIG.glob("*.yaml"))}
STUDIES |= {f"{PAGE.stem} {i}": text for i, text in enumerate(EXAMPLES, 1)}
FULL = """
study: full
title: All keys
baseline: {dataset: {name: idx, path: here}, network: {name: convnet, channels: [4]}, batch_size: 8, epochs: 2,
           optimizer: adam, optimizer.lr: 0.1, optimizer.betas: [0, 0.9], stack: false, gpus: 1, dropout: 0.5}
seeds: 3
target: {metric: val_loss, value: 1}
tune: {optimizer.lr: {log: [0.001, 10.0], points: 9}, dropout: {linear: [0, 0.5], points: 3},
       batch_size: {values: [2, 4]}, seeds: 3, select: [val_accuracy], extend: 4}
looks: 2
comparisons:
  one:
    title: One
    baseline: {activation: {name: elu, alpha: 2}, regularizer: {name: elastic_net, l1_ratio: 1}}
    vary: {optimizer: [{name: sgd}, adamw], schedule.final: [0.1, 0.2], schedule: [cosine, linear]}
    arms: [{label: a, batch_size: 4}, {network.channels: [8]}]
    skip: [{optimizer: {name: sgd}, batch_size: 4}]
    metrics: [test_accuracy, speedup]
    reference: a
    seeds: 4
    target: null
    tune: {search: sobol, trials: 8, optimizer.lr: {log: [0.1, 1]}, select: val_loss}
    reported: {source: here, a: {test_accuracy: 90 %, speedup: 2}}
    claims: [{metric: test_accuracy, better: a, than: b, margin: 0.1, kind: equal, derived: true, exploratory: true}]
  two: {arms: [{dropout: 0}], metrics: [memory_mib], tune: null}
"""


def test_the_written_schema_is_current() -> None:
    assert reference.SCHEMA == CONFIG / "study.schema.json"
    assert reference.SCHEMA.read_text(encoding="utf-8") == reference.schema(), "run: python -m study schema --fix"


def test_the_written_reference_is_current() -> None:
    assert reference.README == CONFIG / "README.md"
    assert reference.README.read_text(encoding="utf-8") == reference.readme(), "run: python -m study schema --fix"


def test_the_reference_names_every_axis_choice_setting_and_metric() -> None:
    tables = reference.tables()
    for axis in AXES:
        assert f"### `{axis}` (" in tables
    for kind in CHOICES.values():
        for name, choice in kind.choices().items():
            row = next(line for line in tables.splitlines() if line.startswith(f"| `{name}` |"))
            assert row.count("|") - row.count(r"\|") == 4
            if name not in ("none", "linear", "momentum", "step", "custom"):  # names on two axes, or of a setting too
                assert all(f"`{setting}`" in row for setting in choice.written() if setting != "name"), row
    assert all(f"| `{metric}` |" in tables for metric in METRICS)


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(json.loads(reference.schema()))


def test_the_schema_describes_every_axis_choice_setting_and_metric() -> None:
    """By names that a person can read, too."""
    defs = json.loads(reference.schema())["$defs"]
    assert all(re.fullmatch("[a-zA-Z][a-zA-Z0-9]*([_-][a-zA-Z0-9]+)*", name) for name in defs)
    for axis, kind in CHOICES.items():
        assert defs[axis]["description"] == AXES[axis].description
        names = {option["const"]: option["description"] for option in defs[axis]["oneOf"] if "const" in option}
        assert names == {name: choice.description() for name, choice in kind.choices().items()}
        for name, choice in kind.choices().items():
            assert defs[f"{axis}_{name}"]["description"] == choice.description()
            for setting in choice.written().keys() - {"name"}:
                assert defs[f"{axis}-{setting}"]["description"].startswith("A setting of ")
    for axis in AXES.keys() - CHOICES.keys():
        assert defs["Baseline"]["properties"][axis]["description"] == AXES[axis].description
    assert {option["const"] for option in defs["metric"]["oneOf"]} == set(METRICS)
    assert all(METRICS[option["const"]].definition in option["description"] for option in defs["metric"]["oneOf"])


@pytest.mark.parametrize("name", STUDIES)
def test_studies_pass_the_schema(name: str) -> None:
    assert errors(load(STUDIES[name])) == []


def test_every_key_passes_the_schema() -> None:
    for study in (load(FULL), load(DESIGN), load(MATRIX), RICH, TUNED):
        assert errors(study) == []


@pytest.mark.parametrize("name", [path.name for path in CONFIG.glob("*.yaml")])
def test_study_files_name_their_schema(name: str) -> None:
    assert STUDIES[name].startswith("# yaml-language-server: $schema=study.schema.json\n")


def test_the_examples_of_the_reference_are_planned(plan: Callable[[Any], Plan]) -> None:
    first, second, third, fair = (plan(text) for text in EXAMPLES[:4])
    assert [arm.label for arm in first.comparisons[0].arms] == ["tanh", "relu"]
    assert len(second.arms) == 7
    assert second.comparisons[0].skipped == 1
    assert {planned.seeds for planned in second.comparisons} == {8}
    assert [arm.label for arm in third.comparisons[0].arms] == ["small", "large"]
    assert [arm.label for arm in third.comparisons[1].arms] == [
        "lr=0.001, none",
        "lr=0.001, l2",
        "lr=0.01, none",
        "lr=0.01, l2",
    ]
    assert [len(comparison.trained) for comparison in fair.comparisons] == [4, 2]
    assert len(fair.comparisons[0].claims) == 2
    assert {arm.search.candidates for arm in fair.arms.values() if arm.search} == {9, 25}


WRONG: dict[str, Callable[[dict[str, Any]], Any]] = {
    "an unknown key": lambda s: s.update(titel="x"),
    "no name": lambda s: s.pop("study"),
    "a name that is no slug": lambda s: s.update(study="a b"),
    "no seeds": lambda s: s.update(seeds=0),
    "a required axis left out": lambda s: s["baseline"].pop("network"),
    "an unknown axis": lambda s: s["baseline"].update(optimiser="sgd"),
    "an unknown choice": lambda s: s["baseline"].update(optimizer="adagard"),
    "an unknown setting": lambda s: s["baseline"].update(optimizer={"name": "adam", "lrr": 1}),
    "a rate that is text": lambda s: s["baseline"].update(optimizer={"name": "adam", "lr": "1"}),
    "an unknown setting's key": lambda s: s["baseline"].update({"optimizer.lrr": 1}),
    "a setting out of bounds": lambda s: s["baseline"].update({"optimizer.lr": 0}),
    "a dropout of 1": lambda s: s["baseline"].update(dropout=1),
    "an unknown metric": lambda s: s["comparisons"]["a"].update(metrics=["accuracy"]),
    "a metric twice": lambda s: s["comparisons"]["a"].update(metrics=["test_loss", "test_loss"]),
    "no metrics": lambda s: s["comparisons"]["a"].pop("metrics"),
    "no arms": lambda s: s["comparisons"]["a"].pop("vary"),
    "a value that is no list": lambda s: s["comparisons"]["a"].update(vary={"activation": "relu"}),
    "an unknown choice to vary": lambda s: s["comparisons"]["a"].update(vary={"activation": ["rellu"]}),
    "a target on the test rows": lambda s: s.update(target={"metric": "test_loss", "value": 1}),
    "no comparisons": lambda s: s.update(comparisons={}),
    "a comparison that cannot name a file": lambda s: s["comparisons"].update({"a/b": s["comparisons"]["a"]}),
    "a claim without its other side": lambda s: s["comparisons"]["a"].update(claims=[{"metric": "test_loss"}]),
    "an unknown selection": lambda s: s.update(tune={"select": "test_accuracy"}),
    "a choice to tune": lambda s: s.update(tune={"optimizer": {"values": [1, 2]}}),
    "the budget to tune": lambda s: s.update(tune={"epochs": {"values": [1, 2]}}),
    "an unknown setting to tune": lambda s: s.update(tune={"optimizer.lrr": {"values": [1, 2]}}),
    "a range without its key": lambda s: s.update(tune={"optimizer.lr": [0.1, 1]}),
    "an unknown metric reported": lambda s: s["comparisons"]["a"].update(reported={"relu": {"accuracy": 1}}),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_the_schema_refuses(mistake: str, study: dict[str, Any]) -> None:
    assert errors(copy.deepcopy(study)) == []
    WRONG[mistake](study)
    assert errors(study) != []
