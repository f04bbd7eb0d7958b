"""Results that are there already, as a user has them judged: one command, nothing trained."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from study.__main__ import main
from tests.workflow.conftest import ROOT, Place, WarmPlace

GALLERY = ROOT / "config" / "gallery"


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = WarmPlace(tmp_path_factory.mktemp("elsewhere"), "elsewhere.yaml")
    for name in ("elsewhere.yaml", "elsewhere.csv"):
        shutil.copy(GALLERY / name, place.folder / name)
    assert place.jobs() == {"collect": 1, "report": 1}
    done = place.snakemake()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing to train" in done.stderr + done.stdout
    assert "(30 of 30 runs)" in done.stderr + done.stdout
    return place


def test_a_sweep_that_no_one_here_trained_gets_its_verdicts_in_one_command(judged: Place) -> None:
    claims = pd.read_parquet(judged.results / "studies" / "elsewhere" / "claims.parquet")
    assert claims["verdict"].tolist() == ["supported", "refuted", "supported"]
    assert claims["runs_before"].tolist() == [20, 20, 20]  # they were there before anything was claimed of them
    assert not (judged.results / "arms").exists()
    assert (judged.results / "studies" / "elsewhere" / "figures" / "results" / "optimizers.svg").exists()


def test_again_there_is_nothing_to_do(judged: Place) -> None:
    assert judged.jobs() == {}


def test_an_edited_file_changes_the_report_at_the_next_call(judged: Place, tmp_path: Path) -> None:
    place = judged.copy(tmp_path / "copy")
    path = place.folder / "elsewhere.csv"
    path.write_text(path.read_text().replace("adam,0.003,4,finished,95.00", "adam,0.003,4,finished,nan"))
    assert place.jobs() == {"collect": 1, "report": 1}
    done = place.snakemake(config="cached=true")
    assert done.returncode == 0, done.stdout + done.stderr
    page = (place.results / "studies" / "elsewhere" / "report.html").read_text(encoding="utf-8")
    assert "Of 30 runs 29 finished, 1 diverged" in page
    study, results = str(place.folder / place.study), str(place.results)
    assert main(["claims", study, "--results", results]) == 0
    path.write_text(path.read_text().replace("nan", "94.00"))
    assert main(["claims", study, "--results", results]) == 2  # these verdicts are on other records
