"""Whatever is in a study file, it is planned or refused; nothing else happens."""

from __future__ import annotations

import copy
import datetime
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from study.errors import Mistakes, Refused
from study.plan.file import read, yaml
from study.plan.file.expand import prepare
from study.plan.plan import Plan
from study.store.layout import Store
from tests.plan.conftest import schema_errors

CONFIG = Path(__file__).parents[2] / "config"
RICH: dict[str, Any] = {
    "study": "rich",
    "title": "All there is",
    "baseline": {
        "dataset": "digits",
        "network": {"name": "convnet", "channels": [4, 4]},
        "optimizer": {"name": "adam", "lr": 0.1, "betas": [0.9, 0.99]},
        "batch_size": 32,
        "epochs": 2,
        "stack": False,
    },
    "seeds": 2,
    "target": {"metric": "val_loss", "value": 1},
    "tune": None,
    "comparisons": {
        "a": {
            "vary": {
                "optimizer": ["adam", {"name": "sgd", "lr": 1}],
                "network.kernel_size": [1, 3],
                "dropout": [0, 0.5],
            },
            "arms": [{"label": "few", "batch_size": 16}, {"batch_size": 64, "schedule": {"name": "step", "levels": 2}}],
            "skip": [{"optimizer": "adam", "batch_size": 16}, {"network.kernel_size": 1, "optimizer": {"name": "sgd"}}],
            "metrics": ["epochs_to_target", "memory_mib"],
            "seeds": 3,
        },
        "b": {
            "title": "b",
            "baseline": {"network": "mlp", "optimizer.betas": [0, 0.5], "dataset": {"name": "wine", "split_seed": 1}},
            "vary": {"init": ["zeros", "default"]},
            "metrics": ["test_accuracy"],
            "reference": "default",
            "target": {"metric": "val_accuracy", "value": 0.5},
            "reported": {"source": "here", "zeros": {"test_accuracy": "90 %"}},
        },
    },
}
TUNED: dict[str, Any] = {
    "study": "tuned",
    "baseline": {"dataset": "digits", "network": "mlp", "optimizer": "sgd", "batch_size": 32, "epochs": 2},
    "seeds": 8,
    "target": {"metric": "val_accuracy", "value": 0.9},
    "looks": 2,
    "tune": {
        "optimizer.lr": {"log": [0.001, 10], "points": 5},
        "batch_size": {"values": [16, 32]},
        "seeds": 2,
        "select": ["val_accuracy", "steps_to_target"],
        "extend": 3,
    },
    "comparisons": {
        "a": {
            "vary": {"optimizer": ["sgd", "adam"]},
            "metrics": ["test_accuracy", "epochs_to_target"],
            "claims": [
                {"metric": "test_accuracy", "better": "adam", "than": "sgd", "margin": 0.1},
                {"metric": "step_seconds", "better": "sgd", "than": "adam", "kind": "equal", "margin": 1},
            ],
        },
        "b": {
            "arms": [{"label": "x", "network.hidden": [8]}, {"regularizer": "l2", "activation": "tanh"}],
            "tune": {
                "search": "sobol",
                "trials": 4,
                "dropout": {"linear": [0, 0.5]},
                "optimizer.lr": {"log": [0.1, 1]},
            },
            "metrics": ["test_loss"],
        },
    },
}
ODD: list[Any] = [
    None, True, False, 0, -1, 1, 1.0, 2, 1e-3, 1e308, 10**400, float("nan"), float("inf"), -0.0, "", " ", "adam", "sgd",
    "no", "label", "name", "source", "\n", "ü", "a" * 300, [], [[]], [None], [1, "a"], [{}], {}, {"name": None},
    {"name": "adam"}, {"name": []}, {"name": "table", "path": ".", "target": "y"}, {"name": "idx", "path": "\0"},
    {"label": "x"}, {"": ""}, {".": 1}, {"optimizer.": 1}, datetime.date(2001, 1, 1), {1, 2}, b"x",
]  # fmt: skip
KEYS = [
    "", ".", "optimizer", "optimizer.", "optimizer.lr", "network.hidden", "dataset", "gpus", "stack", "stack.x",
    "label", "name", "tune", "claims", "source", "a b", "dropout.rate", "log", "linear", "values", "points",
    "search", "select", "network.channels", "optimizer.betas", "optimizer.momentum", "epochs", "batch_size", "seeds",
]  # fmt: skip


def containers(node: Any) -> Iterator[dict[str, Any] | list[Any]]:
    if isinstance(node, dict | list):
        yield node
        for child in node.values() if isinstance(node, dict) else node:
            yield from containers(child)


def spoil(content: Any, chance: random.Random) -> None:
    """One random change somewhere: a value taken out, replaced, doubled, or put under another key."""
    place = chance.choice(list(containers(content)))
    odd = copy.deepcopy(chance.choice(ODD))
    action = chance.randrange(4)
    if isinstance(place, list):
        if place and action == 0:
            place.pop(chance.randrange(len(place)))
        elif place and action == 1:
            place.append(copy.deepcopy(chance.choice(place)))
        else:
            place[chance.randrange(len(place) + 1) :][:1] = [odd]
            place.insert(chance.randrange(len(place) + 1), odd)
    elif place and action < 3:
        key = chance.choice(list(place))
        value = place.pop(key)
        if action == 1:
            place[key] = odd
        if action == 2:
            place[chance.choice(KEYS)] = value
    else:
        place[chance.choice(KEYS)] = odd


@pytest.mark.parametrize("source", ["rich", "tuned", "article.yaml", "matrix.yaml", "smoke.yaml"])
def test_a_spoiled_study_is_planned_or_refused(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"rich": RICH, "tuned": TUNED}
    original = known[source] if source in known else yaml.parse(CONFIG / source, Mistakes(""))
    chance = random.Random(source)
    outcomes = {"planned": 0, "refused": 0}
    monkeypatch.chdir(tmp_path)
    plain = yaml.plain
    for _ in range(150):
        content = copy.deepcopy(original)
        for _ in range(chance.choice([1, 1, 2, 5])):
            shared = content.get("baseline")  # by all comparisons: one mistake is met several times
            spoil(shared if shared and isinstance(shared, dict) and chance.random() < 0.2 else content, chance)
        monkeypatch.setattr(read, "parse", lambda path, mistakes, content=content: plain(content, mistakes))
        try:
            plan = prepare(Path("s.yaml"), Store("results"))
        except Refused as refusal:
            lines = refusal.lines
            outcomes["refused"] += 1
        else:
            lines = []
            assert Plan.model_validate_json(plan.model_dump_json()) == plan, content
            assert schema_errors(content) == [], content
            outcomes["planned"] += 1
        assert all(line.startswith("s.yaml: ") and "\n" not in line for line in lines), content
    assert min(outcomes.values()) >= 5, outcomes
