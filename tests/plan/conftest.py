"""A small valid study to change in one place, and ``check`` as a person runs it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from study.__main__ import main
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
    """Exit code, standard output and lines of standard error of ``check s.yaml``; text is written as it is."""
    monkeypatch.chdir(tmp_path)

    def run(content: Any) -> tuple[int, str, list[str]]:
        write(content, Path("s.yaml"))
        code = main(["check", "s.yaml", "--no-time"])
        out, err = capsys.readouterr()
        return code, out, err.splitlines()

    return run


@pytest.fixture
def plan(tmp_path: Path) -> Callable[[Any], Plan]:
    """The plan of a study, given as a mapping or as YAML text."""

    def run(content: Any) -> Plan:
        write(content, tmp_path / "s.yaml")
        return prepare(tmp_path / "s.yaml", Store(tmp_path / "results"))

    return run


def write(content: Any, path: Path) -> None:
    if isinstance(content, str):
        path.write_text(content, encoding="utf-8")
    else:
        yaml = YAML(typ="safe", pure=True)
        yaml.sort_base_mapping_type_on_output = False
        yaml.dump(content, path)
