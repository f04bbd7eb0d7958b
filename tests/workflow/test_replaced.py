"""Records replaced under their names, by hand or from another machine: judged again, and nothing else is done."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from study.__main__ import main
from tests.workflow.conftest import Place
from tests.workflow.test_end_to_end import arm_of

REDRAWN = {"collect", "report"}


def better(place: Place) -> tuple[Path, float]:
    """Raise the test accuracy of every run of an arm; the file of them keeps its mtime. Returns it, and their mean."""
    path = place.results / "arms" / arm_of(place, "adam") / "runs-0-2.parquet"
    runs, was = pd.read_parquet(path), path.stat()
    runs["test_accuracy"] = 1 - runs["seed"] / 1000
    runs.to_parquet(path)
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    return path, float(runs["test_accuracy"].mean())


def shown(place: Place) -> float:
    summary = pd.read_parquet(place.results / "studies" / "smoke" / "summary.parquet")
    return float(summary.query("metric == 'test_accuracy' and label == 'adam'")["estimate"].item())


@pytest.mark.parametrize("config", ["", "cached=true"])
def test_new_contents_are_judged_again_once(place: Place, config: str) -> None:
    path, mean = better(place)
    was = path.read_bytes()
    assert shown(place) != pytest.approx(mean)
    assert set(place.jobs(config)) == REDRAWN
    assert place.snakemake(config=config).returncode == 0
    assert shown(place) == pytest.approx(mean)
    assert path.read_bytes() == was
    assert place.jobs(config) == place.jobs() == {}


def test_curves_and_timing_count_as_well(place: Place) -> None:
    [timing] = place.results.glob("timing/*.parquet")
    for path in (timing, next(place.results.glob("arms/*/curves-*.parquet"))):
        pd.read_parquet(path).to_parquet(path, compression=None)
        assert set(place.jobs()) == REDRAWN
        assert place.snakemake().returncode == 0
        assert place.jobs() == {}


def touch(place: Place) -> None:
    for path in place.results.rglob("*.parquet"):
        if "studies" not in path.parts:
            os.utime(path)


def forget(place: Place) -> None:
    (place.results / "studies" / ".smoke.sums.json").unlink()


def restore(place: Place) -> None:
    path = place.results / "arms" / arm_of(place, "adam") / "runs-0-2.parquet"
    content = path.read_bytes()
    better(place)
    assert set(place.jobs()) == REDRAWN
    path.write_bytes(content)


def copy(place: Place) -> None:
    shutil.copytree(place.results / "arms", place.folder / "elsewhere", copy_function=shutil.copyfile)
    shutil.rmtree(place.results / "arms")
    (place.folder / "elsewhere").rename(place.results / "arms")


@pytest.mark.parametrize("change", [touch, forget, restore, copy])
def test_the_same_contents_are_not(place: Place, change: Callable[[Place], None]) -> None:
    change(place)
    assert place.jobs() == {}


def test_check_says_that_the_report_is_older(
    place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place.folder)

    def report() -> str:
        assert main(["check", place.study, "--no-time"]) == 0
        [line] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Report: ")]
        return line

    assert report() == "Report: results/studies/smoke/report.html"
    better(place)
    place.jobs()  # to ask what there is to do draws nothing
    assert report().startswith("Report: results/studies/smoke/report.html: drawn from other records; run ")
    assert report().endswith(f" run {place.study}")
    assert place.snakemake().returncode == 0
    assert report() == "Report: results/studies/smoke/report.html"
