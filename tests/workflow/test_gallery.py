"""The studies of config/gallery: all are ones, and one of them runs to its verdicts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from study.plan.file.expand import prepare
from study.store.layout import Store
from tests.plan.conftest import load, schema_errors
from tests.workflow import warm

ROOT = Path(__file__).parents[2]
STUDIES = sorted((ROOT / "config" / "gallery").glob("*.yaml"))


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_it_is_a_study_that_asks_and_claims(path: Path, tmp_path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=../study.schema.json\n")
    assert schema_errors(load(text)) == []
    plan = prepare(path, Store(tmp_path))
    assert (plan.study, plan.title[-1]) == (path.stem, "?")
    assert all(comparison.claims for comparison in plan.comparisons)
    assert f"](../config/gallery/{path.name})" in (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")


def test_one_runs_to_its_verdicts(tmp_path: Path) -> None:
    """Others do in tests of what they show; ``make gallery`` runs all."""
    name = "stopping"
    command = [sys.executable, str(ROOT / "benchmarks" / "gallery.py"), "--only", name, "--results", str(tmp_path)]
    variables = os.environ | {"PATH": os.pathsep.join([str(warm.started() / "bin"), os.environ["PATH"]])}
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{name}: ")
