"""README.md: its study is one, and what it shows of the results runs."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib as mpl
import pytest

from study.plan.file.expand import prepare
from study.store.layout import Store

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_its_study_has_as_many_lines_as_it_says(tmp_path: Path) -> None:
    [(lines, study)] = re.findall(r"## A study in (\d+) lines\n\n```yaml\n(.*?)```", TEXT, re.S)
    assert len(study.splitlines()) == int(lines)
    (tmp_path / "adam.yaml").write_text(study, encoding="utf-8")
    assert prepare(tmp_path / "adam.yaml", Store(tmp_path)).study == "adam"


def test_the_files_are_read_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    mpl.use("Agg")
    [code] = re.findall(r"```python\n(.*?)```", TEXT, re.S)
    names: dict[str, object] = {}
    exec(code.replace("results/studies/adam", "results/reference/studies/article"), names)
    assert {"lr", "optimizer", "val_loss"} <= {*names["tidy"]}  # type: ignore[misc]
