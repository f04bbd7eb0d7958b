"""Arms whose runs are tuned each for itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch

from study.engine.checkpoint import Checkpoints
from study.engine.inputs.data import load
from study.engine.inputs.prepare import prepare
from study.engine.pack import Run, train
from study.engine.slices import Slice
from study.plan.file import expand
from study.plan.jobs import jobs
from study.plan.limits import Limits
from study.plan.plan import Plan
from study.plan.trials import Trials, settings_text
from study.run.job import run
from study.run.packs import train_pack
from study.show.records import gather
from study.show.tables.tuning import chosen_cell
from study.store.layout import Store

STUDY = """
study: s
seeds: {seeds}
baseline:
  dataset: wine
  network: {{name: mlp, hidden: [4]}}
  optimizer: sgd
  batch_size: 16
  epochs: 2
comparisons:
  optimizers:
    vary: {{optimizer: [sgd, adam]}}
    tune: {{{tune}, optimizer.lr: {{log: [0.01, 1], points: 3}}}}
    metrics: [test_loss]
"""
Planned = Callable[..., Plan]


@pytest.fixture
def planned(tmp_path: Path) -> Planned:
    def make(seeds: int = 3, tune: str = "by_seed: true") -> Plan:
        path = tmp_path / "s.yaml"
        path.write_text(STUDY.format(seeds=seeds, tune=tune))
        return expand.prepare(path, Store(tmp_path / "results"))

    return make


@pytest.fixture
def results(tmp_path: Path, planned: Planned) -> Store:
    store = Store(tmp_path / "results")
    for name, dataset in planned().datasets.items():
        store.dataset(name).parent.mkdir(parents=True)
        prepare(dataset, store.dataset(name))
    return store


def done(plan: Plan, store: Store) -> None:
    for job in jobs(plan, store):
        job.write(store)
        assert run(job, store) == []


def test_every_run_has_tuning_seeds_of_its_own(planned):
    plan = planned(seeds=4)
    for arm in plan.arms:
        seeds = [seed for search in plan.searches_of(arm) for seed in search.seed_range]
        assert len(seeds) == len({*seeds}) == 4
        assert min(seeds) >= 1_000_000
    assert len(plan.searches) == 8
    several = planned(tune="by_seed: true, seeds: 5")
    assert [len(search.seed_range) for search in several.searches.values()] == [5] * 6


def test_an_arm_that_is_tuned_by_seed_is_another_arm(planned):
    assert planned().arms.keys().isdisjoint(planned(tune="seeds: 1, by_seed: false").arms)
    assert planned(seeds=3).arms.keys() == planned(seeds=5).arms.keys()


def test_each_run_has_what_its_own_search_chose(planned, results):
    plan = planned()
    done(plan, results)
    assert plan.missing(results) == {}
    assert jobs(plan, results) == []
    for name, arm in plan.arms.items():
        data = load(results.dataset(arm.dataset_id))
        [runs] = [pd.read_parquet(path) for path in results.arm(name).glob("runs-*")]
        assert runs["seed"].tolist() == [0, 1, 2]
        for seed, search in enumerate(plan.searches_of(name)):
            rows = pd.read_parquet(results.search(search.id))
            assert rows["seed"].unique().tolist() == [1_000_000 + 1_000 * seed]
            best = json.loads(rows.loc[rows["val_loss"].idxmin(), "settings"])
            row = runs[runs["seed"] == seed].iloc[0]
            assert json.loads(row["settings"]) == best
            [expected] = train([Run(arm.settled(best), seed)], data)
            assert row["test_loss"] == expected.curve[-1]["test_loss"]
            assert row["lr"] == best["optimizer.lr"]


def test_slices_that_chose_the_same_have_checkpoints_of_their_own(planned, results, monkeypatch):
    """Else nothing would remove them, nor find them with other neighbours."""
    monkeypatch.setattr(Checkpoints.__init__, "__defaults__", (0.0, 0.0, *Checkpoints.__init__.__defaults__[2:]))
    [arm, *_] = planned().arms.values()
    recipe = arm.settled({"optimizer.lr": 0.1})
    asked = [Slice(recipe, (0, 2)), Slice(recipe, (1,))]
    apart = list(train_pack(asked, results, torch.device("cpu"), []))
    left = {path.stem for path in results.checkpoints.iterdir()}
    assert left == {each.key("cpu") for each in asked}
    together = train([Run(recipe, seed) for seed in (0, 2, 1)], load(results.dataset(recipe.dataset_id)))
    assert [record.curve for records in apart for record in records] == [record.curve for record in together]


def test_more_seeds_search_and_train_only_what_is_new(planned, results):
    done(planned(), results)
    before = {path: path.stat().st_mtime_ns for path in results.root.glob("[as]*/**/*.parquet")}
    more = planned(seeds=5)
    made = jobs(more, results)
    assert {unit.search.run_seed for job in made for unit in job.searches} == {3, 4}
    assert {seed for job in made for unit in job.blocks for seed in unit.block.seeds} == {3, 4}
    done(more, results)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert more.missing(results) == {}


def test_long_searches_are_cut_by_seeds(planned, results):
    plan = planned(seeds=40)
    made = jobs(plan, results, Limits(gpu=4), minutes=1e-3)
    assert len(made) > 2
    units = [(unit.search.id, job.id) for job in made for unit in job.searches]
    assert len(units) == len({*units}) == 80
    for job in made:  # what a run needs is in its own job
        own = {unit.search.id for unit in job.searches}
        assert all(s.id in own for u in job.blocks for s in u.arm.search.each(u.block.seeds))
    seeds = [seed for job in made for unit in job.blocks for seed in unit.block.seeds]
    assert sorted(seeds) == sorted([*range(40)] * 2)


def test_records_tell_what_each_run_chose(planned, results):
    plan = planned()
    done(plan, results)
    records = gather(plan, results)
    for name, arm in plan.arms.items():
        chosen = [Trials.read(search, results).chosen(arm.selection).settings for search in plan.searches_of(name)]
        runs = records.runs[records.runs["arm"] == name].sort_values("seed")
        assert runs["settings"].tolist() == [settings_text(one) for one in chosen]
        assert [json.loads(text)["optimizer"]["lr"] for text in runs["recipe"]] == [c["optimizer.lr"] for c in chosen]
        assert records.chosen[name].by_run == tuple(chosen)
        rates = sorted({one["optimizer.lr"] for one in chosen})
        cell = chosen_cell(records.chosen, name).remark
        assert (f"of 3 runs; {rates[0]:g} to {rates[-1]:g}" in cell) == (len(rates) > 1), cell
    tuning = records.tuning
    assert tuning.groupby(["arm", "run_seed"])["chosen_here"].sum().tolist() == [1] * 6
    assert (tuning.groupby(["arm", "candidate"])["seed"].nunique() == 3).all()


def test_runs_that_were_trained_otherwise_are_refused(planned, results):
    plan = planned()
    done(plan, results)
    [arm, *_] = plan.arms
    second = plan.searches_of(arm)[1]
    trials = Trials.read(second, results)
    best = trials.chosen(plan.arms[arm].selection).settings
    others = [trial for trial in trials.tried if trial.settings != best]
    Trials(second, others, trials.done).write(results)
    with pytest.raises(ValueError, match=f"{arm}: runs were trained with .*, but .*{second.id}.parquet chose"):
        gather(plan, results)


def test_runs_are_tuned_each_for_itself_unless_something_else_is_said(planned):
    def by_seed(tune: str) -> set[bool]:
        return {arm.search.by_seed for arm in planned(tune=tune).arms.values()}

    assert by_seed("seeds: 1") == by_seed("extend: 0") == by_seed("by_seed: true") == {True}
    assert by_seed("by_seed: false") == by_seed("extend: 1") == {False}  # whose ids are those that they always had
    assert planned(tune="extend: 1").arms.keys() == planned(tune="extend: 1, by_seed: false").arms.keys()


def test_further_trials_are_of_one_search_for_all_runs(planned):
    from study.errors import Refused

    with pytest.raises(
        Refused, match=r"tune.extend: is of one search for all runs; give more points instead, or by_seed: false"
    ):
        planned(tune="by_seed: true, extend: 2")
