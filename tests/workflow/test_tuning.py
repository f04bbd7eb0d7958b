"""A tuned study as a user runs it: what is tuned, what is trained on it, and what is not done twice."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

from study.plan.plan import Plan
from study.show.records import gather
from study.store.layout import Block, Store
from tests.workflow.conftest import Place

STUDY = """
study: fair
baseline: {dataset: wine, network: {name: mlp, hidden: [8]}, optimizer: sgd, batch_size: 32, epochs: 2}
seeds: 2
tune: {optimizer.lr: {log: [0.01, 1], points: 3}, seeds: 2, extend: 2}
comparisons:
  optimizer:
    vary: {optimizer: [sgd, adam]}
    metrics: [test_accuracy]
    claims: [{metric: test_accuracy, better: adam, than: sgd, exploratory: true}]
"""
WORK = {"data", "tune", "train", "time"}


def work(place: Place) -> dict[str, int]:
    """The jobs that a dry run plans, but for the report."""
    return {rule: count for rule, count in place.jobs().items() if rule in WORK}


@pytest.fixture(scope="module")
def fair(tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = Place(tmp_path_factory.mktemp("fair"))
    (place.folder / place.study).write_text(STUDY, encoding="utf-8")
    assert work(place) == {"data": 1, "tune": 2, "train": 2}
    done = place.snakemake()
    assert done.returncode == 0, done.stdout + done.stderr
    return place


def test_final_runs_have_the_settings_that_tuning_chose(fair: Place) -> None:
    store = Store(fair.results)
    plan = Plan.load(store.study("fair") / "plan.json")
    runs = pd.read_parquet(store.study("fair") / "runs.parquet").set_index("arm")
    for arm in plan.arms:
        tuning = pd.read_parquet(store.tuning(arm))
        assert (len(tuning), tuning["candidate"].nunique()) == (10, 5)
        (chosen,) = tuning.loc[tuning["chosen"], "optimizer.lr"].unique()
        assert runs.loc[arm, "lr"].tolist() == [chosen] * 2
        assert [json.loads(text) for text in runs.loc[arm, "settings"]] == [{"optimizer.lr": chosen}] * 2


def test_what_was_tuned_is_gathered_and_shown(fair: Place) -> None:
    folder = Store(fair.results).study("fair")
    tuning = pd.read_parquet(folder / "tuning.parquet")
    assert tuning.groupby("arm").size().tolist() == [10, 10]
    names = [f"figures/tuning/optimizer.{ending}" for ending in ("svg", "png", "pdf")]
    assert [name for name in names if not (folder / name).is_file()] == []
    page = (folder / "report.html").read_text(encoding="utf-8")
    summary = pd.read_parquet(folder / "summary.parquet")
    for settings in summary["chosen"]:
        assert f"lr={json.loads(settings)['optimizer.lr']:.3g}" in page
    assert "Tuning took 20 runs" in page


def test_what_is_trained_is_not_tuned_again(fair: Place, tmp_path: Path) -> None:
    place = fair.copy(tmp_path / "copy")
    store = Store(place.results)
    first, second = Plan.load(store.study("fair") / "plan.json").arms
    os.utime(store.tuning(first))  # newer than the runs, as after a fresh clone
    assert work(place) == {}
    store.tuning(first).unlink()
    assert work(place) == {}
    store.runs(second, Block(0, 1)).unlink()  # its tuning is there
    assert work(place) == {"train": 1}
    store.runs(first, Block(0, 1)).unlink()
    assert work(place) == {"train": 2, "tune": 1}


def test_a_failed_tuning_is_told_once_and_shown_for_every_seed(fair: Place, tmp_path: Path) -> None:
    place = fair.copy(tmp_path / "copy")
    store = Store(place.results)
    arm = next(iter(Plan.load(store.study("fair") / "plan.json").arms))
    store.tuning(arm).unlink()
    store.runs(arm, Block(0, 1)).unlink()
    (dataset,) = place.results.glob("datasets/*.npz")
    dataset.write_bytes(b"torn")
    done = place.snakemake()
    assert done.returncode == 1
    failed = [line for line in (done.stderr + done.stdout).splitlines() if line.startswith("FAILED")]
    assert len(failed) == 1
    assert f"({arm}), tuning: " in failed[0]
    runs = pd.read_parquet(store.study("fair") / "runs.parquet").set_index("arm")
    assert runs.loc[arm, "status"].tolist() == ["failed"] * 2


@pytest.mark.parametrize("wrong", ['{"optimizer.lr": 0.5}', None], ids=["another rate", "nothing"])
def test_runs_that_tuning_did_not_choose_are_not_collected(fair: Place, tmp_path: Path, wrong: str | None) -> None:
    shutil.copytree(fair.results, tmp_path / "results")
    store = Store(tmp_path / "results")
    plan = Plan.load(store.study("fair") / "plan.json")
    path = store.runs(next(iter(plan.arms)), Block(0, 1))
    pd.read_parquet(path).assign(settings=pd.Series([wrong] * 2, dtype="string")).to_parquet(path)
    with pytest.raises(ValueError, match=r"tuning\.parquet chose"):
        gather(plan, store)


def test_what_is_tuned_is_not_tuned_again_for_trials_that_are_still_to_be_made(fair: Place, tmp_path: Path) -> None:
    """A metric more, whose arms make the trials that those at hand could take over, and seeds more for all."""
    place = fair.copy(tmp_path / "copy")
    text = STUDY.replace("[test_accuracy]", "[test_accuracy, steps_to_target]")
    text = text.replace("seeds: 2\ntune:", "seeds: 3\ntarget: {metric: val_accuracy, value: 0.5}\ntune:")
    (place.folder / place.study).write_text(text, encoding="utf-8")
    assert work(place) == {"tune": 2, "train": 4}


def test_trials_are_made_once_for_all_selections_of_a_label(fair: Place, tmp_path: Path) -> None:
    """With a metric more, each arm is tuned by another selection too: of the trials that are there."""
    place = fair.copy(tmp_path / "copy")
    text = STUDY.replace("metrics: [test_accuracy]", "metrics: [test_accuracy, test_loss]")
    (place.folder / place.study).write_text(text, encoding="utf-8")
    assert work(place) == {"tune": 2, "train": 2}
    assert place.snakemake("--until", "tune").returncode == 0
    for path in sorted((place.results / "logs" / "tune").glob("*.log"), key=os.path.getmtime)[-2:]:
        assert "trials taken over from" in path.read_text(encoding="utf-8")
