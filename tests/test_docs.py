"""docs/custom.md and docs/script.md: their studies, module and script are ones that train."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from study.__main__ import main

DOCS = Path(__file__).parents[1] / "docs"
TEXT = (DOCS / "custom.md").read_text(encoding="utf-8")


def test_its_study_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])
    monkeypatch.delitem(sys.modules, "mylab", raising=False)
    for language, name in (("yaml", "mine.yaml"), ("python", "mylab.py")):
        [text] = re.findall(rf"```{language}\n(.*?)```", TEXT, re.S)
        Path(name).write_text(text, encoding="utf-8")
    assert main(["check", "mine.yaml", "--dry", "--no-time"]) == 0
    lines = capsys.readouterr().out.splitlines()
    [said] = [line for line in lines if line.startswith("tried")]
    assert re.fullmatch(r"tried on one batch: mylab:Net \(.*\); its runs are stacked", said)
    assert not [line for line in lines if line.startswith("  warning")]


def test_a_script_is_as_its_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    page = (DOCS / "script.md").read_text(encoding="utf-8")
    for language, name in (("yaml", "mine.yaml"), ("python", "train.py")):
        [text] = re.findall(rf"```{language}\n(.*?)```", page, re.S)
        Path(name).write_text(text, encoding="utf-8")
    assert main(["check", "mine.yaml", "--no-time"]) == 0
    assert "In all: " in capsys.readouterr().out
    Path("recipe").write_text('{"lr": 0.1, "width": 32}', encoding="utf-8")
    words = [sys.executable, "train.py", "--recipe", "recipe", "--seed", "0", "--log", "log"]
    subprocess.run(words, check=True)
    lines = [json.loads(line) for line in Path("log").read_text(encoding="utf-8").splitlines()]
    assert [line["epoch"] for line in lines] == [*range(1, 11)]
