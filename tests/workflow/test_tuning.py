"""A tuned study as a user runs it: what is tuned, what is trained on it, and what is not done twice."""

from __future__ import annotations

import io
import json
import os
import shutil
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from study.plan.jobs import jobs
from study.plan.plan import Plan
from study.show.records import gather
from study.store.layout import Block, Store
from study.store.searches import selections
from tests.workflow.conftest import Place, WarmPlace

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
WORK = {"data", "job", "time"}


def work(place: Place) -> dict[str, int]:
    """The jobs that a dry run plans, but for the report."""
    return {rule: count for rule, count in place.jobs().items() if rule in WORK}


@pytest.fixture(scope="module")
def fair(tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = WarmPlace(tmp_path_factory.mktemp("fair"))
    (place.folder / place.study).write_text(STUDY, encoding="utf-8")
    assert work(place) == {"data": 1, "job": 1}
    done = place.snakemake()
    assert done.returncode == 0, done.stdout + done.stderr
    return place


def test_final_runs_have_the_settings_that_tuning_chose(fair: Place) -> None:
    store = Store(fair.results)
    plan = Plan.load(store.study("fair") / "plan.json")
    runs = pd.read_parquet(store.study("fair") / "runs.parquet").set_index("arm")
    tuning = pd.read_parquet(store.study("fair") / "tuning.parquet").set_index("arm")
    for arm_id, arm in plan.arms.items():
        assert arm.search
        trials = pd.read_parquet(store.search(arm.search.id))
        assert (len(trials), trials["candidate"].nunique()) == (10, 5)
        mine = tuning.loc[arm_id]
        (chosen,) = mine.loc[mine["chosen"], "settings"].unique()
        assert runs.loc[arm_id, "lr"].tolist() == [json.loads(chosen)["optimizer.lr"]] * 2
        assert runs.loc[arm_id, "settings"].tolist() == [chosen] * 2


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


def searches(store: Store) -> list[Path]:
    """The searches of the two arms, in their order."""
    arms = Plan.load(store.study("fair") / "plan.json").arms.values()
    return [store.search(arm.search.id) for arm in arms if arm.search]


def searched(store: Store) -> int:
    """How many searches the jobs hold that are still to be done."""
    plan = Plan.load(store.study("fair") / "plan.json")
    return sum(len(job.searches) for job in jobs(plan, store))


def test_a_search_is_made_again_where_it_is_gone_and_no_other_time(fair: Place, tmp_path: Path) -> None:
    place = fair.copy(tmp_path / "copy")
    store = Store(place.results)
    _, second = Plan.load(store.study("fair") / "plan.json").arms
    search, _ = searches(store)
    os.utime(search)  # newer than the runs, as after a fresh clone
    assert work(place) == {}
    store.runs(second, Block(0, 1)).unlink()  # its search is there
    assert (work(place), searched(store)) == ({"job": 1}, 0)
    before = search.read_bytes()
    search.unlink()  # what is said of its arm rests on it
    assert (work(place), searched(store)) == ({"job": 1}, 1)
    assert place.snakemake(config="cached=true").returncode == 0
    claims = pd.read_parquet(store.study("fair") / "claims.parquet")
    assert claims["verdict"].tolist() == ["undecided"] * len(claims)
    assert place.snakemake().returncode == 0
    assert pq.read_table(search).equals(pq.read_table(io.BytesIO(before)))


def test_receipts_are_nothing_but_receipts(fair: Place, tmp_path: Path) -> None:
    place = fair.copy(tmp_path / "copy")
    store = Store(place.results)
    shutil.rmtree(place.results / "jobs")
    assert place.jobs() == {}
    store.runs(next(iter(Plan.load(store.study("fair") / "plan.json").arms)), Block(0, 1)).unlink()
    assert work(place) == {"job": 1}
    assert place.snakemake().returncode == 0
    [receipt] = place.results.glob("jobs/*.done")
    [pack] = json.loads(receipt.read_text())["packs"]
    assert pack["units"] == [f"{receipt_arm(store)}, seeds 0-1"]


def receipt_arm(store: Store) -> str:
    return next(iter(Plan.load(store.study("fair") / "plan.json").arms))


FAILING = """
study: failing
baseline: {dataset: wine, trainer: {name: command, run: "python fail.py {recipe} {seed} {log}", settings: {x: 1}}}
seeds: 2
tune: {trainer.settings.x: {values: [1, 2]}, select: val_loss, by_seed: false, seeds: 1}
comparisons:
  scripts:
    vary: {trainer.settings.y: [3, 4]}
    metrics: [val_loss]
"""


def test_a_failed_search_is_told_once_and_shown_for_every_seed(tmp_path: Path) -> None:
    place = WarmPlace(tmp_path)
    (place.folder / place.study).write_text(FAILING, encoding="utf-8")
    (place.folder / "fail.py").write_text("raise SystemExit('no good')", encoding="utf-8")
    done = place.snakemake()
    assert done.returncode == 1
    failed = [line for line in (done.stderr + done.stdout).splitlines() if line.startswith("FAILED scripts")]
    plan = Plan.load(Store(place.results).study("failing") / "plan.json")
    assert len(failed) == len(plan.arms) == 2
    for arm in plan.arms:
        [line] = [line for line in failed if f"({arm})" in line]
        assert f"({arm}), tuning: " in line
        assert "no good" in line
    runs = pd.read_parquet(Store(place.results).study("failing") / "runs.parquet")
    assert runs["status"].tolist() == ["failed"] * 4


@pytest.mark.parametrize("wrong", ['{"optimizer.lr": 0.5}', None], ids=["another rate", "nothing"])
def test_runs_that_tuning_did_not_choose_are_not_collected(fair: Place, tmp_path: Path, wrong: str | None) -> None:
    shutil.copytree(fair.results, tmp_path / "results")
    store = Store(tmp_path / "results")
    plan = Plan.load(store.study("fair") / "plan.json")
    path = store.runs(next(iter(plan.arms)), Block(0, 1))
    pd.read_parquet(path).assign(settings=pd.Series([wrong] * 2, dtype="string")).to_parquet(path)
    with pytest.raises(ValueError, match="chose"):
        gather(plan, store)


def test_a_search_is_extended_for_another_selection(fair: Place, tmp_path: Path) -> None:
    """With a metric more, each arm is chosen by another selection too: its search keeps what it tried."""
    place = fair.copy(tmp_path / "copy")
    store = Store(place.results)
    before = [pd.read_parquet(path).drop(columns="selections") for path in searches(store)]
    text = STUDY.replace("metrics: [test_accuracy]", "metrics: [test_accuracy, test_loss]")
    (place.folder / place.study).write_text(text, encoding="utf-8")
    assert work(place) == {"job": 1}
    assert place.snakemake("--until", "job").returncode == 0
    for was, path in zip(before, dict.fromkeys(searches(store)), strict=True):
        now = pd.read_parquet(path)
        pd.testing.assert_frame_equal(now.drop(columns="selections").iloc[: len(was)], was)
        assert selections(store, path.stem) == ["val_accuracy", "val_loss"]


def test_what_is_searched_is_not_searched_again_for_more_seeds(fair: Place, tmp_path: Path) -> None:
    place = fair.copy(tmp_path / "copy")
    (place.folder / place.study).write_text(STUDY.replace("seeds: 2\ntune:", "seeds: 3\ntune:"), encoding="utf-8")
    assert (work(place), searched(Store(place.results))) == ({"job": 1}, 0)
