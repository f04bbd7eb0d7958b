"""docs/custom.md: its study and its module are ones that train."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from study.__main__ import main

TEXT = (Path(__file__).parents[1] / "docs" / "custom.md").read_text(encoding="utf-8")


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
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("tried")]
    assert set(said) == {"tried on one batch: mylab:Net; its runs are stacked"}
