"""Cached results, refused input and failed jobs: what is there is shown, what is not is said."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pandas as pd

from tests.workflow.conftest import Place
from tests.workflow.test_end_to_end import arm_of, edit


def test_cached_trains_nothing_and_says_what_is_missing(place: Place) -> None:
    arm = arm_of(place, "adam")
    shutil.rmtree(place.results / "arms" / arm)
    before = place.records()
    done = place.snakemake(config="cached=true")
    assert done.returncode == 0, done.stderr
    assert f"Report: {place.results}/studies/smoke/report.html (3 of 6 runs)" in done.stderr + done.stdout
    assert place.records() == before
    runs = pd.read_parquet(place.results / "studies" / "smoke" / "runs.parquet")
    assert runs[runs["arm"] == arm]["status"].tolist() == ["missing"] * 3
    # Once the arm is there again the page that lacked it is stale, also where nothing else changed.
    assert place.snakemake().returncode == 0
    assert place.jobs() == {}
    runs = pd.read_parquet(place.results / "studies" / "smoke" / "runs.parquet")
    assert runs["status"].tolist() == ["finished"] * 6


def test_cached_without_any_result_is_a_page_of_missing_runs(place: Place) -> None:
    shutil.rmtree(place.results)
    done = place.snakemake(config="cached=true")
    assert done.returncode == 0, done.stderr
    assert "(0 of 6 runs)" in done.stderr + done.stdout
    summary = pd.read_parquet(place.results / "studies" / "smoke" / "summary.parquet")
    assert summary["n_missing"].tolist() == [3] * len(summary)
    assert summary["estimate"].isna().all()


def test_a_refused_study_exits_2_and_trains_nothing(place: Place) -> None:
    shutil.rmtree(place.results)
    edit(place, "[sgd, {name: adam, lr: 0.01}]", "[sgd, {name: adamm, lr: 0.01}]")
    edit(place, "epochs: 5", "epochs: -5")
    done = place.snakemake()
    assert done.returncode == 2
    lines = [line for line in done.stderr.splitlines() if line.startswith("study.yaml: ")]
    assert lines == [
        "study.yaml: baseline.epochs: -5 is refused; give a number of at least 1",
        "study.yaml: comparisons.optimizer.vary.optimizer[1].name: 'adamm' is not an optimizer; did you mean 'adam'?",
    ]
    assert not place.results.exists()


def test_unknown_config_is_refused(place: Place) -> None:
    done = place.snakemake(config="cache=true")
    assert done.returncode == 2
    assert "--config cache: 'cache' is not a key; did you mean 'cached'?" in done.stderr


BAD = """
import pathlib
import torch


class Bad(torch.optim.SGD):
    steps = 0

    def step(self):
        self.steps += 1
        if self.steps > 20 and pathlib.Path("broken").exists():
            raise RuntimeError("no good")
        super().step()
"""


def test_a_failed_job_is_shown_and_only_it_is_done_again(place: Place) -> None:
    (place.folder / "bad.py").write_text(BAD, encoding="utf-8")
    (place.folder / "broken").touch()
    bad = '{name: custom, factory: "bad:Bad", lr: 0.003}'
    edit(place, "[sgd, {name: adam, lr: 0.01}]", f"[sgd, {{name: adam, lr: 0.01}}, {bad}]")
    edit(place, ", seconds_to_target, memory_mib", "")
    before = place.records()
    failed = place.snakemake()
    text = failed.stderr + failed.stdout
    assert failed.returncode == 1
    arm = arm_of(place, "Bad")
    [line] = [line for line in text.splitlines() if line.startswith("FAILED")]
    assert line.startswith(f"FAILED optimizer, Bad ({arm}), seeds 0-2: RuntimeError: no good")
    assert re.search(rf"\(log: {place.results}/logs/job/[0-9a-f]{{12}}\.log\)$", line)
    assert "(6 of 9 runs)" in text
    assert "Drawing the report from the records that are there.\n" in text
    assert place.records() == before
    runs = pd.read_parquet(place.results / "studies" / "smoke" / "runs.parquet")
    assert runs[runs["arm"] == arm]["status"].tolist() == ["failed"] * 3
    assert runs[runs["arm"] != arm]["status"].tolist() == ["finished"] * 6
    (place.folder / "broken").unlink()
    assert place.jobs()["job"] == 1
    assert place.snakemake().returncode == 0
    assert {name: place.records()[name] for name in before} == before
    runs = pd.read_parquet(place.results / "studies" / "smoke" / "runs.parquet")
    assert runs["status"].tolist() == ["finished"] * 9


def test_a_timing_that_comes_or_goes_is_drawn_again(place: Place, tmp_path: Path) -> None:
    [timing] = place.results.glob("timing/*.parquet")
    elsewhere = timing.rename(tmp_path / timing.name)
    summary = place.results / "studies" / "smoke" / "summary.parquet"

    def seconds() -> pd.Series:
        frame = pd.read_parquet(summary)
        return frame[frame["metric"] == "memory_mib"]["estimate"]

    assert place.snakemake(config="cached=true").returncode == 0
    assert seconds().isna().all()
    elsewhere.rename(timing)
    assert "time" not in place.jobs()
    assert place.snakemake().returncode == 0
    assert seconds().notna().all()
    timing.unlink()
    assert place.snakemake(config="cached=true").returncode == 0
    assert seconds().isna().all()


def test_what_cannot_be_drawn_is_said_and_no_old_page_is_announced(place: Place, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "seaborn.py").write_text("raise ImportError('no seaborn today')")
    edit(place, "title: Two optimizers", "title: Still two")
    # In processes that load everything.
    done = Place(place.folder).snakemake(environment={"PYTHONPATH": str(tmp_path / "broken")})
    lines = (done.stderr + done.stdout).splitlines()
    assert done.returncode == 1
    assert "FAILED results of optimizer: ImportError: no seaborn today" in lines
    pages = [line for line in lines if line.startswith("Report: ")]
    page = place.results / "studies" / "smoke" / "report.html"
    assert bool(pages) == page.exists()
    assert not page.exists() or "Still two" in page.read_text()
    assert place.snakemake().returncode == 0
    assert "Still two" in page.read_text()


def test_a_store_with_a_space_in_its_name(place: Place) -> None:
    place.results.rename(place.folder / "my results")
    done = place.snakemake("--forcerun", "collect", config="'results=my results'")
    assert done.returncode == 0, done.stderr
    assert f"Report: {place.folder}/my results/studies/smoke/report.html (6 of 6 runs)" in done.stderr + done.stdout
