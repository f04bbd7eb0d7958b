"""The committed study: ``make report`` draws it again from its records, byte for byte, and trains nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pandas as pd
import pytest

from tests.workflow.conftest import ROOT, Place
from tests.workflow.test_handed_over import CONFIG, by_git

REFERENCE = "results/reference"
STUDY = "results/reference/studies/article"


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files", REFERENCE], cwd=ROOT, capture_output=True, text=True, check=True)
    return listed.stdout.split()


@pytest.fixture(scope="module")
def redrawn(tracked: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare clone, in which everything that can be drawn was deleted and drawn again as `make report` does."""
    folder = tmp_path_factory.mktemp("clones") / "clone"
    by_git(folder)
    assert not (folder / ".snakemake").exists()
    for name in tracked:
        if name.startswith(f"{STUDY}/") and not name.endswith("history.json"):  # what was, cannot be drawn again
            (folder / name).unlink()
    [command] = [line for line in (ROOT / "Makefile").read_text().splitlines() if REFERENCE in line]
    assert command.endswith(f"--forcerun collect --config {CONFIG}")
    done = Place(folder, "config/article.yaml").snakemake("--forcerun", "collect", config=CONFIG)
    assert done.returncode == 0, done.stderr
    assert f"Report: {folder / STUDY}/report.html (530 of 530 runs)" in done.stderr + done.stdout
    return folder


def test_it_is_the_same_byte_for_byte(tracked: list[str], redrawn: Path) -> None:
    assert {Path(name).suffix for name in tracked} >= {".parquet", ".svg", ".csv", ".md", ".tex", ".json"}
    different = [name for name in tracked if (redrawn / name).read_bytes() != (ROOT / name).read_bytes()]
    assert not different


def test_nothing_was_trained_and_nothing_is_missing(redrawn: Path) -> None:
    assert not (redrawn / REFERENCE / "datasets").exists()
    assert not (redrawn / REFERENCE / "logs" / "job").exists()
    runs = pd.read_parquet(redrawn / STUDY / "runs.parquet")
    assert runs["status"].value_counts().to_dict() == {"finished": 530}
    assert set(runs.groupby("arm")["seed"].nunique()) == {6, 16}


def test_it_is_small(tracked: list[str]) -> None:
    assert sum((ROOT / name).stat().st_size for name in tracked) < 8_000_000
