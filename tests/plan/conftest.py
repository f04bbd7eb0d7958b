"""A small valid study to change in one place, and ``check`` as a person runs it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from study.__main__ import main
from study.plan import limits
from study.plan.file import reference
from study.plan.file.expand import prepare
from study.plan.plan import Plan
from study.store.layout import Store

BASELINE = {
    "dataset": "digits",
    "network": {"name": "mlp", "hidden": [8]},
    "optimizer": {"name": "sgd", "lr": 0.1},
    "batch_size": 32,
    "epochs": 2,
}
STUDY: dict[str, Any] = {
    "study": "small",
    "baseline": BASELINE,
    "seeds": 3,
    "comparisons": {"a": {"vary": {"activation": ["tanh", "relu"]}, "metrics": ["test_accuracy"]}},
}


@pytest.fixture
def study() -> dict[str, Any]:
    return copy.deepcopy(STUDY)


@pytest.fixture
def check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[Any], tuple[int, str, list[str]]]:
    """Exit code, standard output and lines of standard error of ``check s.yaml`` on two cores; text is written as is.

    What it accepts, the JSON Schema accepts.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(limits, "available_cores", lambda: 2)

    def run(content: Any) -> tuple[int, str, list[str]]:
        write(content, Path("s.yaml"))
        code = main(["check", "s.yaml", "--no-time"])
        out, err = capsys.readouterr()
        assert code or not schema_errors(load(Path("s.yaml").read_text(encoding="utf-8")))
        return code, out, err.splitlines()

    return run


@pytest.fixture
def plan(tmp_path: Path) -> Callable[[Any], Plan]:
    """The plan of a study, given as a mapping or as YAML text."""

    def run(content: Any) -> Plan:
        write(content, tmp_path / "s.yaml")
        return prepare(tmp_path / "s.yaml", Store(tmp_path / "results"))

    return run


def load(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


@cache
def validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(reference.schema()))


def schema_errors(content: Any) -> list[str]:
    """What the JSON Schema finds wrong with a study."""
    return [f"{error.json_path}: {error.message}" for error in validator().iter_errors(content)]


def write(content: Any, path: Path) -> None:
    if isinstance(content, str):
        path.write_text(content, encoding="utf-8")
    else:
        yaml = YAML(typ="safe", pure=True)
        yaml.sort_base_mapping_type_on_output = False
        yaml.dump(content, path)
